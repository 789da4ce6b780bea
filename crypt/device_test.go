package crypt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// newTestDevice returns a device in aes-xts-plain64 over s.
func newTestDevice(t *testing.T, s Storage, offset int64, sectorSize int) *Device {
	t.Helper()
	d, err := NewDevice(s, offset, Config{Spec: "aes-xts-plain64", Key: countingKey(64), SectorSize: sectorSize})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// sealed returns plain as a device with that sector size stores it.
func sealed(t *testing.T, plain []byte, sectorSize int) []byte {
	t.Helper()
	c, err := NewCipher(Config{Spec: "aes-xts-plain64", Key: countingKey(64), SectorSize: sectorSize})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(plain))
	c.EncryptSectors(out, plain, 0)
	return out
}

// TestDeviceReadsAndWrites covers lengths below, at and above what is worked on
// in parallel, at several places.
func TestDeviceReadsAndWrites(t *testing.T) {
	t.Parallel()
	const offset = 1000
	for _, unit := range []int{512, 4096} {
		plain := patterned(5*chunkSize + 3*unit)
		image := append(make([]byte, offset), sealed(t, plain, unit)...)
		for _, length := range []int{unit, 3 * unit, chunkSize, chunkSize + unit, 2*chunkSize - unit, 2 * chunkSize, 5 * chunkSize} {
			for _, at := range []int{0, unit, 3 * unit} {
				t.Run(fmt.Sprintf("%d/%d/%d", unit, length, at), func(t *testing.T) {
					t.Parallel()
					d := newTestDevice(t, memory(image), offset, unit)
					got := make([]byte, length)
					if n, err := d.ReadAt(got, int64(at)); n != length || err != nil {
						t.Fatalf("ReadAt = %d, %v, want %d, nil", n, err, length)
					}
					if i := firstDifference(got, plain[at:at+length]); i >= 0 {
						t.Errorf("ReadAt: wrong byte %d", i)
					}

					want := bytes.Clone(image)
					clear(want[offset+at : offset+at+length])
					w := newTestDevice(t, memory(want), offset, unit)
					if n, err := w.WriteAt(got, int64(at)); n != length || err != nil {
						t.Fatalf("WriteAt = %d, %v, want %d, nil", n, err, length)
					}
					if i := firstDifference(want, image); i >= 0 {
						t.Errorf("WriteAt: wrong byte %d in the image", i)
					}
					if i := firstDifference(got, plain[at:at+length]); i >= 0 {
						t.Errorf("WriteAt changed byte %d of its argument", i)
					}
				})
			}
		}
	}
}

// TestDeviceRefusesRanges: what is not whole sectors, or not there.
func TestDeviceRefusesRanges(t *testing.T) {
	t.Parallel()
	const offset = 512
	d := newTestDevice(t, memory(make([]byte, 1<<20)), offset, 4096)
	tests := []struct {
		length int
		off    int64
		want   error
		text   string
	}{
		{4096, 512, ErrUnaligned, "4096 bytes at offset 512, sectors have 4096 bytes"},
		{512, 0, ErrUnaligned, "512 bytes at offset 0"},
		{4097, 0, ErrUnaligned, "4097 bytes"},
		{0, 1, ErrUnaligned, "0 bytes at offset 1"},
		{4096, -4096, nil, "negative offset -4096"},
		{4096, math.MaxInt64 - 4095, nil, "beyond the largest offset"},
		{8192, math.MaxInt64 - 8191, nil, "beyond the largest offset"},
	}
	for _, test := range tests {
		p := make([]byte, test.length)
		for name, call := range map[string]func([]byte, int64) (int, error){"ReadAt": d.ReadAt, "WriteAt": d.WriteAt} {
			n, err := call(p, test.off)
			if n != 0 || err == nil || (test.want != nil && !errors.Is(err, test.want)) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%s of %d bytes at %d = %d, %v, want %v with %q", name, test.length, test.off, n, err, test.want, test.text)
			}
		}
	}
	if _, err := NewDevice(memory(nil), -1, Config{Spec: "aes-xts-plain64", Key: countingKey(64)}); err == nil {
		t.Error("NewDevice with a negative offset: no error")
	}
	if n, err := d.ReadAt(nil, 4096); n != 0 || err != nil {
		t.Errorf("ReadAt of nothing = %d, %v", n, err)
	}
}

