package volume_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/internal/hashes"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
)

const (
	key512  = "30557a9fc4e90e33587da2c7ec11365b80a5caef14395e83a8cdf2173c6186abd0f51a3f6489aed3f81d42678cb1d6fb20456a8fb4d9fe23486d92b7dc01264b"
	root256 = "25624aa1f1b2d4bbe542390fa1ba6c040dd579b75f119605e2208bfd7b4faf29"
)

// TestOpenRefuses: what the kernel refuses to load is refused at open, with an
// error to branch on that names what is wrong. The verdicts of the rows with a
// "kernel:" remark were taken from a live Linux 6.1.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	const crypt4k = " crypt aes-xts-plain64 " + key512 + " 0 a 0 1 sector_size:4096"
	for _, c := range []struct {
		name  string
		lines []string
		want  error
		text  string
	}{
		{"gap", []string{"0 8 zero", "9 8 zero"}, tables.ErrOverlap, "gap"},
		{"overlap", []string{"0 8 zero", "7 8 zero"}, tables.ErrOverlap, "overlap"},
		{"not from 0", []string{"1 8 zero"}, tables.ErrOverlap, "starts at sector 1"},
		{"too long", []string{"0 101 linear a 0"}, volume.ErrDeviceTooSmall, `device "a": the table needs 51712 bytes of it, it has 51200`},
		{"too long by offset", []string{"0 100 linear a 1"}, volume.ErrDeviceTooSmall, "it has 51200"},
		{"far too long", []string{"0 100 linear a 18014398509481784"}, volume.ErrDeviceTooSmall, ""},
		{"stripe too long", []string{"0 160 striped 2 8 a 0 b 0"}, volume.ErrDeviceTooSmall, `"b"`},
		{"unstriped too long", []string{"0 96 unstriped 2 8 1 a 8"}, volume.ErrDeviceTooSmall, `"a"`},
		{"delay: short write device", []string{"0 100 delay a 0 0 b 0 0"}, volume.ErrDeviceTooSmall, `"b"`},
		{"delay: short flush device", []string{"0 100 delay a 0 0 a 0 0 b 0 0"}, volume.ErrDeviceTooSmall, `"b"`},
		{"crypt too long", []string{"0 101 crypt aes-xts-plain64 " + key512 + " 0 a 0"}, volume.ErrDeviceTooSmall, `"a"`},
		{"no device", []string{"0 8 linear nowhere 0"}, volume.ErrNoDevice, `"nowhere"`},
		{"no key", []string{"0 8 crypt aes-xts-plain64 :64:logon:it 0 a 0"}, volume.ErrNoKey, `"it"`},
		{"wrong key size", []string{"0 8 crypt aes-xts-plain64 " + key512[:34] + " 0 a 0"}, crypt.ErrKeySize, ""},
		{"unknown cipher", []string{"0 8 crypt rot13-xts-plain64 " + key512 + " 0 a 0"}, crypt.ErrUnknownCipher, "rot13"},
		{"integrity without tags", []string{"0 8 crypt capi:gcm(aes)-random " + key512[:64] + " 0 a 0 1 integrity:28:aead"}, volume.ErrUnsupported, "integrity"},
		{"crypt: offset cuts a sector", []string{"0 64 crypt aes-xts-plain64 " + key512 + " 0 a 3 1 sector_size:4096"}, volume.ErrUnaligned, "4096"},
		{"crypt starts inside a block", []string{"0 7 zero", "7 64" + crypt4k}, volume.ErrUnaligned, "4096"},
		{"end inside a block", []string{"0 64" + crypt4k, "64 7 zero"}, volume.ErrUnaligned, "4096"},
		{"verity: bad root", []string{"0 8 verity 1 a b 4096 4096 1 1 sha256 " + root256 + "00 -"}, verity.ErrBadParams, "root"},
		{"verity: unknown hash", []string{"0 8 verity 1 a b 4096 4096 1 1 sha257 " + root256 + " -"}, hashes.ErrUnknown, "sha257"},
		{"verity: more mapped than hashed", []string{"0 16 verity 1 a b 4096 4096 1 1 sha256 " + root256 + " -"}, nil, ""},
		{"verity: data device too small", []string{"0 104 verity 1 a b 4096 4096 13 1 sha256 " + root256 + " -"}, volume.ErrDeviceTooSmall, `data device "a"`},
		{"verity: hash device too small", []string{"0 96 verity 1 a b 4096 4096 12 9 sha256 " + root256 + " -"}, volume.ErrDeviceTooSmall, `hash device "b"`},
		{"verity: hash start past the end", []string{"0 8 verity 1 a b 4096 4096 1 10 sha256 " + root256 + " -"}, volume.ErrDeviceTooSmall, `hash device "b"`}, // kernel: E2BIG, although one block needs no tree
		{"verity: parity device too small", []string{"0 96 verity 1 a a 4096 4096 8 11 sha256 " + root256 + " - 8 use_fec_from_device b fec_blocks 9 fec_start 9 fec_roots 2"}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ts, err := tables.Parse(strings.NewReader(strings.Join(c.lines, "\n")))
			f := disks(100, 72)
			if err == nil {
				var m *volume.Mapped
				if m, err = volume.Open(volume.Options{Open: f.Open}, ts...); err == nil {
					_ = m.Close()
				}
			}
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.text) {
				t.Errorf("Open(%q): %v, want %v, with %q", c.lines, err, c.want, c.text)
			}
			if strings.Contains(fmt.Sprint(err), key512[:16]) {
				t.Error("the error shows the key")
			}
			if left := f.StillOpen(); len(left) > 0 {
				t.Errorf("still open after a failed Open: %v", left)
			}
		})
	}
}

