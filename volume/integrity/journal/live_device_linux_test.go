package journal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
)

// liveModes are the ways in which a device is written, and killed.
var liveModes = []struct {
	mode    string
	options []string
}{
	{"J", nil},
	{"B", []string{"sectors_per_bit:64", "bitmap_flush_interval:60000"}},
	{"D", nil},
}

// inMode is a kind in a mode.
func (k liveKind) inMode(mode string, options []string) liveKind {
	k.name, k.mode = k.name+"-"+mode, mode
	k.options = append(append([]string{"journal_sectors:720"}, k.options...), options...)
	return k
}

// ourLine is the table line with images in the place of block devices.
func (l *liveDevice) ourLine(line, data, meta string) string {
	words := strings.Fields(line)
	words[3] = data
	for i, word := range words {
		if strings.HasPrefix(word, "meta_device:") {
			words[i] = "meta_device:" + meta
		}
	}
	return strings.Join(words, " ")
}

// open opens copies of the images with package volume.
func (l *liveDevice) open(line string, data, meta memory, flag int) (*volume.Mapped, func() (memory, memory)) {
	l.t.Helper()
	dir := l.t.TempDir()
	paths := []string{filepath.Join(dir, "data"), filepath.Join(dir, "meta")}
	for i, content := range []memory{data, meta} {
		if err := os.WriteFile(paths[i], content, 0o600); err != nil {
			l.t.Fatal(err)
		}
	}
	ts, err := tables.Parse(strings.NewReader(l.ourLine(line, paths[0], paths[1]) + "\n"))
	if err != nil {
		l.t.Fatal(err)
	}
	v, err := volume.Open(volume.Options{Flag: flag}, ts...)
	if err != nil {
		l.t.Fatal(err)
	}
	return v, func() (memory, memory) {
		if meta == nil {
			return image(l.t, paths[0]), nil
		}
		return image(l.t, paths[0]), image(l.t, paths[1])
	}
}

// sight is what reads of a device, sectors that do not as zeros.
type sight struct {
	content []byte
	bad     []int64
}

// look reads all of a device, in large pieces and where those fail in small ones.
func look(t testing.TB, read func(p []byte, off int64) error, size int64, block int) (s sight) {
	t.Helper()
	s.content = make([]byte, size)
	const large = 64 << 10
	for at := int64(0); at < size; at += large {
		p := s.content[at:min(size, at+large)]
		if read(p, at) == nil {
			continue
		}
		for off := 0; off < len(p); off += block {
			if err := read(p[off:off+block], at+int64(off)); err != nil {
				clear(p[off : off+block])
				s.bad = append(s.bad, (at+int64(off))/512)
			}
		}
	}
	return s
}

