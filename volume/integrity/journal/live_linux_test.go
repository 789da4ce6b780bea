package journal_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The tests of this file run inside the kernel lab:
//
//	go run ./kernel/internal/lab/cmd/lab test -tools dmsetup,losetup -timeout 9m ./volume/integrity/journal -test.run=Live
//
// What the kernel leaves behind is kept in the folder of the artifacts.
const (
	labInside = "DMIMG_LAB"
	labOut    = "/lab/out"
)

// inLab skips a test outside of it.
func inLab(t *testing.T) {
	t.Helper()
	if os.Getenv(labInside) != "1" {
		t.Skip("needs a live device-mapper: it runs inside the lab, see live_linux_test.go")
	}
	for _, tool := range []string{"dmsetup", "losetup"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
}

// run runs a tool.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// disk makes a block device of an image until the test ends.
func disk(t testing.TB, path string) string {
	t.Helper()
	dev := run(t, "losetup", "-f", "--show", path)
	t.Cleanup(func() { run(t, "losetup", "-d", dev) })
	return dev
}

// liveKind is a sort of device.
type liveKind struct {
	name    string
	size    int64 // bytes of the data device
	meta    int64 // of a meta device
	tag     int
	options []string
	mode    string // J if empty
}

var (
	liveKey   = strings.Repeat("4b", 32)
	liveKind4 = []string{"block_size:4096", "internal_hash:sha256", "fix_padding"}
)

var liveKinds = []liveKind{
	{name: "plain", tag: 4, options: []string{"internal_hash:crc32c", "fix_padding"}},
	{name: "4k", tag: 32, options: liveKind4},
	{name: "2k", tag: 9, options: []string{"block_size:2048", "internal_hash:sha1", "fix_padding"}},
	{name: "mac", tag: 4, options: []string{"internal_hash:crc32c", "fix_padding", "journal_mac:hmac(sha256):" + liveKey}},
	{name: "mac-fixed", tag: 4, options: []string{"internal_hash:hmac(sha1):" + liveKey, "fix_padding", "fix_hmac", "journal_mac:hmac(sha512):" + liveKey}},
	{name: "mac-plain-hash", tag: 4, options: []string{"internal_hash:crc32c", "fix_padding", "journal_mac:sha256"}},
	{name: "ctr", tag: 4, options: []string{"internal_hash:crc32c", "fix_padding", "journal_crypt:ctr(aes):" + liveKey}},
	{name: "ctr-mac", tag: 32, options: []string{"internal_hash:hmac(sha256):" + liveKey, "fix_padding", "fix_hmac", "journal_mac:hmac(sha256):" + liveKey, "journal_crypt:ctr(aes):" + liveKey}},
	{name: "cbc", tag: 4, options: []string{"internal_hash:crc32c", "fix_padding", "journal_crypt:cbc(aes):" + liveKey}},
	{name: "cbc-mac-4k", tag: 32, options: append([]string{"journal_mac:hmac(sha256):" + liveKey, "journal_crypt:cbc(aes):" + liveKey}, liveKind4...)},
	{name: "cbc-twofish", tag: 4, options: []string{"internal_hash:crc32c", "fix_padding", "journal_crypt:cbc(twofish):" + liveKey}},
	{name: "ctr-blowfish", tag: 4, options: []string{"internal_hash:crc32c", "fix_padding", "journal_crypt:ctr(blowfish):" + liveKey}},
	{name: "ecb", tag: 4, options: []string{"internal_hash:crc32c", "fix_padding", "journal_crypt:ecb(aes):" + liveKey}},
	{name: "chacha20", tag: 4, options: []string{"internal_hash:crc32c", "fix_padding", "journal_crypt:chacha20:" + liveKey}},
	{name: "meta", tag: 4, meta: 1 << 20, options: []string{"internal_hash:crc32c"}},
	{name: "tags", tag: 16, options: []string{"fix_padding"}},
}

// liveDevice is one that a kernel made.
type liveDevice struct {
	liveKind
	t          *testing.T
	data, meta string // images
	lines      string // with %d: length
	line       string
	mapped     string
	model      []byte
}

func (k liveKind) start(t *testing.T, dir string) *liveDevice {
	l := &liveDevice{liveKind: k, t: t, data: filepath.Join(dir, "data.img"), mapped: strings.ReplaceAll(k.name, " ", "") + "_dmimgtest"}
	if k.size == 0 {
		k.size = 1280 << 10
	}
	if err := os.WriteFile(l.data, make([]byte, k.size), 0o600); err != nil {
		t.Fatal(err)
	}
	options := append([]string{"interleave_sectors:128", "buffer_sectors:8"}, k.options...)
	if k.mode == "" || k.mode == "J" {
		k.mode = "J"
		options = append(options, "journal_watermark:1", "commit_time:60000")
	}
	if !strings.Contains(strings.Join(options, " "), "journal_sectors") {
		options = append(options, "journal_sectors:900")
	}
	if k.meta > 0 {
		l.meta = filepath.Join(dir, "meta.img")
		if err := os.WriteFile(l.meta, make([]byte, k.meta), 0o600); err != nil {
			t.Fatal(err)
		}
		options = append(options, "meta_device:"+disk(t, l.meta))
	}
	l.lines = fmt.Sprintf("0 %%d integrity %s 0 %d %s %d %s", disk(t, l.data), k.tag, k.mode, len(options), strings.Join(options, " "))
	return l
}

// up loads the device; a length of 0 is all that it has.
func (l *liveDevice) up(length uint64) {
	if length == 0 {
		path := l.data
		if l.meta != "" {
			path = l.meta
		}
		length = binary.LittleEndian.Uint64(image(l.t, path)[16:])
	}
	l.line = fmt.Sprintf(l.lines, length)
	run(l.t, "dmsetup", "create", l.mapped, "--table", l.line)
}

func (l *liveDevice) down() { run(l.t, "dmsetup", "remove", "--retry", l.mapped) }

// images are copies of the disks.
func (l *liveDevice) images() (data, meta memory) {
	data = image(l.t, l.data)
	if l.meta != "" {
		meta = image(l.t, l.meta)
	}
	return data, meta
}

// put changes the disks; the device must be down.
func (l *liveDevice) put(data, meta memory) {
	for path, content := range map[string]memory{l.data: data, l.meta: meta} {
		if path == "" {
			continue
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			l.t.Fatal(err)
		}
		if _, err := f.WriteAt(content, 0); err != nil {
			l.t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			l.t.Fatal(err)
		}
	}
	dropCache(l.t, strings.Fields(l.line)[3])
}

// dropCache makes the kernel forget what it read of a block device.
func dropCache(t testing.TB, dev string) {
	t.Helper()
	f, err := os.Open(dev)
	if err != nil {
		t.Fatal(err)
	}
	flushBuffers(f)
	_ = f.Close()
}

// wrap makes a device of copies of the disks.
func (l *liveDevice) wrap(data, meta memory) *device {
	if l.meta == "" {
		return openDevice(l.t, l.line, data, nil)
	}
	return openDevice(l.t, l.line, data, meta)
}

// write writes random blocks, some again and again, and syncs.
func (l *liveDevice) write(rng *rand.Rand, count int) {
	f, err := os.OpenFile("/dev/mapper/"+l.mapped, os.O_RDWR, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	block := make([]byte, 4096)
	for range count {
		for i := range block {
			block[i] = byte(rng.Uint32())
		}
		at := rng.IntN(len(l.model)/4096) * 4096
		if rng.IntN(2) == 0 {
			at = rng.IntN(4) * 4096
		}
		copy(l.model[at:], block)
		if _, err := f.WriteAt(block, int64(at)); err != nil {
			l.t.Fatal(err)
		}
		if rng.IntN(8) == 0 {
			if err := f.Sync(); err != nil {
				l.t.Fatal(err)
			}
		}
	}
	if err := f.Sync(); err != nil {
		l.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		l.t.Fatal(err)
	}
}

// fill writes every block once, so that all have a tag.
func (l *liveDevice) fill(rng *rand.Rand) {
	size, err := strconv.Atoi(strings.Fields(l.line)[1])
	if err != nil {
		l.t.Fatal(err)
	}
	l.model = make([]byte, size*512)
	for at := 0; at < len(l.model); at += 8 {
		binary.LittleEndian.PutUint64(l.model[at:], rng.Uint64())
	}
	f, err := os.OpenFile("/dev/mapper/"+l.mapped, os.O_RDWR, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := f.WriteAt(l.model, 0); err != nil {
		l.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		l.t.Fatal(err)
	}
}

// keep leaves images for the host.
func (l *liveDevice) keep(name string, data, meta memory) {
	dir := filepath.Join(labOut, l.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return
	}
	_ = os.WriteFile(filepath.Join(dir, name+".data.img"), data, 0o644)
	if meta != nil {
		_ = os.WriteFile(filepath.Join(dir, name+".meta.img"), meta, 0o644)
	}
	_ = os.WriteFile(filepath.Join(dir, name+".table"), []byte(l.line+"\n"), 0o644)
	_ = os.WriteFile(filepath.Join(dir, name+".plain.img"), l.model, 0o644)
}