// TestOpenAccepts: shapes that look odd and that the kernel loads.
func TestOpenAccepts(t *testing.T) {
	t.Parallel()
	const crypt4k = " crypt aes-xts-plain64 " + key512 + " 0 a 0 1 sector_size:4096"
	for _, lines := range [][]string{
		{"0 8 linear a 0", "8 64" + crypt4k},
		{"0 7 linear a 0", "7 1 linear a 9", "8 64" + crypt4k},
		{"0 96 unstriped 2 8 1 a 0"}, // the stripe itself runs past the end
		{"0 16 unstriped 1 8 1 a 0"},
		{"0 8 verity 1 a b 4096 4096 1 9 sha256 " + root256 + " -"},
		{"0 64 error nowhere 0"},
		{"8 8 zero", "0 8 zero"}, // we sort; the kernel wants them sorted
	} {
		mustOpen(t, disks(100, 72), os.O_RDONLY, lines...)
	}
}

// TestOpenFlags: flags that would harm an image are refused before anything is
// opened.
func TestOpenFlags(t *testing.T) {
	t.Parallel()
	for _, flag := range []int{os.O_WRONLY, os.O_RDWR | os.O_TRUNC, os.O_RDWR | os.O_APPEND, os.O_CREATE} {
		f := disks(8)
		_, err := volume.Open(volume.Options{Flag: flag, Open: f.Open}, parse(t, "0 8 linear a 0")...)
		if !errors.Is(err, fs.ErrInvalid) || f.Opens() != 0 {
			t.Errorf("Open with flag %#x: %v after %d opens, want %v and none", flag, err, f.Opens(), fs.ErrInvalid)
		}
		if _, err := volume.OpenUserspaceVolume(flag, 0, parse(t, "0 8 zero")...); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("OpenUserspaceVolume with flag %#x: %v, want %v", flag, err, fs.ErrInvalid)
		}
	}
}

// TestOpenNothing: no tables, nil tables.
func TestOpenNothing(t *testing.T) {
	t.Parallel()
	if _, err := volume.Open(volume.Options{}); err == nil {
		t.Error("Open without tables: no error")
	}
	if _, err := volume.Open(volume.Options{}, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Open(nil): %v, want %v", err, fs.ErrInvalid)
	}
}

