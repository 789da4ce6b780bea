package volume_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
)

var background = context.Background()

// TestReadRange copies ranges of a volume larger than the chunks, whole and in
// part, and reports progress.
func TestReadRange(t *testing.T) {
	t.Parallel()
	const size = 13<<20 + 512
	f := disks(size / sector)
	want := f.Devices["a"].Bytes()
	m := mustOpen(t, f, os.O_RDONLY, fmt.Sprintf("0 %d linear a 0", size/sector))
	for _, r := range [][2]int64{{0, size}, {512, size - 1024}, {4<<20 - 512, 1024}, {4 << 20, 4 << 20}, {size - 512, 512}, {0, 0}, {size, 0}} {
		var dst bytes.Buffer
		var seen int64
		bad, err := volume.ReadRange(background, m, &dst, r[0], r[1], volume.ReadOptions{Progress: func(n int64) { seen += n }})
		if err != nil || len(bad) > 0 || !bytes.Equal(dst.Bytes(), want[r[0]:r[0]+r[1]]) || seen != r[1] {
			t.Errorf("ReadRange(%d, %d) = %v, %v, with %d bytes, progress %d", r[0], r[1], bad, err, dst.Len(), seen)
		}
	}
}

// TestReadRangeAnyReader: a source that is not a volume, and knows nothing.
func TestReadRangeAnyReader(t *testing.T) {
	t.Parallel()
	want := noise(1, 5<<20)
	var dst bytes.Buffer
	bad, err := volume.ReadRange(background, bytes.NewReader(want), &dst, 3, int64(len(want))-3, volume.ReadOptions{KeepGoing: true})
	if err != nil || len(bad) > 0 || !bytes.Equal(dst.Bytes(), want[3:]) {
		t.Errorf("ReadRange = %v, %v, with %d bytes", bad, err, dst.Len())
	}
}

// vague is a reader that fails without saying how far it got.
type vague struct{ io.ReaderAt }

func (v vague) ReadAt(p []byte, off int64) (int, error) {
	if n, err := v.ReaderAt.ReadAt(p, off); n < len(p) {
		return 0, err
	}
	return len(p), nil
}

// TestKeepGoingExact: whatever sectors fail, exactly they are listed and
// zeroed, also when the source does not say how far a read got.
func TestKeepGoingExact(t *testing.T) {
	t.Parallel()
	const sectors = 12 << 20 / sector
	cause := errors.New("worn out")
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 9))
			f := disks(sectors)
			want := f.Devices["a"].Bytes()
			bad := make([]bool, sectors)
			for range r.IntN(8) {
				at := r.IntN(sectors)
				n := 1 + r.IntN(min(sectors-at, []int{1, 10, 3000}[r.IntN(3)]))
				f.Devices["a"].FailRead(int64(at*sector), int64(n*sector), cause)
				for i := at; i < at+n; i++ {
					bad[i] = true
					clear(want[i*sector : (i+1)*sector])
				}
			}
			m := mustOpen(t, f, os.O_RDONLY, fmt.Sprintf("0 %d linear a 0", sectors))
			for name, src := range map[string]io.ReaderAt{"volume": m, "vague": vague{m}, "any offset": volume.Bytes(m)} {
				var dst bytes.Buffer
				got, err := volume.ReadRange(background, src, &dst, 0, sectors*sector, volume.ReadOptions{KeepGoing: true})
				if err != nil || !bytes.Equal(dst.Bytes(), want) || !slices.Equal(got, ranges(bad)) {
					t.Errorf("%s: ReadRange = %v, %v, want %v", name, got, err, ranges(bad))
				}
			}
		})
	}
}

// ranges merges the sectors that are set.
func ranges(bad []bool) (list []volume.Extent) {
	for i, b := range bad {
		if !b {
			continue
		}
		if i > 0 && bad[i-1] {
			list[len(list)-1].Length += sector
			continue
		}
		list = append(list, volume.Extent{Offset: int64(i * sector), Length: sector})
	}
	return list
}

