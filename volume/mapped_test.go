package volume_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// TestLowestFailureWins: of several parts of a large access that fail, the one
// with the lowest offset is reported, with exactly the bytes before it, however
// many cores share the work.
func TestLowestFailureWins(t *testing.T) {
	t.Parallel()
	const sectors = 6144 // 3 MiB: shared out
	early, late := errors.New("early"), errors.New("late")
	for _, lines := range [][]string{
		{fmt.Sprintf("0 %d linear a 0", sectors)},
		{"0 1000 linear a 0", fmt.Sprintf("1000 %d linear a 1000", sectors-1000)},
		{fmt.Sprintf("0 %d striped 1 8 a 0", sectors)},
	} {
		for _, at := range []int64{0, 3, 999, 1000, 1001, 5000, sectors - 1} {
			f := disks(sectors)
			a := f.Devices["a"]
			for _, fail := range []func(int64, int64, error){a.FailRead, a.FailWrite} {
				fail(at*sector, sector, early)
				for i := at + 100; i < sectors; i += 700 {
					fail(i*sector, sector, late)
				}
			}
			m := mustOpen(t, f, os.O_RDWR, lines...)
			want := a.Bytes()[:at*sector]
			got := dirty(sectors * sector)
			n, err := m.ReadAt(got, 0)
			if int64(n) != at*sector || !errors.Is(err, early) || !bytes.Equal(got[:n], want) {
				t.Errorf("%q failing at sector %d: ReadAt = %d bytes (sector %d), %v", lines, at, n, n/sector, err)
			}
			if !strings.Contains(fmt.Sprint(err), fmt.Sprintf("byte %d ", at*sector)) {
				t.Errorf("%q failing at sector %d: the error does not say where: %v", lines, at, err)
			}
			n, err = m.WriteAt(got, 0)
			if int64(n) != at*sector || !errors.Is(err, early) {
				t.Errorf("%q failing at sector %d: WriteAt = %d, %v", lines, at, n, err)
			}
		}
	}
}

// TestFailureInsideAWrite: a device that takes part of a write.
func TestFailureInsideAWrite(t *testing.T) {
	t.Parallel()
	f := disks(16)
	full := errors.New("no space left")
	f.Devices["a"].FailWrite(5*sector, 100*sector, full)
	m := mustOpen(t, f, os.O_RDWR, "0 4 zero", "4 16 linear a 0")
	if n, err := m.WriteAt(dirty(20*sector), 0); n != 9*sector || !errors.Is(err, full) {
		t.Errorf("WriteAt = %d, %v, want %d, %v", n, err, 9*sector, full)
	}
}

// TestDeviceShrinks: a device that became shorter after the open fails the
// read; it does not look like the end of the volume.
func TestDeviceShrinks(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"0 64 linear a 0", "0 64 striped 1 8 a 0", "0 64 delay a 0 0", "0 64 unstriped 1 8 0 a 0",
		"0 64 crypt aes-xts-plain64 " + key512 + " 0 a 0",
	} {
		f := disks(64)
		m := mustOpen(t, f, os.O_RDONLY, line)
		if err := f.Devices["a"].Truncate(40 * sector); err != nil {
			t.Fatal(err)
		}
		n, err := m.ReadAt(dirty(64*sector), 0)
		if n != 40*sector || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: ReadAt of a shrunk device = %d, %v, want %d, %v", line, n, err, 40*sector, io.ErrUnexpectedEOF)
		}
		if errors.Is(err, io.EOF) {
			t.Errorf("%q: the error passes for the end of the volume: %v", line, err)
		}
	}
}