// TestOpenPointers: pointers to table structs do as well as structs.
func TestOpenPointers(t *testing.T) {
	t.Parallel()
	f := disks(8)
	m, err := volume.Open(volume.Options{Open: f.Open}, &tables.LinearTable{Length: 8 * sector, BackendDevice: "a"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := mustRead(t, m, 0, 8*sector); !slices.Equal(got, f.Devices["a"].Bytes()) {
		t.Error("a pointer to a table reads other bytes than the device has")
	}
}

// manyDevices is a table with each kind of user of devices.
var manyDevices = []string{
	"0 8 linear a 0",
	"8 16 striped 2 8 b 0 c 0",
	"24 8 unstriped 2 8 0 d 0",
	"32 8 delay e 0 0 f 0 0 g 0 0",
	"40 8 crypt aes-xts-plain64 " + key512 + " 0 h 0",
	"48 8 linear ./a 8",
}

// TestFailedOpenClosesEverything: an open that fails at any position leaves no
// device open.
func TestFailedOpenClosesEverything(t *testing.T) {
	t.Parallel()
	cause := errors.New("no more")
	for k := 1; ; k++ {
		f := disks(16, 16, 16, 16, 16, 16, 16, 16)
		f.Devices["./a"] = volumetest.NewMemory(make([]byte, 16*sector))
		f.FailAt, f.FailErr = k, cause
		m, err := volume.Open(volume.Options{Open: f.Open}, parse(t, manyDevices...)...)
		if err == nil {
			if k != 10 {
				t.Errorf("Open needed %d devices, want 9", k-1)
			}
			if err := m.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		} else if !errors.Is(err, cause) {
			t.Errorf("Open failing at device %d: %v, want %v", k, err, cause)
		}
		if left := f.StillOpen(); len(left) > 0 || len(f.Opened()) != k-1 {
			t.Errorf("failing at device %d: opened %v, still open %v", k, f.Opened(), left)
		}
		if err == nil {
			return
		}
	}
}

// TestFailedOpenReportsCloseErrors: trouble while giving up is not lost.
func TestFailedOpenReportsCloseErrors(t *testing.T) {
	t.Parallel()
	f := disks(8)
	f.Devices["a"].CloseErr = errors.New("cannot close a")
	_, err := volume.Open(volume.Options{Open: f.Open}, parse(t, "0 8 linear a 0", "8 8 linear z 0")...)
	if !errors.Is(err, volume.ErrNoDevice) || !errors.Is(err, f.Devices["a"].CloseErr) {
		t.Errorf("Open: %v, want both %v and %v", err, volume.ErrNoDevice, f.Devices["a"].CloseErr)
	}
}

// TestCloseReportsEveryError: all devices are closed, all their errors come out.
func TestCloseReportsEveryError(t *testing.T) {
	t.Parallel()
	f := disks(8, 8, 8)
	f.Devices["a"].CloseErr = errors.New("cannot close a")
	f.Devices["c"].CloseErr = errors.New("cannot close c")
	m := mustOpen(t, f, os.O_RDONLY, "0 8 linear a 0", "8 8 linear b 0", "16 8 linear c 0")
	err := m.Close()
	for _, want := range []error{f.Devices["a"].CloseErr, f.Devices["c"].CloseErr} {
		if !errors.Is(err, want) {
			t.Errorf("Close: %v, want also %v", err, want)
		}
	}
	if left := f.StillOpen(); len(left) > 0 {
		t.Errorf("still open after Close: %v", left)
	}
	if err := m.Close(); !errors.Is(err, fs.ErrClosed) || f.Devices["b"].Closes() != 1 {
		t.Errorf("second Close: %v, device closed %d times, want %v and once", err, f.Devices["b"].Closes(), fs.ErrClosed)
	}
}

// TestSync: all devices are flushed when the volume is writable, and errors come
// out.
func TestSync(t *testing.T) {
	t.Parallel()
	f := disks(8, 8, 8)
	f.Devices["c"].SyncErr = errors.New("cannot flush c")
	m := mustOpen(t, f, os.O_RDWR, "0 8 delay a 0 0 b 0 0 c 0 0")
	if err := m.Sync(); !errors.Is(err, f.Devices["c"].SyncErr) {
		t.Errorf("Sync: %v, want %v", err, f.Devices["c"].SyncErr)
	}
	for name, d := range f.Devices {
		if d.Syncs() != 1 {
			t.Errorf("device %s was flushed %d times, want once", name, d.Syncs())
		}
	}
	if err := mustOpen(t, f, os.O_RDONLY, "0 8 linear c 0").Sync(); err != nil {
		t.Errorf("Sync of a read-only volume: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Sync(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Sync after Close: %v, want %v", err, fs.ErrClosed)
	}
}

// TestDevicesAreOpenedOnce: however many tables name a device.
func TestDevicesAreOpenedOnce(t *testing.T) {
	t.Parallel()
	f := disks(64)
	mustOpen(t, f, os.O_RDONLY, "0 8 linear a 0", "8 16 striped 2 8 a 8 a 16", "24 8 delay a 0 0 a 8 0 a 16 0")
	if got := f.Opened(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("opened %v, want a once", got)
	}
}

// TestFilesAreOpenedOnce: different spellings of a path, and links, are one
// file, which a write through one and a read through the other shows on any
// system, and closing twice would.
func TestFilesAreOpenedOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "disk")
	if err := os.WriteFile(path, noise(1, 32*sector), 0o600); err != nil {
		t.Fatal(err)
	}
	words := []string{path, filepath.Join(dir, ".") + "/./disk", dir + "//disk"}
	if err := os.Symlink(path, filepath.Join(dir, "link")); err == nil {
		words = append(words, filepath.Join(dir, "link"))
	}
	pool := volume.NewPool(volume.Options{})
	defer pool.Close()
	first, err := pool.Backend(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range words {
		if b, err := pool.Backend(word); err != nil || b != first {
			t.Errorf("Backend(%q) = %v, %v, want the device that is open already", word, b, err)
		}
	}
}

// TestKeyring: a table that refers to a key gets it from the caller, of the
// size it says.
func TestKeyring(t *testing.T) {
	t.Parallel()
	const line = "0 8 crypt aes-cbc-plain :16:user:a:b:c 0 a 0"
	var asked string
	open := func(n int, err error) error {
		m, err := volume.Open(volume.Options{Open: disks(8).Open, Key: func(id string) ([]byte, error) {
			asked = id
			return make([]byte, n), err
		}}, parse(t, line)...)
		if err == nil {
			err = m.Close()
		}
		return err
	}
	if err := open(16, nil); err != nil || asked != ":16:user:a:b:c" {
		t.Errorf("Open: %v, asked for %q", err, asked)
	}
	if err := open(32, nil); !errors.Is(err, crypt.ErrKeySize) {
		t.Errorf("Open with a key of 32 bytes for 16: %v, want %v", err, crypt.ErrKeySize)
	}
	if err := open(16, volume.ErrNoKey); !errors.Is(err, volume.ErrNoKey) {
		t.Errorf("Open without the key: %v, want %v", err, volume.ErrNoKey)
	}
}

// TestParseKeyID takes key words apart.
func TestParseKeyID(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]volume.KeyID{
		":64:logon:cryptsetup:uuid-d0": {Size: 64, Type: "logon", Description: "cryptsetup:uuid-d0"},
		":0:user:x":                    {Size: 0, Type: "user", Description: "x"},
	} {
		if got, err := volume.ParseKeyID(word); got != want || err != nil {
			t.Errorf("ParseKeyID(%q) = %v, %v, want %v", word, got, err, want)
		}
	}
	for _, word := range []string{"", ":", "::", ":1:", ":1:user", ":1:user:", ":x:user:y", ":-1:user:y", "1:user:y", ":99999999999:user:y", ":1::y"} {
		if got, err := volume.ParseKeyID(word); err == nil {
			t.Errorf("ParseKeyID(%q) = %v, want an error", word, got)
		}
	}
}