// TestStopAtDamage: without KeepGoing everything before the damage is written,
// nothing after it, and the error names the exact range and cause.
func TestStopAtDamage(t *testing.T) {
	t.Parallel()
	cause := errors.New("worn out")
	for _, at := range []int64{0, 4<<20/sector - 1, 4 << 20 / sector, 20000} {
		f := disks(11 << 20 / sector)
		f.Devices["a"].FailRead(at*sector, 3*sector, cause)
		want := f.Devices["a"].Bytes()[:at*sector]
		m := mustOpen(t, f, os.O_RDONLY, fmt.Sprintf("0 %d linear a 0", 11<<20/sector))
		for name, src := range map[string]io.ReaderAt{"volume": m, "vague": vague{m}} {
			var dst bytes.Buffer
			bad, err := volume.ReadRange(background, src, &dst, 0, 11<<20, volume.ReadOptions{})
			var failed *volume.RangeError
			if !errors.As(err, &failed) || failed.Offset != at*sector || failed.Length != sector || !errors.Is(err, cause) || bad != nil {
				t.Errorf("%s: damage at sector %d: %v, %v", name, at, bad, err)
			}
			if !bytes.Equal(dst.Bytes(), want) {
				t.Errorf("%s: damage at sector %d: %d bytes written, want the %d before it", name, at, dst.Len(), len(want))
			}
		}
	}
}

// TestDamageIsWholeBlocks: in verity a damaged byte loses its data block, in
// crypt a bad sector of the device its encryption sector; error targets are
// lost exactly, at once, and cost no reading.
func TestDamageIsWholeBlocks(t *testing.T) {
	t.Parallel()
	f, line := verityDisk(t, 64, 2048)
	for _, at := range []int64{0, 5*2048 + 7, 6 * 2048, 63*2048 + 2047} {
		if _, err := f.Devices["d"].WriteAt([]byte{0xff ^ f.Devices["d"].Bytes()[at]}, at); err != nil {
			t.Fatal(err)
		}
	}
	m := mustOpen(t, f, os.O_RDONLY, line)
	bad, err := volume.ReadRange(background, m, io.Discard, 0, 64*2048, volume.ReadOptions{KeepGoing: true})
	want := []volume.Extent{{Offset: 0, Length: 2048}, {Offset: 5 * 2048, Length: 4096}, {Offset: 63 * 2048, Length: 2048}}
	if err != nil || !slices.Equal(bad, want) {
		t.Errorf("verity: %v, %v, want %v", bad, err, want)
	}
	bad, err = volume.ReadRange(background, m, io.Discard, 5*2048+512, 1024, volume.ReadOptions{KeepGoing: true})
	if want := []volume.Extent{{Offset: 5*2048 + 512, Length: 1024}}; err != nil || !slices.Equal(bad, want) {
		t.Errorf("verity, inside a block: %v, %v, want %v", bad, err, want)
	}
	var failed *volume.RangeError
	if _, err = volume.ReadRange(background, m, io.Discard, 4*2048, 8*2048, volume.ReadOptions{}); !errors.Is(err, verity.ErrCorrupt) || !errors.As(err, &failed) || failed.Offset != 5*2048 || failed.Length != 2048 {
		t.Errorf("verity without KeepGoing: %v", err)
	}
	if text := fmt.Sprint(err); !strings.Contains(text, "2048 bytes at offset 10240") || strings.Count(text, "volume:") != 1 {
		t.Errorf("the error reads %q", text)
	}

	f = disks(100)
	f.Devices["a"].FailRead(21*sector, sector, errors.New("worn out"))
	m = mustOpen(t, f, os.O_RDONLY, "0 8 linear a 0", "8 32 crypt aes-xts-plain64 "+key512+" 0 a 8 1 sector_size:4096", "40 8589934592 error", "8589934632 8 linear a 50")
	size, _ := m.Size()
	var dst holes
	bad, err = volume.ReadRange(background, m, &dst, 0, size, volume.ReadOptions{KeepGoing: true})
	want = []volume.Extent{{Offset: 16 * sector, Length: 8 * sector}, {Offset: 40 * sector, Length: 8589934592 * sector}}
	if err != nil || !slices.Equal(bad, want) || dst.skipped+dst.written != size || dst.written > 5<<20 {
		t.Errorf("crypt and error: %v, %v, %d skipped, %d written, want %v", bad, err, dst.skipped, dst.written, want)
	}
}

