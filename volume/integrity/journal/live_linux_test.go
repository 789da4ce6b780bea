package journal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/volume/integrity/journal"
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

// TestLiveDirty reads what the kernel's journal holds after a sync, before the
// kernel has written it back, and compares with what was written.
func TestLiveDirty(t *testing.T) {
	inLab(t)
	for _, k := range liveKinds {
		t.Run(k.name, func(t *testing.T) {
			l := k.start(t, t.TempDir())
			l.up(8)
			l.down()
			l.up(0)
			defer l.down()
			rng := rand.New(rand.NewPCG(1, 2))
			l.fill(rng)
			for round := range 6 {
				l.write(rng, 3+round*7)
				data, meta := l.images()
				l.keep(fmt.Sprint(round), data, meta)
				d := l.wrap(data, meta)
				o, err := d.overlay(t)
				if err != nil {
					t.Fatal(err)
				}
				behind := 0
				if d.hash != nil {
					without, _ := d.content(t, nil)
					for at := 0; at < len(l.model); at += 512 {
						if !bytes.Equal(without[at:at+512], l.model[at:at+512]) {
							behind++
						}
					}
				}
				got, bad := d.content(t, o)
				if !bytes.Equal(got[:len(l.model)], l.model) {
					t.Errorf("round %d: content differs, %d blocks without a good tag", round, len(bad))
				}
				t.Logf("round %d: %d sections, %d blocks in the journal, %d sectors behind", round, d.config.Sections, o.Len(), behind)
			}
		})
	}
}

// read reads the whole device through the kernel; false when it cannot.
func (l *liveDevice) read() ([]byte, bool) {
	content, err := os.ReadFile("/dev/mapper/" + l.mapped)
	if err != nil && !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.EILSEQ) {
		l.t.Fatal(err)
	}
	return content, err == nil
}

// want checks what the kernel reads of the images.
func (l *liveDevice) want(what string, data, meta memory) {
	l.t.Helper()
	l.put(data, meta)
	l.up(0)
	defer l.down()
	got, ok := l.read()
	if !ok || len(got) < len(l.model) || !bytes.Equal(got[:len(l.model)], l.model) {
		l.t.Errorf("%s: the kernel reads something else (readable: %t)", what, ok)
	}
}

// TestLiveOurs gives the kernel what this package wrote: journals that were
// replayed and emptied, and journals with blocks that are nowhere else.
func TestLiveOurs(t *testing.T) {
	inLab(t)
	for _, k := range liveKinds {
		t.Run(k.name, func(t *testing.T) {
			l := k.start(t, t.TempDir())
			l.up(8)
			l.down()
			l.up(0)
			rng := rand.New(rand.NewPCG(3, 4))
			l.fill(rng)
			l.write(rng, 20)
			data, meta := l.images()
			l.down()
			d := l.wrap(data, meta)
			if d.hash != nil {
				loseJournaled(t, d)
			}
			l.want("a dirty journal", data, meta)
			j, err := journal.New(d.config)
			if err != nil {
				t.Fatal(err)
			}
			if err := j.Replay(t.Context(), d.meta.(journal.Storage), d); err != nil {
				t.Fatal(err)
			}
			l.want("a replayed journal", data, meta)
			if d.hash == nil {
				return
			}
			for round := range 4 {
				w, err := j.NewWriter(t.Context(), d.meta.(journal.Storage), d)
				if err != nil {
					t.Fatal(err)
				}
				ours(t, w, d, l, rng, 10)
				w, err = j.NewWriter(t.Context(), d.meta.(journal.Storage), nowhere{})
				if err != nil {
					t.Fatal(err)
				}
				ours(t, w, d, l, rng, 3+round*20)
				l.keep(fmt.Sprintf("ours%d", round), data, meta)
				l.want(fmt.Sprintf("round %d of our journal", round), bytes.Clone(data), bytes.Clone(meta))
				o, err := d.overlay(t)
				if err != nil || o.Len() == 0 {
					t.Fatalf("%d blocks in our journal, %v", o.Len(), err)
				}
			}
		})
	}
}