// TestReadOnly: a volume opened for reading takes no writes, whatever the
// target, and a verity table cannot be opened for writing.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	f := disks(16, 72)
	m := mustOpen(t, f, os.O_RDONLY, "0 8 linear a 0", "8 8 zero", "16 8 error")
	for off := int64(0); off < 24*sector; off += 8 * sector {
		if n, err := m.WriteAt(dirty(sector), off); n != 0 || !errors.Is(err, volume.ErrReadOnly) {
			t.Errorf("WriteAt(%d) = %d, %v, want %v", off, n, err, volume.ErrReadOnly)
		}
	}
	_, err := volume.Open(volume.Options{Flag: os.O_RDWR, Open: f.Open}, parse(t, "0 8 verity 1 a b 4096 4096 1 1 sha256 "+root256+" -")...)
	if !errors.Is(err, volume.ErrReadOnly) || !strings.Contains(err.Error(), "verity") {
		t.Errorf("Open of verity for writing: %v, want %v, naming verity", err, volume.ErrReadOnly)
	}
	f = disks(16)
	f.Devices["a"].ReadOnly = true
	m = mustOpen(t, f, os.O_RDWR, "0 8 linear a 0")
	if n, err := m.WriteAt(dirty(sector), 0); n != 0 || !errors.Is(err, volume.ErrReadOnly) {
		t.Errorf("WriteAt on a read-only device = %d, %v, want %v", n, err, volume.ErrReadOnly)
	}
}

// TestOwnTargets: a caller may bring an engine, also for tables that package
// tables does not know; it is closed with the volume.
func TestOwnTargets(t *testing.T) {
	t.Parallel()
	e := &countingEngine{}
	r := volume.Builtin()
	r["frobnicate"] = func(volume.Env, tables.Table) (volume.Engine, error) { return e, nil }
	m, err := volume.Open(volume.Options{Targets: r}, parse(t, "0 8 frobnicate words", "8 8 zero")...)
	if err != nil {
		t.Fatal(err)
	}
	mustRead(t, m, 0, 16*sector)
	if err := m.Close(); !errors.Is(err, io.ErrClosedPipe) || e.closed != 1 {
		t.Errorf("Close: %v, engine closed %d times, want its error, once", err, e.closed)
	}
}

// countingEngine counts how often it is closed.
type countingEngine struct{ closed int }

func (e *countingEngine) ReadAt(p []byte, _ int64) (int, error)  { return len(p), nil }
func (e *countingEngine) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (e *countingEngine) Close() error                           { e.closed++; return io.ErrClosedPipe }
