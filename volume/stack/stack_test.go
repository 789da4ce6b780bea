package stack_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/stack"
	"github.com/dmimg/dmimg/volume/volumetest"
)

const sector = tables.SectorSize

// devices parses named tables.
func devices(t testing.TB, text string) []tables.Device {
	t.Helper()
	list, err := tables.ParseDevices(strings.NewReader(text))
	if err != nil {
		t.Fatalf("ParseDevices(%q): %v", text, err)
	}
	return list
}

// disks makes memory devices a, b, c … of 100 sectors, each filled with its
// name.
func disks(names string) *volumetest.Files {
	f := &volumetest.Files{Devices: make(map[string]*volumetest.Memory)}
	for _, name := range names {
		f.Devices[string(name)] = volumetest.NewMemory(bytes.Repeat([]byte{byte(name)}, 100*sector))
	}
	return f
}

func options(f *volumetest.Files, flag int, words ...string) stack.Options {
	o := stack.Options{Options: volume.Options{Flag: flag, Open: f.Open}, Map: make(map[string]string)}
	for _, word := range words {
		from, to, _ := strings.Cut(word, "=")
		o.Map[from] = to
	}
	return o
}

// TestResolve: what device words mean.
func TestResolve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text, top string
		words           []string
		want            string // first byte of each sector
		err             error
		says            string
	}{
		{"a path", "m: 0 2 linear a 0", "m", nil, "aa", nil, ""},
		{"a mapped path", "m: 0 2 linear 7:0 0", "m", []string{"7:0=b"}, "bb", nil, ""},
		{"a mapped path hides a file", "m: 0 2 linear a 0", "m", []string{"a=b"}, "bb", nil, ""},
		{"a mapped device", "x: 0 2 linear b 0\nm: 0 2 linear 253:0 0", "m", []string{"253:0=@x"}, "bb", nil, ""},
		{"by /dev/mapper", "x: 0 2 linear c 0\nm: 0 2 linear /dev/mapper/x 0", "m", nil, "cc", nil, ""},
		{"by mangled name", "x y: 0 2 linear c 0\nm: 0 2 linear /dev/mapper/x\\\\x20y 0", "m", nil, "cc", nil, ""},
		{"map before /dev/mapper", "x: 0 2 linear c 0\nm: 0 2 linear /dev/mapper/x 0", "m", []string{"/dev/mapper/x=a"}, "aa", nil, ""},
		{"two words for one device", "x: 0 4 linear c 0\nm: 0 4 striped 2 1 /dev/mapper/x 0 253:0 2", "m", []string{"253:0=@x"}, "cccc", nil, ""},
		{"the only device, unnamed", "0 1 linear a 0", "", nil, "a", nil, ""},
		{"the last that nobody uses", "m: 0 1 linear /dev/mapper/x 0\nx: 0 1 linear a 0", "", nil, "a", nil, ""},
		{"the last of several", "x: 0 1 linear a 0\ny: 0 1 linear b 0", "", nil, "b", nil, ""},
		{"by name", "x: 0 1 linear a 0\ny: 0 1 linear b 0", "x", nil, "a", nil, ""},
		{"others need not open", "x: 0 1 linear a 0\ny: 0 1 snapshot p q P 8", "x", nil, "a", nil, ""},
		{"no such file", "m: 0 1 linear z 0", "m", nil, "", volume.ErrNoDevice, `"z"`},
		{"no such file, mapped", "m: 0 1 linear 7:0 0", "m", []string{"7:0=z"}, "", volume.ErrNoDevice, `"7:0"`},
		{"no such device, mapped", "m: 0 1 linear 253:0 0", "m", []string{"253:0=@z"}, "", volume.ErrNoDevice, `"253:0"`},
		{"no such name", "x: 0 1 linear a 0", "m", nil, "", volume.ErrNoDevice, `"m"`},
		{"itself", "m: 0 1 linear /dev/mapper/m 0", "m", nil, "", volume.ErrLoop, `"m"`},
		{"itself, any", "m: 0 1 linear /dev/mapper/m 0", "", nil, "", volume.ErrLoop, `"m"`},
		{"in a circle", "x: 0 1 linear /dev/mapper/y 0\ny: 0 1 linear /dev/mapper/z 0\nz: 0 1 linear /dev/mapper/x 0", "y", nil, "", volume.ErrLoop, `"y"`},
		{"too small", "x: 0 4 linear a 0\nm: 0 5 linear /dev/mapper/x 0", "m", nil, "", volume.ErrDeviceTooSmall, "2560 bytes of it, it has 2048"},
		{"target below", "x: 0 8 snapshot p q P 8\nm: 0 8 linear /dev/mapper/x 0", "m", nil, "", volume.ErrUnsupported, "snapshot"},
		{"no tags below", "x: 0 8 linear a 0\nm: 0 8 crypt capi:gcm(aes)-random 30557a9fc4e90e33587da2c7ec11365b 0 /dev/mapper/x 0 1 integrity:28:aead", "m", nil, "", volume.ErrUnsupported, "stores no tags"},
		{"blocks below", "x: 0 16 crypt cipher_null-ecb - 0 a 0 1 sector_size:4096\nm: 0 8 linear /dev/mapper/x 1", "m", nil, "", volume.ErrUnaligned, "4096"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := disks("abc")
			s, err := stack.Open(options(f, os.O_RDONLY, c.words...), devices(t, c.text), c.top)
			if c.err != nil {
				if !errors.Is(err, c.err) || !strings.Contains(fmt.Sprint(err), c.says) {
					t.Errorf("Open: %v, want %v, with %s", err, c.err, c.says)
				}
				if left := f.StillOpen(); len(left) > 0 {
					t.Errorf("still open: %v", left)
				}
				return
			}
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			size, _ := s.Size()
			p := make([]byte, size)
			if n, err := s.ReadAt(p, 0); n != len(p) || err != nil {
				t.Errorf("ReadAt = %d, %v", n, err)
			}
			var got []byte
			for i := 0; i < len(p); i += sector {
				got = append(got, p[i])
			}
			if string(got) != c.want {
				t.Errorf("the sectors are from %q, want %q", got, c.want)
			}
			if err := s.Close(); err != nil || len(f.StillOpen()) > 0 {
				t.Errorf("Close: %v, still open %v", err, f.StillOpen())
			}
		})
	}
}