// holes is a HoleWriter that counts.
type holes struct{ written, skipped int64 }

func (h *holes) Write(p []byte) (int, error) { h.written += int64(len(p)); return len(p), nil }
func (h *holes) WriteHole(n int64) error     { h.skipped += n; return nil }

// TestReadRangeHoles: holes are not read; they are zeros for a plain writer and
// holes for one that can skip.
func TestReadRangeHoles(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	data := make([]byte, 20*mib)
	copy(data[5*mib+123:], noise(1, mib))
	copy(data[19*mib:], noise(2, 1000))
	a := volumetest.NewMemory(data)
	a.Data = []volume.Extent{{Offset: 5*mib + 123, Length: mib}, {Offset: 19 * mib, Length: 1000}}
	f := &volumetest.Files{Devices: map[string]*volumetest.Memory{"a": a}}
	m := mustOpen(t, f, os.O_RDONLY, fmt.Sprintf("0 %d linear a 0", 20*mib/sector), fmt.Sprintf("%d %d zero", 20*mib/sector, 300*mib/sector))
	var dst bytes.Buffer
	if bad, err := volume.ReadRange(background, m, &dst, sector, 25*mib, volume.ReadOptions{}); err != nil || bad != nil {
		t.Errorf("ReadRange = %v, %v", bad, err)
	}
	if want := append(bytes.Clone(data[sector:]), make([]byte, 5*mib+sector)...); !bytes.Equal(dst.Bytes(), want) {
		t.Errorf("%d bytes written, other than the volume's", dst.Len())
	}
	var h holes
	if _, err := volume.ReadRange(background, m, &h, 0, 320*mib, volume.ReadOptions{}); err != nil {
		t.Error(err)
	}
	if h.written < mib || h.written > 2*mib || h.written+h.skipped != 320*mib {
		t.Errorf("%d written and %d skipped of %d", h.written, h.skipped, 320*mib)
	}
}

// TestReadRangeFaultOfTheCaller: what is wrong with the question must not turn
// into zeros, even with KeepGoing.
func TestReadRangeFaultOfTheCaller(t *testing.T) {
	t.Parallel()
	closed := mustOpen(t, disks(16), os.O_RDONLY, "0 16 linear a 0")
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	m := mustOpen(t, disks(16), os.O_RDONLY, "0 16 linear a 0")
	for _, c := range []struct {
		name        string
		src         io.ReaderAt
		off, length int64
		want        error
	}{
		{"unaligned offset", m, 1, 1024, volume.ErrUnaligned},
		{"unaligned length", m, 0, 1000, volume.ErrUnaligned},
		{"past the end", m, 0, 17 * sector, io.ErrUnexpectedEOF},
		{"far past the end", m, 100 * sector, 17 * sector, io.ErrUnexpectedEOF},
		{"negative", m, -512, 512, fs.ErrInvalid},
		{"negative length", m, 0, -512, fs.ErrInvalid},
		{"overflow", m, 1 << 62, 1 << 62, fs.ErrInvalid},
		{"closed", closed, 0, 512, fs.ErrClosed},
	} {
		for _, keep := range []bool{false, true} {
			bad, err := volume.ReadRange(background, c.src, io.Discard, c.off, c.length, volume.ReadOptions{KeepGoing: keep})
			var failed *volume.RangeError
			if !errors.Is(err, c.want) || errors.Is(err, io.EOF) || errors.As(err, &failed) || len(bad) > 0 {
				t.Errorf("%s: ReadRange = %v, %v, want %v", c.name, bad, err, c.want)
			}
		}
	}
}