// TestDeviceEndOfStorage: where the storage ends, the whole sectors before the
// end are returned with io.EOF, from small and from parallel reads.
func TestDeviceEndOfStorage(t *testing.T) {
	t.Parallel()
	const unit = 1024
	plain := patterned(4 * chunkSize)
	image := sealed(t, plain, unit)
	tests := []struct {
		stored, length int
		off            int64
		n              int
		err            error
	}{
		{8 * unit, 8 * unit, 0, 8 * unit, nil},
		{8 * unit, 9 * unit, 0, 8 * unit, io.EOF},
		{8*unit + 1, 9 * unit, 0, 8 * unit, io.EOF},
		{9*unit - 1, 9 * unit, 0, 8 * unit, io.EOF},
		{8 * unit, unit, 8 * unit, 0, io.EOF},
		{8 * unit, unit, 80 * unit, 0, io.EOF},
		{3*chunkSize - unit, 4 * chunkSize, 0, 3*chunkSize - unit, io.EOF},
		{2*chunkSize + 5, 4 * chunkSize, 0, 2 * chunkSize, io.EOF},
		{10, 4 * chunkSize, 0, 0, io.EOF},
	}
	for _, test := range tests {
		d := newTestDevice(t, memory(image[:test.stored]), 0, unit)
		p := make([]byte, test.length)
		n, err := d.ReadAt(p, test.off)
		if n != test.n || err != test.err {
			t.Errorf("ReadAt of %d bytes at %d with %d stored = %d, %v, want %d, %v", test.length, test.off, test.stored, n, err, test.n, test.err)
		}
		if i := firstDifference(p[:n], plain[test.off:][:n]); i >= 0 {
			t.Errorf("ReadAt of %d bytes with %d stored: wrong byte %d", test.length, test.stored, i)
		}
	}
	// A reader may report the end together with the last bytes.
	d := newTestDevice(t, eager{image[:unit]}, 0, unit)
	if n, err := d.ReadAt(make([]byte, unit), 0); n != unit || err != nil {
		t.Errorf("ReadAt up to the end = %d, %v, want %d, nil", n, err, unit)
	}
}

// eager reports the end together with the last bytes.
type eager struct{ memory }

func (e eager) ReadAt(p []byte, off int64) (int, error) {
	n, err := e.memory.ReadAt(p, off)
	if off+int64(n) == int64(len(e.memory)) {
		err = io.EOF
	}
	return n, err
}

var errBroken = errors.New("broken disk")

// flawed fails at and after byte bad, having done what lies before it. With
// silent it returns short counts without an error.
type flawed struct {
	memory
	bad    int64
	silent bool
	calls  *atomic.Int64
}

func (f flawed) ReadAt(p []byte, off int64) (int, error) {
	return f.upTo(p, off, f.memory.ReadAt)
}

func (f flawed) WriteAt(p []byte, off int64) (int, error) {
	return f.upTo(p, off, f.memory.WriteAt)
}

func (f flawed) upTo(p []byte, off int64, call func([]byte, int64) (int, error)) (int, error) {
	if f.calls != nil {
		f.calls.Add(1)
	}
	if off+int64(len(p)) <= f.bad {
		return call(p, off)
	}
	n, err := call(p[:max(0, f.bad-off)], off)
	if err == nil && !f.silent {
		err = errBroken
	}
	return n, err
}

