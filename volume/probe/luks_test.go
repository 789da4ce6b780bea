package probe

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLUKSImages wants the geometry that is recorded for every image.
func TestLUKSImages(t *testing.T) {
	t.Parallel()
	root := shared(t, "luks")
	var index struct {
		Cases []struct {
			ID, Kind, Cipher string
			SectorSize       uint64 `json:"sector_size"`
			DataOffset       uint64 `json:"data_offset"`
		}
	}
	readJSON(t, filepath.Join(root, "generated.json"), &index)
	for _, c := range index.Cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(root, c.ID+".hdr.xz")
			detached := true
			if _, err := os.Stat(path); err != nil {
				path, detached = filepath.Join(root, c.ID+".img.xz"), false
			}
			if _, err := os.Stat(path); err != nil {
				t.Skip("the image is not here")
			}
			l := inspect(t, unxz(t, path))
			if l.Kind != c.Kind || l.field("cipher") != c.Cipher {
				t.Errorf("%s with %v, want %s with %s", l.Kind, l.field("cipher"), c.Kind, c.Cipher)
			}
			if got := l.field("payload_offset_bytes"); !detached && got != c.DataOffset {
				t.Errorf("payload offset %v, want %d", got, c.DataOffset)
			}
			if got := l.field("sector_size"); c.Kind == "luks2" && got != c.SectorSize {
				t.Errorf("sector size %v, want %d", got, c.SectorSize)
			}
			if len(l.Problems) > 0 && !detached {
				t.Errorf("problems %q, want none", l.Problems)
			}
		})
	}
}

// TestLUKSTableLines wants the table line that a live kernel had for the same volume.
func TestLUKSTableLines(t *testing.T) {
	t.Parallel()
	root := shared(t, "kernel-samples")
	var cases []kernelCase
	readJSON(t, filepath.Join(root, "index.json"), &cases)
	for _, c := range cases {
		if !strings.HasPrefix(c.Name, "luks-") {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			l := inspect(t, untar(t, filepath.Join(root, c.Name+".tar.xz"))["A.img"])
			for _, lines := range c.Tables {
				want := strings.Fields(lines[0])
				if !slicesContainMatch(l.OpenWith, want) {
					t.Errorf("lines %q, want one with the words of %s target %q", l.OpenWith, want[2], maskKey(want))
				}
			}
		})
	}
}

func maskKey(words []string) []string {
	words = append([]string{}, words...)
	if words[2] == "crypt" {
		words[4] = "KEY"
	}
	return words
}

// slicesContainMatch looks for a line with the geometry of words: all that is not a key, a device, a journal
// setting of the running kernel or a key description.
func slicesContainMatch(lines []string, words []string) bool {
	for _, line := range lines {
		_, rest, named := strings.Cut(line, ": ")
		if !named {
			rest = line
		}
		got := strings.Fields(rest)
		if len(got) < 5 || got[2] != words[2] {
			continue
		}
		switch words[2] {
		case "crypt":
			if got[0]+got[1]+got[3]+got[5]+got[7] == words[0]+words[1]+words[3]+words[5]+words[7] &&
				strings.Join(got[8:], " ") == strings.Join(words[8:], " ") {
				return true
			}
		case "integrity":
			if strings.Join(append(got[:3], got[4:7]...), " ") == strings.Join(append(append([]string{}, words[:3]...), words[4:7]...), " ") {
				return true
			}
		}
	}
	return false
}

const (
	luks2Binary = 4096
	luks2Size   = 16 << 10 // bytes of a copy
)

// luks2Image builds a LUKS2 header with both copies around a JSON text.
func luks2Image(doc string) []byte {
	image := make([]byte, 64<<10)
	for i, magic := range []string{luksMagic, "SKUL\xba\xbe"} {
		sealLUKS2(image[i*luks2Size:][:luks2Size], magic, uint64(i*luks2Size), 7, doc)
	}
	return image
}

func sealLUKS2(b []byte, magic string, offset, sequence uint64, doc string) {
	clear(b)
	copy(b, magic)
	binary.BigEndian.PutUint16(b[6:], 2)
	binary.BigEndian.PutUint64(b[8:], luks2Size)
	binary.BigEndian.PutUint64(b[16:], sequence)
	copy(b[24:], "a label")
	copy(b[72:], "sha256")
	copy(b[168:], "12345678-0000-1111-2222-333344445555")
	binary.BigEndian.PutUint64(b[256:], offset)
	copy(b[luks2Binary:], doc)
	sum := sha256.Sum256(b)
	copy(b[448:], sum[:])
}