// TestUnstripedPastEnd: where a stripe runs past the end of its device, reads
// and writes fail as in the kernel, and the device does not grow.
func TestUnstripedPastEnd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, noise(1, 96*sector), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := volume.OpenUserspaceVolume(os.O_RDWR, 0, parse(t, "0 96 unstriped 2 8 1 "+path+" 0")...)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, access := range []func([]byte, int64) (int, error){v.ReadAt, v.WriteAt} {
		if n, err := access(dirty(96*sector), 0); n != 48*sector || !errors.Is(err, volume.ErrIO) {
			t.Errorf("access = %d, %v, want %d, %v", n, err, 48*sector, volume.ErrIO)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 96*sector {
		t.Errorf("the device has %d bytes now, want %d (%v)", info.Size(), 96*sector, err)
	}
}

// TestSmallAccessAllocatesNothing: neither reads nor writes of a few sectors
// allocate, in any writable target.
func TestSmallAccessAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations cannot be counted with the race detector")
	}
	f := disks(256, 256, 256)
	for _, c := range []struct {
		name  string
		lines []string
	}{
		{"linear", []string{"0 256 linear a 0"}},
		{"striped", []string{"0 192 striped 3 8 a 0 b 0 c 0"}},
		{"unstriped", []string{"0 64 unstriped 2 8 1 a 0"}},
		{"zero", []string{"0 64 zero"}},
		{"delay", []string{"0 64 delay a 0 5 b 0 5"}},
		{"crypt", []string{"0 64 crypt aes-xts-plain64 " + key512 + " 0 a 0"}},
		{"crypt, 4 KiB sectors", []string{"0 64 crypt aes-xts-plain64 " + key512 + " 0 a 0 1 sector_size:4096"}},
		{"several", []string{"0 8 linear a 0", "8 8 zero", "16 8 linear b 0", "24 8 crypt aes-xts-plain64 " + key512 + " 0 c 0"}},
	} {
		m := mustOpen(t, f, os.O_RDWR, c.lines...)
		b := volume.Bytes(m)
		p := make([]byte, 16*sector)
		for _, access := range []struct {
			name string
			do   func()
		}{
			{"read", func() { _, _ = m.ReadAt(p, 8*sector) }},
			{"write", func() { _, _ = m.WriteAt(p, 8*sector) }},
			{"read any offset", func() { _, _ = b.ReadAt(p[:1000], 8*sector+77) }},
			{"write any offset", func() { _, _ = b.WriteAt(p[:1000], 8*sector+77) }},
		} {
			if n := testing.AllocsPerRun(50, access.do); n != 0 {
				t.Errorf("%s: %s allocates %v times", c.name, access.name, n)
			}
		}
	}
}

// TestVerityReadsAllocateNothing once its tree is in the cache.
func TestVerityReadsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations cannot be counted with the race detector")
	}
	f, line := verityDisk(t, 64, 4096)
	m := mustOpen(t, f, os.O_RDONLY, line)
	p := make([]byte, 8192)
	if n := testing.AllocsPerRun(50, func() { _, _ = m.ReadAt(p, 4096) }); n != 0 {
		t.Errorf("a read of two blocks allocates %v times", n)
	}
}

// meeting is an engine whose first calls wait for each other.
type meeting struct {
	want    int32
	arrived atomic.Int32
	all     chan struct{}
	t       *testing.T
}

func (e *meeting) ReadAt(p []byte, _ int64) (int, error)  { return e.meet(p) }
func (e *meeting) WriteAt(p []byte, _ int64) (int, error) { return e.meet(p) }

func (e *meeting) meet(p []byte) (int, error) {
	if e.arrived.Add(1) == e.want {
		close(e.all)
	}
	select {
	case <-e.all:
	case <-time.After(time.Minute): // only to fail instead of hanging
		e.t.Errorf("%d calls at a time, want %d", e.arrived.Load(), e.want)
	}
	return len(p), nil
}