// TestDeviceStorageErrors: the count is what was done before the failure, and
// the error tells the place, for small and for parallel calls.
func TestDeviceStorageErrors(t *testing.T) {
	t.Parallel()
	const unit, offset = 512, 2048
	plain := patterned(6 * chunkSize)
	image := append(make([]byte, offset), sealed(t, plain, unit)...)
	for _, length := range []int{8 * unit, 6 * chunkSize} {
		for _, good := range []int{0, 3 * unit, 3*unit + 100, length - 1} {
			for _, silent := range []bool{false, true} {
				s := flawed{memory: bytes.Clone(image), bad: int64(offset + good), silent: silent}
				d := newTestDevice(t, s, offset, unit)
				whole := good - good%unit
				p := make([]byte, length)
				n, err := d.ReadAt(p, 0)
				wantErr, wantAt := errBroken, offset+whole
				if silent {
					wantErr, wantAt = io.ErrUnexpectedEOF, offset+good
				}
				if n != whole || !errors.Is(err, wantErr) || !strings.Contains(err.Error(), fmt.Sprintf("at byte %d:", wantAt)) {
					t.Errorf("ReadAt of %d bytes, %d good, silent %v = %d, %v, want %d, %v at byte %d", length, good, silent, n, err, whole, wantErr, wantAt)
				}
				if i := firstDifference(p[:n], plain[:n]); i >= 0 {
					t.Errorf("ReadAt of %d bytes, %d good: wrong byte %d", length, good, i)
				}
				n, err = d.WriteAt(plain[:length], 0)
				if silent {
					wantErr = io.ErrShortWrite
				}
				if n != good || !errors.Is(err, wantErr) || !strings.Contains(err.Error(), fmt.Sprintf("at byte %d:", offset+good)) {
					t.Errorf("WriteAt of %d bytes, %d good, silent %v = %d, %v, want %d, %v", length, good, silent, n, err, good, wantErr)
				}
			}
		}
	}
}

// TestDeviceStopsAtFailure: after a failure no worker takes chunks behind it.
func TestDeviceStopsAtFailure(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	d := newTestDevice(t, flawed{memory: make(memory, 200*chunkSize), bad: 0, calls: &calls}, 0, 512)
	n, err := d.ReadAt(make([]byte, 200*chunkSize), 0)
	if n != 0 || !errors.Is(err, errBroken) {
		t.Fatalf("ReadAt = %d, %v, want 0, %v", n, err, errBroken)
	}
	if workers := int64(cap(d.helpers) + 1); calls.Load() > 2*workers {
		t.Errorf("%d reads after the first failed, with %d workers", calls.Load(), workers)
	}
}

// gauge counts how many calls are in progress at once.
type gauge struct {
	memory
	now, most atomic.Int64
}

func (g *gauge) ReadAt(p []byte, off int64) (int, error) {
	now := g.now.Add(1)
	defer g.now.Add(-1)
	for most := g.most.Load(); now > most && !g.most.CompareAndSwap(most, now); most = g.most.Load() {
	}
	return g.memory.ReadAt(p, off)
}

// TestDeviceBoundsWorkers: many large calls at once do not multiply goroutines.
func TestDeviceBoundsWorkers(t *testing.T) {
	t.Parallel()
	const callers = 6
	plain := patterned(8 * chunkSize)
	g := &gauge{memory: sealed(t, plain, 512)}
	d := newTestDevice(t, g, 0, 512)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			p := make([]byte, len(plain))
			if n, err := d.ReadAt(p, 0); n != len(p) || err != nil {
				t.Errorf("ReadAt = %d, %v", n, err)
			}
			if i := firstDifference(p, plain); i >= 0 {
				t.Errorf("concurrent ReadAt: wrong byte %d", i)
			}
		})
	}
	wg.Wait()
	if limit := int64(callers + cap(d.helpers)); g.most.Load() > limit {
		t.Errorf("%d reads at once, want at most %d", g.most.Load(), limit)
	}
	if len(d.helpers) != 0 {
		t.Errorf("%d helpers still counted after the calls", len(d.helpers))
	}
}

// TestDeviceConcurrentWrites writes disjoint ranges from several goroutines.
func TestDeviceConcurrentWrites(t *testing.T) {
	t.Parallel()
	plain := patterned(8 * chunkSize)
	image := make(memory, len(plain))
	d := newTestDevice(t, image, 0, 512)
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Go(func() {
			at := part * 2 * chunkSize
			if n, err := d.WriteAt(plain[at:at+2*chunkSize], int64(at)); n != 2*chunkSize || err != nil {
				t.Errorf("WriteAt at %d = %d, %v", at, n, err)
			}
		})
	}
	wg.Wait()
	if i := firstDifference(image, sealed(t, plain, 512)); i >= 0 {
		t.Errorf("wrong byte %d in the image", i)
	}
}

