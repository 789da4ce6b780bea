package luks_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/crypt/luks"
)

// memory is a Storage without a file. It grows like one.
type memory struct{ b []byte }

func (m *memory) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(m.b).ReadAt(p, off) }

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if end := int(off) + len(p); end > len(m.b) {
		m.b = append(m.b, make([]byte, end-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

func (m *memory) Sync() error { return nil }

func (m *memory) Size() (int64, error) { return int64(len(m.b)), nil }

// Costs that take no time.
var (
	quick       = luks.Cost{Type: "pbkdf2", Iterations: 1000}
	quickArgon  = luks.Cost{Type: "argon2id", Iterations: 4, Memory: 32, Parallel: 1}
	quickArgonI = luks.Cost{Type: "argon2i", Iterations: 4, Memory: 64, Parallel: 1}
)

// made is an image made by both.
type made struct {
	name string
	args string // of cryptsetup luksFormat
	size int64  // of the device with the data; 0: enough
	o    luks.FormatOptions
}

var all = []made{
	{name: "defaults", args: "--type luks2", o: luks.FormatOptions{}},
	{name: "odd device", args: "--type luks2", size: 20<<20 + 512, o: luks.FormatOptions{}},
	{name: "argon2id", args: "--type luks2 --luks2-keyslots-size 1M --pbkdf argon2id --pbkdf-force-iterations 4 --pbkdf-memory 32 --pbkdf-parallel 1", o: luks.FormatOptions{KeyslotsSize: 1 << 20, Slot: luks.SlotOptions{Cost: quickArgon}}},
	{name: "argon2i", args: "--type luks2 --luks2-keyslots-size 1M --pbkdf argon2i --pbkdf-force-iterations 4 --pbkdf-memory 64 --pbkdf-parallel 1 --hash sha512", o: luks.FormatOptions{KeyslotsSize: 1 << 20, Hash: "sha512", Slot: luks.SlotOptions{Cost: quickArgonI}}},
	{name: "names", args: "--type luks2 --luks2-keyslots-size 1M --label one --subsystem two --uuid 60A98D25-0000-4000-8000-000000000ABC -S 5", o: luks.FormatOptions{KeyslotsSize: 1 << 20, Label: "one", Subsystem: "two", UUID: "60A98D25-0000-4000-8000-000000000ABC", Slot: luks.SlotOptions{Slot: 5}}},
	{name: "metadata", args: "--type luks2 --luks2-metadata-size 128k", o: luks.FormatOptions{MetadataSize: 128 << 10}},
	{name: "keyslots", args: "--type luks2 --luks2-keyslots-size 1M", o: luks.FormatOptions{KeyslotsSize: 1 << 20}},
	{name: "both sizes", args: "--type luks2 --luks2-metadata-size 1M --luks2-keyslots-size 2M", o: luks.FormatOptions{MetadataSize: 1 << 20, KeyslotsSize: 2 << 20}},
	{name: "largest metadata", args: "--type luks2 --luks2-metadata-size 4M", o: luks.FormatOptions{MetadataSize: 4 << 20}},
	{name: "offset 0", args: "--type luks2 --offset 0", o: luks.FormatOptions{DataOffsetSet: true}},
	{name: "offset 1M", args: "--type luks2 --offset 2048", o: luks.FormatOptions{DataOffset: 1 << 20, DataOffsetSet: true}},
	{name: "offset 4M", args: "--type luks2 --offset 8192", o: luks.FormatOptions{DataOffset: 4 << 20, DataOffsetSet: true}},
	{name: "offset and a sector more", args: "--type luks2 --offset 8200", o: luks.FormatOptions{DataOffset: 8200 * 512, DataOffsetSet: true}},
	{name: "offset with sizes", args: "--type luks2 --offset 8192 --luks2-keyslots-size 1M", o: luks.FormatOptions{DataOffset: 4 << 20, DataOffsetSet: true, KeyslotsSize: 1 << 20}},
	{name: "aligned to 3584", args: "--type luks2 --align-payload 7", o: luks.FormatOptions{Alignment: 3584}},
	{name: "aligned to 4096", args: "--type luks2 --align-payload 8 --luks2-keyslots-size 1M", o: luks.FormatOptions{Alignment: 4096, KeyslotsSize: 1 << 20}},
	{name: "aligned to 2M", args: "--type luks2 --align-payload 4096 --luks2-keyslots-size 1M", o: luks.FormatOptions{Alignment: 2 << 20, KeyslotsSize: 1 << 20}},
	{name: "sectors of 512", args: "--type luks2 --luks2-keyslots-size 1M --sector-size 512", o: luks.FormatOptions{KeyslotsSize: 1 << 20, SectorSize: 512}},
	{name: "sectors of 1024", args: "--type luks2 --luks2-keyslots-size 1M --sector-size 1024 -s 256", o: luks.FormatOptions{KeyslotsSize: 1 << 20, SectorSize: 1024, KeySize: 32}},
	{name: "sectors of 2048", args: "--type luks2 --luks2-keyslots-size 1M --sector-size 2048 -c aes-cbc-essiv:sha256", o: luks.FormatOptions{KeyslotsSize: 1 << 20, SectorSize: 2048, Cipher: "aes-cbc-essiv:sha256"}},
	{name: "short cipher", args: "--type luks2 --luks2-keyslots-size 1M -c aes", o: luks.FormatOptions{KeyslotsSize: 1 << 20, Cipher: "aes"}},
	{name: "plain", args: "--type luks2 --luks2-keyslots-size 1M -c aes-cbc-plain64 -s 128 --hash whirlpool", o: luks.FormatOptions{KeyslotsSize: 1 << 20, Cipher: "aes-cbc-plain64", KeySize: 16, Hash: "whirlpool"}},
	{name: "slot cipher", args: "--type luks2 --luks2-keyslots-size 1M --keyslot-cipher aes-cbc-plain64 --keyslot-key-size 128 --hash ripemd160", o: luks.FormatOptions{KeyslotsSize: 1 << 20, Hash: "ripemd160", Slot: luks.SlotOptions{Cipher: "aes-cbc-plain64", KeySize: 16}}},
	{name: "no integrity", args: "--type luks2 --luks2-keyslots-size 1M --integrity none --hash sha3-256", o: luks.FormatOptions{KeyslotsSize: 1 << 20, Integrity: "none", Hash: "sha3-256"}},
	{name: "detached", args: "--type luks2 --header header", o: luks.FormatOptions{Detached: true}},
	{name: "detached, odd device", args: "--type luks2 --header header", size: 1<<20 + 512, o: luks.FormatOptions{Detached: true}},
	{name: "detached, keyslots", args: "--type luks2 --header header --luks2-keyslots-size 1M", o: luks.FormatOptions{Detached: true, KeyslotsSize: 1 << 20}},
	{name: "detached, offset", args: "--type luks2 --header header --offset 4096 --luks2-keyslots-size 1M", o: luks.FormatOptions{Detached: true, KeyslotsSize: 1 << 20, DataOffset: 2 << 20, DataOffsetSet: true}},
	{name: "detached, aligned", args: "--type luks2 --header header --align-payload 2048", o: luks.FormatOptions{Detached: true, Alignment: 1 << 20}},
	{name: "detached, offset 0", args: "--type luks2 --header header --offset 0", o: luks.FormatOptions{Detached: true, DataOffsetSet: true}},

	{name: "LUKS1", args: "--type luks1", o: luks.FormatOptions{Version: 1}},
	{name: "LUKS1 sha1", args: "--type luks1 --hash sha1 -s 256", o: luks.FormatOptions{Version: 1, Hash: "sha1", KeySize: 32}},
	{name: "LUKS1 sha512", args: "--type luks1 --hash sha512 -c aes-cbc-plain -s 192", o: luks.FormatOptions{Version: 1, Hash: "sha512", Cipher: "aes-cbc-plain", KeySize: 24}},
	{name: "LUKS1 ripemd160", args: "--type luks1 --hash ripemd160 -c aes-cbc-essiv:sha256 -S 7", o: luks.FormatOptions{Version: 1, Hash: "ripemd160", Cipher: "aes-cbc-essiv:sha256", Slot: luks.SlotOptions{Slot: 7}}},
	{name: "LUKS1 whirlpool", args: "--type luks1 --hash whirlpool -c aes -s 128", o: luks.FormatOptions{Version: 1, Hash: "whirlpool", Cipher: "aes", KeySize: 16}},
	{name: "LUKS1 aligned", args: "--type luks1 --align-payload 8", o: luks.FormatOptions{Version: 1, Alignment: 4096}},
	{name: "LUKS1 aligned to 3584", args: "--type luks1 --align-payload 7 --uuid 60a98d25-0000-4000-8000-000000000abc", o: luks.FormatOptions{Version: 1, Alignment: 3584, UUID: "60a98d25-0000-4000-8000-000000000abc"}},
	{name: "LUKS1 offset", args: "--type luks1 --offset 8192", o: luks.FormatOptions{Version: 1, DataOffset: 4 << 20, DataOffsetSet: true}},
	{name: "LUKS1 smallest offset", args: "--type luks1 --offset 4040", o: luks.FormatOptions{Version: 1, DataOffset: 4040 * 512, DataOffsetSet: true}},
	{name: "LUKS1 detached", args: "--type luks1 --header header", o: luks.FormatOptions{Version: 1, Detached: true}},
	{name: "LUKS1 detached, offset", args: "--type luks1 --header header --offset 8192", o: luks.FormatOptions{Version: 1, Detached: true, DataOffset: 4 << 20, DataOffsetSet: true}},
}

// TestFormatMatrix makes images with both and compares what cryptsetup says about
// them, which has to open ours.
func TestFormatMatrix(t *testing.T) {
	t.Parallel()
	tool(t, "cryptsetup")
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			switch {
			case c.size != 0:
			case c.o.Version == 1 || c.o.KeyslotsSize != 0 || c.o.Detached:
				c.size = 8 << 20
			default:
				c.size = 17 << 20
			}
			dir := t.TempDir()
			write(t, dir, "pass", []byte("pass\x00word\n"))
			ours := c.format(t, dir)
			theirs := c.cryptsetupFormat(t, dir)
			if x, y := describe(t, dir, "ours"), describe(t, dir, theirs); x != y {
				t.Errorf("cryptsetup says of ours\n%s\nand of its own\n%s", x, y)
			}
			if a, err := os.Stat(filepath.Join(dir, theirs)); err != nil || ours != a.Size() && !strings.Contains(c.args, "luks1") {
				t.Errorf("ours has %d bytes, cryptsetup's %d, %v", ours, a.Size(), err)
			}
			run(t, dir, "", "cryptsetup", "open", "--test-passphrase", "--key-file", "pass", "ours")
		})
	}
}