// TestLargeAccessUsesAllCores: a large read or write is worked on by as many
// goroutines as there are cores; a small one is a single call.
func TestLargeAccessUsesAllCores(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size int
		want int
	}{{16 << 20, runtime.GOMAXPROCS(0)}, {256 << 10, min(runtime.GOMAXPROCS(0), 4)}, {64 << 10, 1}} {
		for _, write := range []bool{false, true} {
			e := &meeting{want: int32(c.want), all: make(chan struct{}), t: t}
			r := volume.Registry{"zero": func(volume.Env, tables.Table) (volume.Engine, error) { return e, nil }}
			m, err := volume.Open(volume.Options{Flag: os.O_RDWR, Targets: r}, tables.ZeroTable{Length: 16 << 20})
			if err != nil {
				t.Fatal(err)
			}
			do := m.ReadAt
			if write {
				do = m.WriteAt
			}
			if n, err := do(make([]byte, c.size), 0); n != c.size || err != nil {
				t.Errorf("%d bytes: %d, %v", c.size, n, err)
			}
			if c.want == 1 && e.arrived.Load() != 1 {
				t.Errorf("%d bytes took %d calls, want one", c.size, e.arrived.Load())
			}
		}
	}
}

// TestCloseWaits: Close lets reads under way finish, and later ones fail.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	f := disks(1024)
	want := f.Devices["a"].Bytes()
	m := mustOpen(t, f, os.O_RDONLY, "0 1024 linear a 0")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				p := dirty(len(want))
				n, err := m.ReadAt(p, 0)
				if errors.Is(err, fs.ErrClosed) && n == 0 {
					return
				}
				if err != nil || !bytes.Equal(p, want) {
					t.Errorf("ReadAt beside Close = %d, %v", n, err)
					return
				}
			}
		})
	}
	if err := m.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	wg.Wait()
}

// TestConcurrentWrites: large writes of disjoint ranges at the same time.
func TestConcurrentWrites(t *testing.T) {
	t.Parallel()
	const part = 1 << 20
	f := disks(8 * part / sector)
	m := mustOpen(t, f, os.O_RDWR, fmt.Sprintf("0 %d crypt aes-xts-plain64 %s 0 a 0", 8*part/sector, key512))
	want := noise(5, 8*part)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if n, err := m.WriteAt(want[i*part:][:part], int64(i*part)); n != part || err != nil {
				t.Errorf("WriteAt = %d, %v", n, err)
			}
		})
	}
	wg.Wait()
	if !bytes.Equal(mustRead(t, m, 0, len(want)), want) {
		t.Error("what was written is not what is read")
	}
}

// TestExtents: holes of the devices and of zero targets show through, in the
// place where the volume has them.
func TestExtents(t *testing.T) {
	t.Parallel()
	f := &volumetest.Files{Devices: map[string]*volumetest.Memory{
		"a": volumetest.NewMemory(make([]byte, 100*sector)), "b": volumetest.NewMemory(make([]byte, 100*sector)),
	}}
	f.Devices["a"].Data = []volume.Extent{{Offset: 10 * sector, Length: 5 * sector}, {Offset: 40 * sector, Length: 60 * sector}}
	m := mustOpen(t, f, os.O_RDONLY, "0 8 zero", "8 90 linear a 5", "98 10 linear b 0", "108 10 delay a 0 0 b 0 0", "118 2 error")
	got, err := m.Extents(0, 120*sector)
	want := []volume.Extent{{Offset: 13 * sector, Length: 5 * sector}, {Offset: 43 * sector, Length: 65 * sector}, {Offset: 118 * sector, Length: 2 * sector}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Extents = %v, %v, want %v", got, err, want)
	}
	got, err = m.Extents(15*sector, 30*sector)
	want = []volume.Extent{{Offset: 15 * sector, Length: 3 * sector}, {Offset: 43 * sector, Length: 2 * sector}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Extents of a part = %v, %v, want %v", got, err, want)
	}
	for _, r := range [][2]int64{{-1, 5}, {0, -1}, {0, 121 * sector}, {200 * sector, 0}, {1, 1<<63 - 1}} {
		if list, err := m.Extents(r[0], r[1]); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Extents(%d, %d) = %v, %v, want %v", r[0], r[1], list, err, fs.ErrInvalid)
		}
	}
}