// TestNumbersAreNotPaths: 7:0 means a device of the machine that the table is
// from, even where a file of that name lies around.
func TestNumbersAreNotPaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("7:0", make([]byte, sector), 0o600); err != nil {
		t.Skip(err) // a system that cannot have such names
	}
	_, err := stack.Open(stack.Options{}, devices(t, "0 1 linear 7:0 0"), "")
	if !errors.Is(err, volume.ErrNoDevice) || !strings.Contains(err.Error(), `"7:0"`) {
		t.Errorf("Open: %v, want %v, naming 7:0", err, volume.ErrNoDevice)
	}
	s, err := stack.Open(stack.Options{Map: map[string]string{"7:0": "./7:0"}}, devices(t, "0 1 linear 7:0 0"), "")
	if err != nil {
		t.Fatalf("Open with a map: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// layers is a stack in which everything is shared.
const layers = `base: 0 90 linear a 10
half: 0 40 linear /dev/mapper/base 0
other: 0 40 linear /dev/mapper/base 50
m: 0 80 striped 2 8 /dev/mapper/half 0 /dev/mapper/other 0
m: 80 10 linear /dev/mapper/base 40
m: 90 10 linear b 0`

// TestEachOnce: each device and each file is opened once, and written through
// all ways to it.
func TestEachOnce(t *testing.T) {
	t.Parallel()
	f := disks("ab")
	s, err := stack.Open(options(f, os.O_RDWR), devices(t, layers), "")
	if err != nil {
		t.Fatal(err)
	}
	if s.Name() != "m" {
		t.Errorf("Name() = %q, want m", s.Name())
	}
	if got := f.Opened(); len(got) != 2 {
		t.Errorf("opened %v, want a and b", got)
	}
	want := bytes.Repeat([]byte("0123456789abcdef"), 100*sector/16)
	if n, err := s.WriteAt(want, 0); n != len(want) || err != nil {
		t.Errorf("WriteAt = %d, %v", n, err)
	}
	if err := s.Sync(); err != nil || f.Devices["a"].Syncs() != 1 || f.Devices["b"].Syncs() != 1 {
		t.Errorf("Sync: %v, %d and %d flushes", err, f.Devices["a"].Syncs(), f.Devices["b"].Syncs())
	}
	got := make([]byte, len(want))
	if n, err := s.ReadAt(got, 0); n != len(got) || err != nil || !bytes.Equal(got, want) {
		t.Errorf("ReadAt = %d, %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, err := range []error{s.Close(), s.Sync()} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("after Close: %v, want %v", err, fs.ErrClosed)
		}
	}
	if _, err := s.ReadAt(got, 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("ReadAt after Close: %v, want %v", err, fs.ErrClosed)
	}
	for name, d := range f.Devices {
		if d.Closes() != 1 {
			t.Errorf("%s was closed %d times", name, d.Closes())
		}
	}
}

// TestContract: a stack keeps the contract of volumes.
func TestContract(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T) volume.Backend {
		s, err := stack.Open(options(disks("ab"), os.O_RDWR), devices(t, layers), "m")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	content := append(bytes.Repeat([]byte("a"), 90*sector), bytes.Repeat([]byte("b"), 10*sector)...)
	volumetest.Run(t, volumetest.Subject{Open: open, Content: content, Writable: true})
}

// TestFailedOpenClosesEverything: whichever file cannot be opened.
func TestFailedOpenClosesEverything(t *testing.T) {
	t.Parallel()
	const text = `x: 0 8 linear a 0
y: 0 8 linear b 0
m: 0 16 striped 2 8 /dev/mapper/x 0 /dev/mapper/y 0
m: 16 8 linear c 0`
	cause := errors.New("no more")
	for k := 1; k <= 3; k++ {
		f := disks("abc")
		f.FailAt, f.FailErr = k, cause
		_, err := stack.Open(options(f, os.O_RDONLY), devices(t, text), "")
		if !errors.Is(err, cause) || len(f.Opened()) != k-1 || len(f.StillOpen()) > 0 {
			t.Errorf("failing at file %d: %v, opened %v, still open %v", k, err, f.Opened(), f.StillOpen())
		}
	}
}

// TestCloseErrors: all come out.
func TestCloseErrors(t *testing.T) {
	t.Parallel()
	f := disks("ab")
	f.Devices["a"].CloseErr, f.Devices["b"].CloseErr = errors.New("a stays"), errors.New("b stays")
	s, err := stack.Open(options(f, os.O_RDONLY), devices(t, layers), "")
	if err != nil {
		t.Fatal(err)
	}
	err = s.Close()
	for _, d := range f.Devices {
		if !errors.Is(err, d.CloseErr) {
			t.Errorf("Close: %v, want also %v", err, d.CloseErr)
		}
	}
}

// TestReadOnlyDevices: a device marked read-only may lie in a writable stack
// (verity must); writes that reach it fail, as in the kernel.
func TestReadOnlyDevices(t *testing.T) {
	t.Parallel()
	list := devices(t, "x: 0 8 linear a 0\nm: 0 8 linear /dev/mapper/x 0\nm: 8 8 linear b 0")
	list[0].ReadOnly = true
	s, err := stack.Open(options(disks("ab"), os.O_RDWR), list, "m")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n, err := s.WriteAt(make([]byte, 8*sector), 0); n != 0 || !errors.Is(err, volume.ErrReadOnly) {
		t.Errorf("WriteAt on the read-only part = %d, %v, want %v", n, err, volume.ErrReadOnly)
	}
	if n, err := s.WriteAt(make([]byte, 8*sector), 8*sector); n != 8*sector || err != nil {
		t.Errorf("WriteAt on the other part = %d, %v", n, err)
	}
}

// TestDeep: as many layers as anybody has work, a hostile pile is refused, and
// quickly.
func TestDeep(t *testing.T) {
	t.Parallel()
	pile := func(n int) []tables.Device {
		list := []tables.Device{{Name: "d0", Tables: []tables.Table{tables.LinearTable{Length: sector, BackendDevice: "a"}}}}
		for i := 1; i < n; i++ {
			list = append(list, tables.Device{Name: fmt.Sprintf("d%d", i), Tables: []tables.Table{
				tables.LinearTable{Length: sector, BackendDevice: fmt.Sprintf("/dev/mapper/d%d", i-1)},
			}})
		}
		return list
	}
	f := disks("a")
	s, err := stack.Open(options(f, os.O_RDONLY), pile(60), "")
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, sector)
	if n, err := s.ReadAt(p, 0); n != sector || err != nil || p[0] != 'a' {
		t.Errorf("ReadAt through 60 layers = %d, %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := stack.Open(options(disks("a"), os.O_RDONLY), pile(100_000), ""); !errors.Is(err, volume.ErrUnsupported) || len(err.Error()) > 100_000 {
		t.Errorf("Open of 100000 layers: %.200v, want %v", err, volume.ErrUnsupported)
	}
}

// TestNothing: no devices, two of one name.
func TestNothing(t *testing.T) {
	t.Parallel()
	if _, err := stack.Open(stack.Options{}, nil, ""); err == nil {
		t.Error("Open without devices: no error")
	}
	same := []tables.Device{{Name: "x"}, {Name: "x"}}
	if _, err := stack.Open(stack.Options{}, same, "x"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Open with two devices of one name: %v, want %v", err, fs.ErrInvalid)
	}
	if _, err := stack.Open(stack.Options{}, []tables.Device{{Name: "x"}}, "x"); err == nil {
		t.Error("Open of a device without tables: no error")
	}
}

// TestSpellings: two spellings of a path in different devices are one file.
func TestSpellings(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "disk")
	text := "x: 0 8 linear " + path + " 0\nm: 0 8 linear /dev/mapper/x 0\nm: 8 8 linear 7:0 8"
	s, err := stack.Open(stack.Options{
		Options: volume.Options{Flag: os.O_RDWR | os.O_CREATE, Perm: 0o600},
		Map:     map[string]string{"7:0": filepath.Dir(path) + "/./disk"},
	}, devices(t, text), "m")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteAt(bytes.Repeat([]byte{1}, 16*sector), 0); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{1}, 16*sector)) {
		t.Errorf("the file has %d bytes, other than what was written (%v)", len(got), err)
	}
}