// format makes the image "ours" and returns its size.
func (c made) format(t *testing.T, dir string) int64 {
	t.Helper()
	m := &memory{b: make([]byte, c.size)}
	c.o.DataSize = c.size
	if c.o.Detached {
		m.b = nil
	}
	if c.o.Slot.Cost.Type == "" {
		c.o.Slot.Cost = quick
	}
	key, err := luks.Format(t.Context(), m, []byte("pass\x00word\n"), c.o)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Wipe()
	h, err := luks.Read(m)
	if err != nil || len(h.Problems) > 0 {
		t.Fatalf("%v, %v", err, h)
	}
	again, err := h.Unlock(t.Context(), []byte("pass\x00word\n"), luks.UnlockOptions{})
	if err != nil || !bytes.Equal(again.Bytes(), key.Bytes()) || again.Slot != key.Slot {
		t.Fatalf("%v, or another key", err)
	}
	write(t, dir, "ours", m.b)
	return int64(len(m.b))
}

// cryptsetupFormat makes "image", with "header" if asked to, and returns the one with the
// header.
func (c made) cryptsetupFormat(t *testing.T, dir string) string {
	t.Helper()
	write(t, dir, "image", nil)
	if err := os.Truncate(filepath.Join(dir, "image"), c.size); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"luksFormat", "-q"}, strings.Fields(c.args)...)
	if !strings.Contains(c.args, "--pbkdf ") {
		args = append(args, "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
	}
	run(t, dir, "", "cryptsetup", append(args, "image", "pass")...)
	if c.o.Detached {
		return "header"
	}
	return "image"
}