// kernelSight reads through the kernel.
func (l *liveDevice) kernelSight(block int) sight {
	l.t.Helper()
	f, err := os.OpenFile("/dev/mapper/"+l.mapped, os.O_RDONLY|syscall.O_DIRECT, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	defer f.Close()
	buffer := aligned(64 << 10)
	return look(l.t, func(p []byte, off int64) error {
		_, err := f.ReadAt(buffer[:len(p)], off)
		copy(p, buffer)
		return err
	}, int64(len(l.model)), block)
}

// ourSight reads through package volume.
func (l *liveDevice) ourSight(line string, data, meta memory, block int) sight {
	l.t.Helper()
	v, _ := l.open(line, data, meta, os.O_RDONLY)
	defer v.Close()
	return look(l.t, func(p []byte, off int64) error {
		_, err := v.ReadAt(p, off)
		return err
	}, int64(len(l.model)), block)
}

// same compares what the kernel and we see of images; the device must be down.
func (l *liveDevice) same(what string, data, meta memory, block int) (kernel sight) {
	l.t.Helper()
	l.put(data, meta)
	l.up(0)
	l.settle()
	kernel = l.kernelSight(block)
	l.down()
	ours := l.ourSight(l.line, data, meta, block)
	if fmt.Sprint(kernel.bad) != fmt.Sprint(ours.bad) {
		l.t.Errorf("%s: the kernel cannot read sectors %d, we cannot read %d", what, kernel.bad, ours.bad)
	}
	if !bytes.Equal(kernel.content, ours.content) {
		l.t.Errorf("%s: content differs from the kernel's", what)
	}
	return kernel
}

// settle waits until the kernel has computed tags anew, before which it shows
// everything behind the place where it is.
func (l *liveDevice) settle() {
	l.t.Helper()
	for range 1 << 12 {
		words := strings.Fields(run(l.t, "dmsetup", "status", l.mapped))
		if words[5] == "-" || words[5] == words[4] {
			return
		}
	}
	l.t.Fatal("the kernel does not end computing tags")
}

// TestLiveDevice kills devices in all modes, the kernel's and ours, and lets both
// read what is left.
func TestLiveDevice(t *testing.T) {
	inLab(t)
	for _, m := range liveModes {
		for _, k := range liveKinds[:2] {
			k := k.inMode(m.mode, m.options)
			t.Run(k.name, func(t *testing.T) {
				l := k.start(t, t.TempDir())
				l.up(8)
				l.down()
				l.up(0)
				rng := rand.New(rand.NewPCG(9, 10))
				l.fill(rng)
				l.down()
				l.up(0)
				l.write(rng, 20)
				data, meta := l.images()
				l.down()
				d := l.wrap(bytes.Clone(data), meta)
				block := d.blockSize()
				l.same("killed kernel", bytes.Clone(data), meta, block)
				if m.mode == "B" {
					l.tear(d, data, rng)
					s := l.same("killed kernel, blocks without their tags", data, meta, block)
					t.Logf("%d sectors cannot be read", len(s.bad))
				}
				l.ours(data, meta, rng, block)
			})
		}
	}
}

// tear changes blocks and not their tags, some where the bitmap has a bit, some
// where it has none.
func (l *liveDevice) tear(d *device, data memory, rng *rand.Rand) {
	start, perBit := d.config.Start, uint64(d.config.BlockSectors)<<d.sb[29]
	dirty := 0
	for bit := uint64(0); bit*perBit < d.config.DataSectors; bit++ {
		if data[start+int64(bit/8)]>>(bit%8)&1 != 0 {
			dirty++
		}
		if rng.IntN(2) == 0 {
			at, _ := d.at(bit * perBit)
			binary.LittleEndian.PutUint64(data[at+8:], rng.Uint64())
		}
	}
	l.t.Logf("flags %#x, %d sectors a bit, %d bits are set", d.flags, perBit, dirty)
}

// ours writes with package volume, ends without closing, and lets the kernel
// read; then it closes and lets it read again.
func (l *liveDevice) ours(data, meta memory, rng *rand.Rand, block int) {
	l.t.Helper()
	l.put(data, meta)
	l.up(0)
	l.settle()
	s := l.kernelSight(block)
	l.down()
	l.model = s.content
	data, meta = l.images()
	for round := range 3 {
		v, images := l.open(l.line, data, meta, os.O_RDWR)
		for range 30 {
			at := rng.IntN(len(l.model)/4096) * 4096
			binary.LittleEndian.PutUint64(l.model[at+rng.IntN(512)*8:], rng.Uint64())
			if _, err := v.WriteAt(l.model[at:at+4096], int64(at)); err != nil {
				l.t.Fatal(err)
			}
		}
		if err := v.Sync(); err != nil {
			l.t.Fatal(err)
		}
		killed, killedMeta := images()
		s := l.same(fmt.Sprintf("round %d, killed", round), killed, killedMeta, block)
		if !bytes.Equal(s.content, l.model) {
			l.t.Errorf("round %d, killed: the kernel does not read what was synced", round)
		}
		if err := v.Close(); err != nil {
			l.t.Fatal(err)
		}
		data, meta = images()
		s = l.same(fmt.Sprintf("round %d, closed", round), bytes.Clone(data), meta, block)
		if !bytes.Equal(s.content, l.model) {
			l.t.Errorf("round %d, closed: the kernel does not read what was written", round)
		}
	}
}

// aligned is memory for direct reads.
func aligned(size int) []byte {
	b, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(errors.Join(errors.New("journal: mapping memory"), err))
	}
	return b
}

// TestLiveOtherMode kills a kernel in one mode and loads the device in another.
func TestLiveOtherMode(t *testing.T) {
	inLab(t)
	for _, from := range liveModes {
		for _, to := range liveModes {
			if from.mode == to.mode {
				continue
			}
			t.Run(from.mode+" to "+to.mode, func(t *testing.T) {
				k := liveKinds[0].inMode(from.mode, from.options)
				l := k.start(t, t.TempDir())
				l.up(8)
				l.down()
				l.up(0)
				rng := rand.New(rand.NewPCG(11, 12))
				l.fill(rng)
				l.down()
				l.up(0)
				l.write(rng, 20)
				data, _ := l.images()
				l.down()
				l.lines = strings.Replace(l.lines, " "+from.mode+" ", " "+to.mode+" ", 1)
				l.same("killed kernel", bytes.Clone(data), nil, 512)
				d := l.wrap(data, nil)
				switch from.mode {
				case "B":
					l.tear(d, data, rng)
				case "J":
					loseJournaled(t, d)
				}
				s := l.same("killed kernel, torn", bytes.Clone(data), nil, 512)
				t.Logf("%d sectors cannot be read", len(s.bad))
				l.ours(data, nil, rng, 512)
			})
		}
	}
}