// TestReadRangeWriteErrors: trouble of the destination ends the copy and is no
// damage of the source.
func TestReadRangeWriteErrors(t *testing.T) {
	t.Parallel()
	m := mustOpen(t, disks(16<<20/sector), os.O_RDONLY, fmt.Sprintf("0 %d linear a 0", 16<<20/sector))
	full := errors.New("no space left")
	for name, c := range map[string]struct {
		dst  io.Writer
		want error
	}{
		"full":  {writerFunc(func(p []byte) (int, error) { return len(p) / 2, full }), full},
		"short": {writerFunc(func(p []byte) (int, error) { return len(p) / 2, nil }), io.ErrShortWrite},
	} {
		_, err := volume.ReadRange(background, m, c.dst, 0, 16<<20, volume.ReadOptions{KeepGoing: true})
		var failed *volume.RangeError
		if !errors.Is(err, c.want) || errors.As(err, &failed) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestReadRangeCancel: a cancelled copy ends soon, with the context's error.
func TestReadRangeCancel(t *testing.T) {
	t.Parallel()
	m := mustOpen(t, disks(8), os.O_RDONLY, "0 1099511627776 zero")
	ctx, cancel := context.WithCancel(background)
	var n atomic.Int64
	dst := writerFunc(func(p []byte) (int, error) {
		if n.Add(int64(len(p))) > 1<<20 {
			cancel()
		}
		return len(p), nil
	})
	size, _ := m.Size()
	if _, err := volume.ReadRange(ctx, m, dst, 0, size, volume.ReadOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ReadRange = %v, want %v", err, context.Canceled)
	}
	if n.Load() > 1<<30 {
		t.Errorf("%d bytes were written after the cancellation", n.Load())
	}
	if _, err := volume.ReadRange(ctx, m, io.Discard, 0, size, volume.ReadOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ReadRange with a dead context = %v, want %v", err, context.Canceled)
	}
}

// TestSparseWriter: whatever is written, in whatever pieces, the file has the
// content; where the system can tell, blocks of zeros are holes.
func TestSparseWriter(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 5))
		var want []byte
		f := volumetest.NewMemory(nil)
		w := volume.NewSparseWriter(growing{f})
		for range r.IntN(30) {
			n := r.IntN(20000)
			switch r.IntN(3) {
			case 0:
				if err := w.WriteHole(int64(n)); err != nil {
					t.Fatal(err)
				}
				want = append(want, make([]byte, n)...)
				continue
			case 1:
				want = append(want, make([]byte, n)...)
			case 2:
				want = append(want, noise(r.Uint64(), n)...)
			}
			if k, err := w.Write(want[len(want)-n:]); k != n || err != nil {
				t.Fatalf("Write(%d bytes) = %d, %v", n, k, err)
			}
		}
		if err := w.Finish(); err != nil {
			t.Fatal(err)
		}
		if got := f.Bytes(); !bytes.Equal(got, want) {
			t.Errorf("seed %d: the file has %d bytes, other than the %d written", seed, len(got), len(want))
		}
	}
	if err := volume.NewSparseWriter(growing{}).WriteHole(-1); err == nil {
		t.Error("WriteHole(-1): no error")
	}
}

// growing is memory that grows like a file.
type growing struct{ *volumetest.Memory }

func (g growing) WriteAt(p []byte, off int64) (int, error) {
	if size, _ := g.Size(); off+int64(len(p)) > size {
		if err := g.Truncate(off + int64(len(p))); err != nil {
			return 0, err
		}
	}
	return g.Memory.WriteAt(p, off)
}

// TestSparseWriterSkipsZeros: zero blocks are not written, and errors come out.
func TestSparseWriterSkipsZeros(t *testing.T) {
	t.Parallel()
	f := volumetest.NewMemory(nil)
	w := volume.NewSparseWriter(growing{f})
	if n, err := w.Write(make([]byte, 1<<20)); n != 1<<20 || err != nil || f.Writes() != 0 {
		t.Errorf("Write of zeros = %d, %v, with %d writes to the file", n, err, f.Writes())
	}
	full := errors.New("no space left")
	f.FailWrite(0, 1<<40, full)
	if n, err := w.Write(append(make([]byte, 4096), 1)); n != 4096 || !errors.Is(err, full) {
		t.Errorf("Write = %d, %v, want 4096, %v", n, err, full)
	}
}