// ours writes random blocks through a writer, and syncs. The last ones are not
// more than one commit holds, or they would be lost in nowhere.
func ours(t *testing.T, w *journal.Writer, d *device, l *liveDevice, rng *rand.Rand, count int) {
	t.Helper()
	size := d.blockSize()
	for range count {
		at := rng.IntN(len(l.model)/size) * size
		for i := range size {
			l.model[at+i] = byte(rng.Uint32())
		}
		block := l.model[at : at+size]
		if err := w.WriteBlocks(block, d.tag(block, uint64(at/512)), uint64(at/512)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
}

// loseJournaled clears every block that the journal has in the place behind it,
// and its tag.
func loseJournaled(t testing.TB, d *device) {
	t.Helper()
	o, err := d.overlay(t)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, d.blockSize())
	for sector, ok := o.Next(0); ok; sector, ok = o.Next(sector + 1) {
		if err := d.WriteBlocks(zeros, zeros[:d.config.TagSize], sector); err != nil {
			t.Fatal(err)
		}
	}
	if _, bad := d.content(t, nil); len(bad) != o.Len() || len(bad) == 0 {
		t.Fatalf("without the journal %d blocks do not fit their tags, want %d", len(bad), o.Len())
	}
}

// TestLiveVerdicts makes journals at random and asks the kernel what it thinks of
// them. Its findings are for testdata/verdicts.txt.
func TestLiveVerdicts(t *testing.T) {
	inLab(t)
	rng := rand.New(rand.NewPCG(5, 6))
	var findings strings.Builder
	for sections := 1; sections <= 5; sections++ {
		k := liveKind{
			name: fmt.Sprint("verdicts", sections), size: 256<<10 + int64(sections)*90112, tag: 4,
			options: []string{"internal_hash:crc32c", "fix_padding", fmt.Sprint("journal_sectors:", 176*sections)},
		}
		l := k.start(t, t.TempDir())
		l.up(8)
		l.down()
		l.up(0)
		l.fill(rng)
		l.down()
		data, _ := l.images()
		count := 12 + 12*sections
		for range count {
			words := randomWords(rng, sections)
			image := bytes.Clone(data)
			d := l.wrap(image, nil)
			if int(d.config.Sections) != sections {
				t.Fatalf("%d sections, want %d", d.config.Sections, sections)
			}
			craft(t, d, words)
			got := verdictOf(t, d, sections)
			l.put(image, nil)
			l.up(0)
			want := "EIO"
			if content, ok := l.read(); ok {
				want = judge(content, sections)
			}
			l.down()
			fmt.Fprintf(&findings, "%s: %s\n", strings.Join(words, " "), want)
			if got != want {
				t.Errorf("journal %q: %q, the kernel %q", words, got, want)
			}
		}
	}
	_ = os.WriteFile(filepath.Join(labOut, "verdicts.txt"), []byte(findings.String()), 0o644)
}

// TestLiveDamage asks the kernel about journals with one odd thing in them.
func TestLiveDamage(t *testing.T) {
	inLab(t)
	for _, c := range oddJournals {
		t.Run(c.name, func(t *testing.T) {
			k := liveKind{name: "odd", tag: 32, options: append([]string{"journal_sectors:900"}, c.options...)}
			l := k.start(t, t.TempDir())
			l.up(8)
			l.down()
			l.up(c.length)
			l.fill(rand.New(rand.NewPCG(7, 8)))
			l.down()
			data, _ := l.images()
			d := l.wrap(data, nil)
			c.make(t, d)
			o, err := d.overlay(t)
			l.put(data, nil)
			l.up(c.length)
			content, ok := l.read()
			l.down()
			if ok != (err == nil) || ok != c.readable {
				t.Fatalf("the kernel reads it: %t; ours: %v; want readable: %t", ok, err, c.readable)
			}
			if !ok {
				return
			}
			if got, bad := d.content(t, o); !bytes.Equal(got[:len(content)], content) {
				t.Errorf("content differs from the kernel's, %d blocks without a good tag", len(bad))
			}
		})
	}
}

// TestLiveSamples makes the volumes of testdata/behind: journals with blocks that
// are nowhere else, read right by the kernel.
func TestLiveSamples(t *testing.T) {
	inLab(t)
	sectors := map[string]int{"plain": 720, "4k": 1100, "mac-fixed": 720, "ctr-mac": 264, "cbc": 352, "meta": 720}
	for _, k := range liveKinds {
		if sectors[k.name] == 0 {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			k.size = 320<<10 + int64(sectors[k.name])*512
			if k.meta > 0 {
				k.size, k.meta = 192<<10, 512<<10
			}
			k.options = append([]string{fmt.Sprint("journal_sectors:", sectors[k.name])}, k.options...)
			l := k.start(t, t.TempDir())
			l.up(8)
			l.down()
			l.up(0)
			size, _ := strconv.Atoi(strings.Fields(l.line)[1])
			l.model = make([]byte, size*512)
			l.pattern(0, uint64(size), 1)
			for number := range uint32(6) {
				l.pattern(uint64(number)*24, 16, number+2)
				l.pattern(8, 8, number+10)
			}
			data, meta := l.images()
			l.down()
			d := l.wrap(data, meta)
			loseJournaled(t, d)
			l.want("the sample", data, meta)
			l.keep("behind", data, meta)
		})
	}
}

// pattern writes a run of blocks with versions, and syncs.
func (l *liveDevice) pattern(sector, count uint64, number uint32) {
	l.t.Helper()
	f, err := os.OpenFile("/dev/mapper/"+l.mapped, os.O_RDWR, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	for s := sector; s < sector+count; s++ {
		copy(l.model[s*512:], version(s, number, 512))
	}
	_, err = f.WriteAt(l.model[sector*512:(sector+count)*512], int64(sector)*512)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		l.t.Fatal(err)
	}
}