// FuzzOpen opens arbitrary sets of devices: no panic, no hang, nothing left
// open.
func FuzzOpen(f *testing.F) {
	for _, text := range []string{
		layers, "0 1 linear a 0", "m: 0 1 linear /dev/mapper/m 0",
		"x: 0 1 linear 253:1 0\ny: 0 1 linear 253:0 0",
		"v,,,ro,0 64 verity 1 a b 4096 4096 8 1 sha256 25624aa1f1b2d4bbe542390fa1ba6c040dd579b75f119605e2208bfd7b4faf29 -;m,,,rw,0 8 linear /dev/mapper/v 0",
		"x y: 0 2 linear c 0\nm: 0 2 linear /dev/mapper/x\\\\x20y 0",
	} {
		f.Add(text, "")
		f.Add(text, "m")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		list, err := tables.ParseDevices(strings.NewReader(text))
		if err != nil {
			return
		}
		var opened []*volumetest.Memory
		o := stack.Options{Map: map[string]string{"253:0": "@x", "253:1": "@y", "253:2": "@m"}}
		o.Flag = os.O_RDWR
		o.Open = func(string, int, fs.FileMode) (volume.Backend, error) {
			if len(opened) > 20 {
				return nil, volume.ErrNoDevice
			}
			opened = append(opened, volumetest.NewMemory(make([]byte, 64<<10)))
			return opened[len(opened)-1], nil
		}
		s, err := stack.Open(o, list, name)
		if err == nil {
			p := make([]byte, 4096)
			if n, err := s.ReadAt(p, 0); n < len(p) && err == nil {
				t.Errorf("ReadAt = %d, %v", n, err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		for _, m := range opened {
			if m.Closes() != 1 {
				t.Errorf("a device was closed %d times", m.Closes())
			}
		}
	})
}