// TestBlockAt: the unit that fails as a whole is that of the target.
func TestBlockAt(t *testing.T) {
	t.Parallel()
	f := disks(100)
	m := mustOpen(t, f, os.O_RDONLY, "0 16 linear a 0", "16 16 crypt aes-xts-plain64 "+key512+" 0 a 0 1 sector_size:4096", "32 8 error")
	for _, c := range []struct{ off, start, length, lost int64 }{
		{0, 0, 512, 0},
		{513, 512, 512, 0},
		{8191, 7680, 512, 0},
		{8192, 8192, 4096, 0},
		{13000, 12288, 4096, 0},
		{17000, 16896, 512, 20480 - 17000},
		{20480, 20480, 0, 0},
		{-1, -1, 0, 0},
	} {
		if got := m.BlockAt(c.off); got != (volume.Extent{Offset: c.start, Length: c.length}) {
			t.Errorf("BlockAt(%d) = %v, want %d bytes at %d", c.off, got, c.length, c.start)
		}
		if got := m.Unreadable(c.off); got != c.lost {
			t.Errorf("Unreadable(%d) = %d, want %d", c.off, got, c.lost)
		}
	}
	if m.BlockSize() != 4096 || m.Alignment() != 4096 {
		t.Errorf("BlockSize, Alignment = %d, %d, want 4096 both", m.BlockSize(), m.Alignment())
	}
}

// TestBlocksOfDevices: a device with large blocks passes them on, and tables
// that cut them are refused, as a live Linux 6.1 does.
func TestBlocksOfDevices(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line string
		ok   bool
	}{
		{"0 8 linear a 8", true},
		{"0 8 linear a 1", false},
		{"0 7 linear a 0", false},
		{"0 16 striped 2 8 a 0 a 8", true},
		{"0 16 striped 2 4 a 0 a 8", false}, // the kernel loads it, and fails all access
		{"0 16 unstriped 2 4 0 a 0", false}, // the same
		{"0 64 crypt aes-xts-plain64 " + key512 + " 0 a 0", true},
		{"0 64 verity 1 a a 4096 4096 8 9 sha256 " + root256 + " -", true},
		{"0 64 verity 1 a a 4096 1024 8 36 sha256 " + root256 + " -", false},
		{"0 64 verity 1 a a 1024 4096 32 9 sha256 " + root256 + " -", false},
	} {
		f := disks(128)
		f.Devices["a"].Block = 4096
		m, err := volume.Open(volume.Options{Open: f.Open}, parse(t, c.line)...)
		if c.ok != (err == nil) || !c.ok && !errors.Is(err, volume.ErrUnaligned) {
			t.Errorf("Open(%q) over blocks of 4096: %v, want ok: %v", c.line, err, c.ok)
			continue
		}
		if err == nil && m.BlockSize() != 4096 {
			t.Errorf("%q: BlockSize() = %d, want 4096", c.line, m.BlockSize())
		}
	}
}

// TestVerityDamage: damaged blocks are errors that name the block; the options
// of the table change that as in the kernel.
func TestVerityDamage(t *testing.T) {
	t.Parallel()
	const blocks, size = 40, 4096
	f, line := verityDisk(t, blocks, size)
	clean := f.Devices["d"].Bytes()
	if _, err := f.Devices["d"].WriteAt([]byte("damage"), 7*size+100); err != nil {
		t.Fatal(err)
	}
	damaged := f.Devices["d"].Bytes()
	for _, c := range []struct {
		options string
		fails   bool
	}{
		{"", true},
		{" 1 restart_on_corruption", true},
		{" 1 panic_on_corruption", true},
		{" 1 restart_on_error", true},
		{" 1 check_at_most_once", true},
		{" 1 try_verify_in_tasklet", true},
		{" 2 root_hash_sig_key_desc some:key", true},
		{" 1 ignore_corruption", false},
	} {
		g := &volumetest.Files{Devices: map[string]*volumetest.Memory{
			"d": volumetest.NewMemory(damaged), "t": volumetest.NewMemory(f.Devices["t"].Bytes()),
		}}
		m := mustOpen(t, g, os.O_RDONLY, line+c.options)
		got := dirty(blocks * size)
		n, err := m.ReadAt(got, 0)
		if !c.fails {
			if n != len(got) || err != nil || !bytes.Equal(got, damaged) {
				t.Errorf("%q: ReadAt = %d, %v, want the bytes as they are", c.options, n, err)
			}
			continue
		}
		var corrupt *verity.CorruptError
		if n != 7*size || !errors.As(err, &corrupt) || corrupt.Block != 7 || corrupt.Level != -1 {
			t.Errorf("%q: ReadAt = %d, %v, want %d bytes and block 7", c.options, n, err, 7*size)
		}
		if !bytes.Equal(got[:7*size], clean[:7*size]) || !bytes.Equal(mustRead(t, m, 8*size, size), clean[8*size:9*size]) {
			t.Errorf("%q: the blocks around the damage are not what they were", c.options)
		}
	}
}