func TestDeviceClose(t *testing.T) {
	t.Parallel()
	d := newTestDevice(t, make(memory, 4*chunkSize), 0, 4096)
	e := d.engine
	var wg sync.WaitGroup
	for range 4 { // Close waits for them, or they are refused
		wg.Go(func() {
			if _, err := d.ReadAt(make([]byte, 4*chunkSize), 0); err != nil && !errors.Is(err, ErrClosed) {
				t.Errorf("ReadAt during Close: %v", err)
			}
		})
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if e.keys != nil {
		t.Error("Close left the keyed ciphers in place")
	}
	p := make([]byte, 4096)
	if n, err := d.ReadAt(p, 0); n != 0 || !errors.Is(err, ErrClosed) {
		t.Errorf("ReadAt after Close = %d, %v, want ErrClosed", n, err)
	}
	if n, err := d.WriteAt(p, 0); n != 0 || !errors.Is(err, ErrClosed) {
		t.Errorf("WriteAt after Close = %d, %v, want ErrClosed", n, err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if d.SectorSize() != 4096 {
		t.Errorf("SectorSize after Close = %d", d.SectorSize())
	}
}

// TestWipe: Close leaves no key in memory that this module can reach.
func TestWipe(t *testing.T) {
	t.Parallel()
	for spec, size := range map[string]int{
		"aes-lrw-plain64": 48, "aes:64-cbc-lmk": 65 * 16, "aes-cbc-tcw": 48, "xchacha12,aes-adiantum-plain64": 32,
		"capi:essiv(lrw(aes),sha256)-plain64": 48,
	} {
		d, err := NewDevice(make(memory, 512), 0, Config{Spec: spec, Key: bytes.Repeat([]byte{0xa5}, size)})
		if err != nil {
			t.Fatal(err)
		}
		mode, iv := d.engine.keys[0].mode, d.engine.keys[0].iv
		if essiv, ok := mode.(essivMode); ok {
			mode = essiv.mode
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		wiped := false
		for _, part := range []any{mode, iv} {
			switch part := part.(type) {
			case *lrwMode:
				wiped = *part == lrwMode{}
			case *lmk:
				wiped = part.seed == [64]byte{}
			case *tcw:
				wiped = part.seed == [16]byte{} && part.whitening == [16]byte{}
			case *adiantumMode:
				wiped = bytes.Equal(part.key, make([]byte, 32)) && part.tweakKey == [32]byte{}
			}
		}
		if !wiped {
			t.Errorf("%s: key material left after Close", spec)
		}
	}
}

// TestSmallDeviceCallsAllocateNothing: below two chunks there are no goroutines
// and no garbage.
func TestSmallDeviceCallsAllocateNothing(t *testing.T) { // not parallel: it counts allocations
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool allocate")
	}
	d := newTestDevice(t, make(memory, 2*chunkSize), 0, 512)
	for _, size := range []int{512, 4096, chunkSize, 2*chunkSize - 512} {
		p := make([]byte, size)
		allocs := testing.AllocsPerRun(50, func() {
			if _, err := d.ReadAt(p, 0); err != nil {
				t.Fatal(err)
			}
			if _, err := d.WriteAt(p, 0); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%d bytes: %v allocations, want 0", size, allocs)
		}
	}
}

// TestDevicesStack puts a device over a device.
func TestDevicesStack(t *testing.T) {
	t.Parallel()
	image := make(memory, 4*chunkSize)
	lower := newTestDevice(t, image, 0, 512)
	upper, err := NewDevice(lower, 4096, Config{Spec: "aes-cbc-essiv:sha256", Key: countingKey(32), SectorSize: 4096})
	if err != nil {
		t.Fatal(err)
	}
	plain := patterned(3 * chunkSize)
	if n, err := upper.WriteAt(plain, 0); n != len(plain) || err != nil {
		t.Fatalf("WriteAt = %d, %v", n, err)
	}
	got := make([]byte, 4*chunkSize)
	n, err := upper.ReadAt(got, 0)
	if want := 4*chunkSize - 4096; n != want || err != io.EOF {
		t.Errorf("ReadAt = %d, %v, want %d, io.EOF", n, err, want)
	}
	if i := firstDifference(got[:len(plain)], plain); i >= 0 {
		t.Errorf("wrong byte %d", i)
	}
}