const luks2Doc = `{"keyslots":{"0":{"type":"luks2","key_size":64,"af":{"type":"luks1","stripes":4000,"hash":"sha256"},` +
	`"area":{"type":"raw","offset":"32768","size":"8192","encryption":"aes-xts-plain64","key_size":64},` +
	`"kdf":{"type":"argon2id","time":4,"memory":65536,"cpus":2,"salt":"c2FsdA=="}}},"tokens":{"0":{"type":"systemd-tpm2","keyslots":["0"]}},` +
	`"segments":{"0":{"type":"crypt","offset":"40960","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":4096}},` +
	`"digests":{"0":{"type":"pbkdf2","keyslots":["0"],"segments":["0"],"hash":"sha256","iterations":1000,"salt":"c2FsdA==","digest":""}},` +
	`"config":{"json_size":"12288","keyslots_size":"8192","flags":["allow-discards"]}}`

// TestLUKS2Copies damages one copy, the other, and both, and makes one newer.
func TestLUKS2Copies(t *testing.T) {
	t.Parallel()
	newer := strings.Replace(luks2Doc, `"sector_size":4096`, `"sector_size":512`, 1)
	cases := []struct {
		name       string
		change     func(b []byte)
		problem    string
		sectorSize any
	}{
		{"sound", func([]byte) {}, "", uint64(4096)},
		{"first damaged", func(b []byte) { b[5000] ^= 1 }, "the first copy of the header is damaged", uint64(4096)},
		{"first gone", func(b []byte) { clear(b[:4096]) }, "the first copy of the header is damaged", uint64(4096)},
		{"second damaged", func(b []byte) { b[20000] ^= 1 }, "the second copy of the header is damaged", uint64(4096)},
		{"both damaged", func(b []byte) { b[5000] ^= 1; b[20000] ^= 1 }, "neither copy", nil},
		{"second newer", func(b []byte) { sealLUKS2(b[16384:32768], "SKUL\xba\xbe", 16384, 8, newer) }, "the first copy of the header is older", uint64(512)},
		{"first claims another size", func(b []byte) { b[9] = 0xff }, "the first copy", uint64(4096)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			image := luks2Image(luks2Doc)
			c.change(image)
			l := inspect(t, image)
			if l.Kind != "luks2" {
				t.Fatalf("kind %q, want luks2", l.Kind)
			}
			if got := l.field("sector_size"); got != c.sectorSize {
				t.Errorf("sector size %v, want %v", got, c.sectorSize)
			}
			if c.problem == "" && len(l.Problems) > 0 {
				t.Errorf("problems %q, want none", l.Problems)
			} else if c.problem != "" {
				wantProblem(t, l, c.problem)
			}
		})
	}
	l := inspect(t, luks2Image(luks2Doc))
	if want := "0 48 crypt aes-xts-plain64 KEY 0 IMAGE 80 1 sector_size:4096"; len(l.OpenWith) != 1 || l.OpenWith[0] != want {
		t.Errorf("open with %q, want %q", l.OpenWith, want)
	}
	if got := fmt.Sprint(l.field("keyslots"), l.field("tokens"), l.field("flags"), l.Label); got !=
		"[0: luks2, argon2id, time 4, memory 65536 KiB, 2 threads, key of 512 bits] [0: systemd-tpm2] [allow-discards]a label" {
		t.Errorf("fields %s", got)
	}
}

