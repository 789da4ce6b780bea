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
	"testing"

	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// copies compares CopyRange with ReadRange: content, ranges, errors and progress.
func copies(t *testing.T, name string, src io.ReaderAt, off, length int64, o volume.ReadOptions) {
	t.Helper()
	var want bytes.Buffer
	wantBad, wantErr := volume.ReadRange(background, src, &want, off, length, o)
	var seen int64
	o.Progress = func(n int64) { seen += n }
	dst := volumetest.NewMemory(nil)
	bad, err := volume.CopyRange(background, src, dst, off, length, o)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Errorf("%s: CopyRange(%d, %d) = %v, want %v", name, off, length, err, wantErr)
	}
	if err == nil && (!bytes.Equal(dst.Bytes(), want.Bytes()) || !slices.Equal(bad, wantBad) || seen != length) {
		t.Errorf("%s: CopyRange(%d, %d) lost %v, want %v, with %d bytes, progress %d", name, off, length, bad, wantBad, len(dst.Bytes()), seen)
	}
}

// TestCopyRange copies volumes with and without damage in whole and in part.
func TestCopyRange(t *testing.T) {
	t.Parallel()
	const sectors = 5<<20/sector + 3
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 3))
			f := disks(sectors)
			for range r.IntN(6) {
				at := r.IntN(sectors)
				n := 1 + r.IntN(min(sectors-at, []int{1, 10, 2000}[r.IntN(3)]))
				f.Devices["a"].FailRead(int64(at*sector), int64(n*sector), errors.New("worn out"))
			}
			m := mustOpen(t, f, os.O_RDONLY, fmt.Sprintf("0 %d linear a 0", sectors), fmt.Sprintf("%d 9000 error", sectors), fmt.Sprintf("%d 9000 zero", sectors+9000))
			size, _ := m.Size()
			from := int64(r.IntN(int(size)/sector)) * sector
			part := int64(r.IntN(int(size-from)/sector+1)) * sector
			for _, keep := range []bool{true, false} {
				o := volume.ReadOptions{KeepGoing: keep}
				copies(t, "volume", m, 0, size, o)
				copies(t, "part", m, from, part, o)
				copies(t, "vague", vague{m}, from, part, o)
				copies(t, "any offset", volume.Bytes(m), from/3, part, o)
			}
		})
	}
}

// TestCopyRangeWholeBlocks: blocks larger than a piece are read once, and lost as a whole.
func TestCopyRangeWholeBlocks(t *testing.T) {
	t.Parallel()
	const blocks, size = 12, 256 << 10
	f, line := verityDisk(t, blocks, size)
	for _, at := range []int64{3*size + 7, 4 * size, 11*size + size - 1} {
		if _, err := f.Devices["d"].WriteAt([]byte{0xff ^ f.Devices["d"].Bytes()[at]}, at); err != nil {
			t.Fatal(err)
		}
	}
	m := mustOpen(t, f, os.O_RDONLY, line)
	copies(t, "whole", m, 0, blocks*size, volume.ReadOptions{KeepGoing: true})
	copies(t, "part", m, size+512, 9*size, volume.ReadOptions{KeepGoing: true})
	copies(t, "stops", m, 0, blocks*size, volume.ReadOptions{})
}

// TestCopyRangeHoles: what src knows to be empty is not read, and zeros are not written.
func TestCopyRangeHoles(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	data := make([]byte, 20*mib)
	copy(data[5*mib+123:], noise(1, mib))
	a := volumetest.NewMemory(data)
	a.Data = []volume.Extent{{Offset: 5*mib + 123, Length: mib}, {Offset: 8 * mib, Length: mib}}
	f := &volumetest.Files{Devices: map[string]*volumetest.Memory{"a": a}}
	m := mustOpen(t, f, os.O_RDONLY, fmt.Sprintf("0 %d linear a 0", 20*mib/sector), fmt.Sprintf("%d %d zero", 20*mib/sector, 300*mib/sector))
	copies(t, "holes", m, sector, 25*mib, volume.ReadOptions{})
	dst := &counting{Memory: volumetest.NewMemory(nil)}
	if bad, err := volume.CopyRange(background, m, dst, 0, 320*mib, volume.ReadOptions{}); err != nil || bad != nil {
		t.Fatalf("CopyRange = %v, %v", bad, err)
	}
	if size, _ := dst.Size(); size != 320*mib || dst.Writes() > 20 {
		t.Errorf("%d bytes in %d writes", size, dst.Writes())
	}
}

// counting is a destination whose size is not kept in memory.
type counting struct {
	*volumetest.Memory
	size int64
}

func (c *counting) Truncate(size int64) error {
	c.size = size
	return c.Memory.Truncate(min(size, 20<<20))
}

func (c *counting) Size() (int64, error) { return c.size, nil }

// TestCopyRangeEnds: trouble of the caller and of the destination, and cancellation.
func TestCopyRangeEnds(t *testing.T) {
	t.Parallel()
	m := mustOpen(t, disks(4<<20/sector), os.O_RDONLY, fmt.Sprintf("0 %d linear a 0", 4<<20/sector))
	full := errors.New("no space left")
	dst := volumetest.NewMemory(nil)
	dst.FailWrite(1<<20, 1, full)
	dead, cancel := context.WithCancel(background)
	cancel()
	for _, c := range []struct {
		name        string
		ctx         context.Context
		dst         volume.SparseFile
		off, length int64
		want        error
	}{
		{"full", background, dst, 0, 4 << 20, full},
		{"cannot be made longer", background, noRoom{full}, 0, 4 << 20, full},
		{"unaligned", background, volumetest.NewMemory(nil), 1, 1024, volume.ErrUnaligned},
		{"past the end", background, volumetest.NewMemory(nil), 0, 5 << 20, io.ErrUnexpectedEOF},
		{"negative", background, volumetest.NewMemory(nil), -512, 512, fs.ErrInvalid},
		{"cancelled", dead, volumetest.NewMemory(nil), 0, 4 << 20, context.Canceled},
	} {
		bad, err := volume.CopyRange(c.ctx, m, c.dst, c.off, c.length, volume.ReadOptions{KeepGoing: true})
		var failed *volume.RangeError
		if !errors.Is(err, c.want) || errors.As(err, &failed) || len(bad) > 0 {
			t.Errorf("%s: CopyRange = %v, %v, want %v", c.name, bad, err, c.want)
		}
	}
}

// noRoom is a destination that cannot be made longer.
type noRoom struct{ err error }

func (n noRoom) WriteAt([]byte, int64) (int, error) { return 0, n.err }
func (n noRoom) Truncate(int64) error               { return n.err }