// TestVerityZeroBlocks: with ignore_zero_blocks a block whose digest is that of
// zeros is zeros, whatever the device holds.
func TestVerityZeroBlocks(t *testing.T) {
	t.Parallel()
	f, _ := verityDisk(t, 8, 4096)
	if err := f.Devices["d"].Discard(2*4096, 4096); err != nil {
		t.Fatal(err)
	}
	line := rebuild(t, f, 8, 4096)
	if _, err := f.Devices["d"].WriteAt([]byte("dirt"), 2*4096); err != nil {
		t.Fatal(err)
	}
	if n, err := mustOpen(t, copyOf(f), os.O_RDONLY, line).ReadAt(dirty(4096), 2*4096); n != 0 || !errors.Is(err, verity.ErrCorrupt) {
		t.Errorf("without the option: ReadAt = %d, %v, want %v", n, err, verity.ErrCorrupt)
	}
	m := mustOpen(t, copyOf(f), os.O_RDONLY, line+" 1 ignore_zero_blocks")
	if got := mustRead(t, m, 2*4096, 4096); !bytes.Equal(got, make([]byte, 4096)) {
		t.Error("with the option the block is not zeros")
	}
}

// TestDiscard: passed down as the kernel does.
func TestDiscard(t *testing.T) {
	t.Parallel()
	const crypt = "0 64 crypt aes-xts-plain64 " + key512 + " 0 a 0"
	for _, c := range []struct {
		line string
		want error
	}{
		{"0 64 linear a 0", nil},
		{"0 64 striped 2 8 a 0 b 0", nil},
		{"0 64 unstriped 2 8 1 a 0", nil},
		{"0 64 delay b 0 0 a 0 0", nil},
		{"0 64 zero", nil},
		{crypt + " 1 allow_discards", nil},
		{crypt, volume.ErrUnsupported},
		{"0 64 error", volume.ErrIO},
	} {
		f := disks(128, 128)
		m := mustOpen(t, f, os.O_RDWR, c.line)
		before := f.Devices["a"].Bytes()
		err := m.Discard(8*sector, 24*sector)
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%q: Discard: %v, want %v", c.line, err, c.want)
		}
		after := f.Devices["a"].Bytes()
		if changed := !bytes.Equal(before, after); changed != (c.want == nil && c.line != "0 64 zero") {
			t.Errorf("%q: the device changed: %v", c.line, changed)
		}
		if err := m.Discard(1, sector); !errors.Is(err, volume.ErrUnaligned) {
			t.Errorf("%q: unaligned Discard: %v", c.line, err)
		}
		if err := m.Discard(0, 65*sector); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: Discard past the end: %v", c.line, err)
		}
	}
	m := mustOpen(t, disks(64), os.O_RDWR, "0 64 linear a 0")
	if err := m.Discard(8*sector, 24*sector); err != nil || !bytes.Equal(mustRead(t, m, 8*sector, 24*sector), make([]byte, 24*sector)) {
		t.Errorf("the discarded range is not zeros: %v", err)
	}
	if err := mustOpen(t, disks(64), os.O_RDONLY, "0 64 linear a 0").Discard(0, sector); !errors.Is(err, volume.ErrReadOnly) {
		t.Errorf("Discard on a read-only volume: %v, want %v", err, volume.ErrReadOnly)
	}
}