// TestLUKS1Damage wants the facts of a damaged header all the same, what package luks says of the damage, and a word
// about what is not where the image can have it.
func TestLUKS1Damage(t *testing.T) {
	t.Parallel()
	put := binary.BigEndian.PutUint32
	cases := []struct {
		name, problem string
		change        func(b []byte)
	}{
		{"key length", "LUKS1: a key of 4294967295 bytes", func(b []byte) { put(b[108:], 1<<32-1) }},
		{"state of a later slot", "LUKS1: key slot 2: it is neither in use nor free", func(b []byte) { put(b[208+2*48:], 5) }},
		{"payload past the end", "only the header", func(b []byte) { put(b[104:], 1<<31) }},
		{"slot in the payload", "overlaps the payload", func(b []byte) { put(b[248:], 4000) }},
		{"slot past the end", "ends at byte", func(b []byte) { put(b[104:], 0); put(b[248:], 1<<20) }},
		{"no slot", "no key slot is in use", func(b []byte) { put(b[208:], 0x0000dead) }},
	}
	sound := inspect(t, luks1Image())
	if sound.Kind != "luks1" || len(sound.Problems) > 0 || fmt.Sprint(sound.OpenWith) != "[0 96 crypt aes-xts-plain64 KEY 0 IMAGE 4096]" {
		t.Fatalf("sound header: %s, problems %q, open with %q", sound.Kind, sound.Problems, sound.OpenWith)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			image := luks1Image()
			c.change(image)
			l := inspect(t, image)
			wantProblem(t, l, c.problem)
			if l.UUID != sound.UUID || l.field("cipher") != "aes-xts-plain64" || len(l.OpenWith) > 0 && c.name != "no slot" {
				t.Errorf("UUID %q, cipher %v, open with %q", l.UUID, l.field("cipher"), l.OpenWith)
			}
		})
	}
}

// TestLUKS2BadSector finds a header by its second copy when the first cannot be read.
func TestLUKS2BadSector(t *testing.T) {
	t.Parallel()
	image := luks2Image(luks2Doc)
	l, err := Probe(&damagedReader{bytes.NewReader(image), 0, 512}, int64(len(image)))
	if err != nil || l.Kind != "luks2" || l.field("sector_size") != uint64(4096) {
		t.Fatalf("%+v, %v", l, err)
	}
	wantProblem(t, l, "the second, at byte 16384, is used")
	wantProblem(t, l, "part of the image cannot be read")
}

func luks1Image() []byte {
	b := make([]byte, 2<<20+48<<10)
	copy(b, luksMagic)
	binary.BigEndian.PutUint16(b[6:], 1)
	copy(b[8:], "aes")
	copy(b[40:], "xts-plain64")
	copy(b[72:], "sha256")
	binary.BigEndian.PutUint32(b[104:], 4096)
	binary.BigEndian.PutUint32(b[108:], 32)
	binary.BigEndian.PutUint32(b[164:], 1000)
	copy(b[168:], "12345678-0000-1111-2222-333344445555")
	for i := range 8 {
		s := b[208+48*i:]
		binary.BigEndian.PutUint32(s, 0x0000dead)
		binary.BigEndian.PutUint32(s[40:], uint32(8+256*i))
		binary.BigEndian.PutUint32(s[44:], 4000)
	}
	binary.BigEndian.PutUint32(b[208:], 0x00ac71f3)
	binary.BigEndian.PutUint32(b[212:], 1000)
	return b
}

// TestLUKSDump compares with cryptsetup's own reading of headers that it has just written.
func TestLUKSDump(t *testing.T) {
	t.Parallel()
	cases := [][]string{
		{"--type", "luks1", "--cipher", "aes-cbc-essiv:sha256", "--key-size", "256"},
		{"--type", "luks2", "--sector-size", "2048", "--cipher", "aes-xts-plain64", "--key-size", "256"},
		{"--type", "luks2", "--luks2-metadata-size", "64k", "--luks2-keyslots-size", "512k"},
	}
	for i, args := range cases {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "image")
			if err := os.WriteFile(path, bytes.Repeat([]byte{0}, 20<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			luksFormat(t, path, args...)
			dump := strings.Join(strings.Fields(run(t, "cryptsetup", "luksDump", path)), " ")
			l := probeFile(t, path)
			want := []string{"UUID: " + l.UUID}
			if l.Kind == "luks1" {
				want = append(want, fmt.Sprintf("Payload offset: %d", l.field("payload_offset_bytes").(uint64)/sector),
					fmt.Sprintf("MK bits: %d", l.field("key_bits")), "Hash spec: "+l.field("hash").(string))
			} else {
				want = append(want, fmt.Sprintf("offset: %d [bytes]", l.field("payload_offset_bytes")),
					fmt.Sprintf("sector: %d [bytes]", l.field("sector_size")), fmt.Sprintf("Epoch: %d", l.field("sequence")),
					fmt.Sprintf("Metadata area: %d [bytes]", l.field("header_bytes")),
					fmt.Sprintf("Keyslots area: %d [bytes]", l.field("keyslots_area_bytes")), "cipher: "+l.field("cipher").(string))
			}
			for _, w := range want {
				if !strings.Contains(dump, w) {
					t.Errorf("luksDump has no %q:\n%s", w, dump)
				}
			}
		})
	}
}