func command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	return cmd
}

// run runs a tool in a folder and returns what it prints.
func run(t *testing.T, dir, input, name string, args ...string) string {
	t.Helper()
	cmd := command(dir, name, args...)
	if input != "" {
		cmd.Stdin = strings.NewReader(input)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// What differs from one image to the next.
var (
	randomJSON = regexp.MustCompile(`"(salt|digest)": ?"[^"]*"`)
	randomHex  = regexp.MustCompile(`(?m)(MK digest:|Salt:|MK salt:|Digest:)(\s+([0-9a-f]{2} )+)+`)
	uuidText   = regexp.MustCompile(`UUID:.*`)
	nameText   = regexp.MustCompile(`for (ours|image|header)`)
	epochText  = regexp.MustCompile(`Epoch:.*`)
)

// describe is all that cryptsetup says about an image, without what is random.
func describe(t *testing.T, dir, name string) string {
	t.Helper()
	text := run(t, dir, "", "cryptsetup", "luksDump", name)
	if strings.Contains(text, "Metadata area") {
		text += run(t, dir, "", "cryptsetup", "luksDump", "--dump-json-metadata", name)
	}
	for _, r := range []*regexp.Regexp{randomJSON, randomHex, nameText, epochText} {
		text = r.ReplaceAllString(text, "")
	}
	if !strings.Contains(strings.ToLower(text), "60a98d25") {
		text = uuidText.ReplaceAllString(text, "")
	}
	return strings.ToLower(text)
}

// TestFormatCiphers makes headers with what cryptsetup leaves to the kernel, and opens them.
func TestFormatCiphers(t *testing.T) {
	t.Parallel()
	for _, cipher := range []string{
		"serpent-xts-plain64", "twofish-xts-plain64", "camellia-cbc-essiv:sha256", "aes-lrw-benbi", "capi:xts(aes)-plain64",
		"xchacha12,aes-adiantum-plain64", "aes-hctr2-plain64", "sm4-xts-plain64", "aes-ctr-plain64", "cast5-cbc-plain64", "aes-ecb",
	} {
		for version := 1; version <= 2; version++ {
			if version == 1 && strings.Contains(cipher, "hctr2") {
				continue // refused
			}
			t.Run(fmt.Sprintf("LUKS%d %s", version, cipher), func(t *testing.T) {
				t.Parallel()
				o := luks.FormatOptions{Version: version, Cipher: cipher, Detached: true, Slot: luks.SlotOptions{Cost: quick}}
				switch {
				case strings.Contains(cipher, "lrw"):
					o.KeySize = 48
				case strings.Contains(cipher, "cast5"):
					o.KeySize = 16
				case strings.Contains(cipher, "sm4"):
					o.KeySize = 32
				case strings.Contains(cipher, "xts"):
					o.KeySize = 64
				}
				if version == 2 {
					o.KeyslotsSize = 1 << 20
				}
				made{o: o}.format(t, t.TempDir())
			})
		}
	}
}
