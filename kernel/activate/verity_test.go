package activate_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/verity"
)

const digits = "1111111111111111111111111111111111111111111111111111111111111111"

// image is a verity device over the fake's disks.
func image() activate.Verity {
	return activate.Verity{
		Params: verity.Params{
			HashType: 1, Algorithm: "sha256", DataBlockSize: 4096, HashBlockSize: 4096,
			DataBlocks: 256, HashStartBlock: 1, Salt: []byte{0xaa},
		},
		RootHash:   bytes.Repeat([]byte{0x11}, 32),
		DataDevice: "/dev/data", HashDevice: "/dev/hash",
	}
}

func TestVerityTable(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	v := image()
	v.UUID = "CRYPT-VERITY-root"
	v.Options = tables.VerityOptions{RestartOnCorruption: true, IgnoreZeroBlocks: true, FECDevice: "/dev/hash", FECRoots: 2, FECBlocks: 259, FECStart: 4}
	v.Signature = []byte("signature")
	result, err := f.Verity(t.Context(), "root", v)
	if err != nil || result.Reused || !result.Info.ReadOnly() || result.Info.UUID != v.UUID {
		t.Fatalf("got %+v, %v", result, err)
	}
	report, err := f.control.TableLines(kernel.ByName("root"), kernel.TableOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := "0 2048 verity 1 7:0 7:1 4096 4096 256 1 sha256 " + digits + " aa 12 restart_on_corruption ignore_zero_blocks " +
		"use_fec_from_device 7:1 fec_blocks 259 fec_start 4 fec_roots 2 root_hash_sig_key_desc dmimg:root"
	if got := report.Lines[0].String(); got != want {
		t.Errorf("table\n%s, want\n%s", got, want)
	}
	if got := strings.Join(f.keyring.history, ", "); got != "user dmimg:root 9" {
		t.Errorf("keys %q", got)
	}
}

func TestVerityRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(v *activate.Verity)
		fault  kerneltest.Fault
		want   []error
		text   string
	}{
		{"a short root hash", func(v *activate.Verity) { v.RootHash = v.RootHash[:20] }, kerneltest.Fault{}, nil, "a root hash of 20 bytes: those of sha256 have 32"},
		{"sizes", func(v *activate.Verity) { v.Params.DataBlockSize = 1000 }, kerneltest.Fault{}, nil, "block size"},
		{"no such disk", func(v *activate.Verity) { v.DataDevice = "/dev/none" }, kerneltest.Fault{}, []error{syscall.ENOENT}, "a device that the table names"},
		{"options", func(v *activate.Verity) { v.Options.IgnoreCorruption, v.Options.PanicOnCorruption = true, true }, kerneltest.Fault{}, nil, "corruption modes"},
		{"two signatures", func(v *activate.Verity) { v.Signature, v.Options.RootHashSigKeyDesc = []byte("x"), "y" }, kerneltest.Fault{}, nil, "exclude each other"},
		{"an empty signature", func(v *activate.Verity) { v.Signature = []byte{} }, kerneltest.Fault{}, []error{activate.ErrKeyring}, "a key of 0 bytes"},
		{"a long signature", func(v *activate.Verity) { v.Signature = make([]byte, 40960) }, kerneltest.Fault{}, []error{activate.ErrKeyring}, "40960 bytes"},
		{
			"a load that fails", func(*activate.Verity) {}, kerneltest.Fault{Call: "load", Err: syscall.ENOMEM}, []error{syscall.ENOMEM}, "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, activate.Options{})
			if c.fault.Call != "" {
				f.kernel.Inject(c.fault)
			}
			v := image()
			c.change(&v)
			_, err := f.Verity(t.Context(), "root", v)
			if err == nil || !isAll(err, c.want...) || !strings.Contains(err.Error(), c.text) || !strings.HasPrefix(err.Error(), `activate: verity "root": `) {
				t.Errorf("got %v, want %v with %q", err, c.want, c.text)
			}
			f.expectDevices(t)
		})
	}
}

func TestVerityExisting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		found  func(v *activate.Verity) // what is there
		change func(v *activate.Verity) // what is asked for
		want   error
		text   string
	}{
		{"the same", nil, nil, nil, ""},
		{"other devices below", func(v *activate.Verity) { v.DataDevice = "/dev/hash2" }, nil, nil, ""},
		{"stronger", func(v *activate.Verity) { v.Options.PanicOnCorruption = true }, nil, nil, ""},
		{"weaker asked for", func(v *activate.Verity) { v.Options.IgnoreCorruption = true }, func(v *activate.Verity) { v.Options.IgnoreCorruption = true }, nil, ""},
		{"refused by default", nil, func(v *activate.Verity) { v.Existing = activate.RefuseExisting }, kernel.ErrExists, "exists already"},
		{"another root hash", nil, func(v *activate.Verity) { v.RootHash = bytes.Repeat([]byte{0x22}, 32) }, activate.ErrMismatch, "its root hash is " + digits + ", that asked for is 2222"},
		{"another salt", nil, func(v *activate.Verity) { v.Params.Salt = nil }, activate.ErrMismatch, "its tree is 1 4096 4096 256 sha256 aa, that asked for is 1 4096 4096 256 sha256 -"},
		{"fewer blocks", nil, func(v *activate.Verity) { v.Params.DataBlocks-- }, activate.ErrMismatch, "its tree is"},
		{"ignores corruption", func(v *activate.Verity) { v.Options.IgnoreCorruption = true }, nil, activate.ErrMismatch, "it ignores corruption"},
		{"checks once", func(v *activate.Verity) { v.Options.CheckAtMostOnce = true }, nil, activate.ErrMismatch, "at most once"},
		{"no panic", nil, func(v *activate.Verity) { v.Options.PanicOnCorruption = true }, activate.ErrMismatch, "restart or panic"},
		{"unsigned", nil, func(v *activate.Verity) { v.Signature = []byte("x") }, activate.ErrMismatch, "without a signature"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, activate.Options{})
			f.kernel.AddDisk("/dev/hash2", 16*mib)
			found, asked := image(), image()
			asked.Existing = activate.ReuseSame
			for _, apply := range []struct {
				change func(*activate.Verity)
				to     *activate.Verity
			}{{c.found, &found}, {c.change, &asked}} {
				if apply.change != nil {
					apply.change(apply.to)
				}
			}
			if _, err := f.Verity(t.Context(), "root", found); err != nil {
				t.Fatal(err)
			}
			result, err := f.Verity(t.Context(), "root", asked)
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.text) || result.Reused != (c.want == nil) {
				t.Errorf("reused %t, %v, want %v with %q", result.Reused, err, c.want, c.text)
			}
			if c.want == activate.ErrMismatch {
				var m *activate.MismatchError
				if !errors.As(err, &m) || m.Name != "root" || !bytes.Equal(m.Found, found.RootHash) || !bytes.Equal(m.Want, asked.RootHash) {
					t.Errorf("details %+v", m)
				}
			}
			f.expectDevices(t, "root")
		})
	}
}

// TestVerityExistingStranger has a device that is no verity device, and one that only has
// the UUID.
func TestVerityExistingStranger(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	if _, err := f.control.CreateAndLoad(t.Context(), "root", kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	v := image()
	v.Existing = activate.ReuseSame
	if _, err := f.Verity(t.Context(), "root", v); !errors.Is(err, activate.ErrMismatch) || !strings.Contains(err.Error(), "zero") {
		t.Errorf("got %v", err)
	}
	f.expectDevices(t, "root")
}

// TestVerityReuseWaits meets a device that somebody else is just making: it has no table
// at first, then one; and one that goes away again.
func TestVerityReuseWaits(t *testing.T) {
	t.Parallel()
	for _, vanishes := range []bool{false, true} {
		f := newFake(t, activate.Options{})
		if _, err := f.control.Create("root", kernel.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		v := image()
		v.Existing = activate.ReuseSame
		f.kernel.Inject(kerneltest.Fault{Call: "create", Skip: 2, Do: func() {
			if vanishes {
				f.kernel.Vanish("root")
				return
			}
			table, err := image().Table()
			if err != nil {
				t.Error(err)
			}
			if _, err := f.control.Load(kernel.ByName("root"), kernel.LoadOptions{ReadOnly: true}, table); err != nil {
				t.Error(err)
			}
			if _, err := f.control.Resume(t.Context(), kernel.ByName("root"), kernel.ResumeOptions{}); err != nil {
				t.Error(err)
			}
		}})
		result, err := f.Verity(t.Context(), "root", v)
		if err != nil || result.Reused == vanishes {
			t.Errorf("vanishes %t: got %+v, %v", vanishes, result, err)
		}
		f.expectDevices(t, "root")
	}
}

// TestVerityManyAtOnce activates the same image from many goroutines: one makes the device,
// the others find it.
func TestVerityManyAtOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	v := image()
	v.Existing = activate.ReuseSame
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 16 {
		wg.Go(func() {
			result, err := f.Verity(t.Context(), "root", v)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			} else if !result.Reused {
				made++
			}
		})
	}
	wg.Wait()
	if made != 1 {
		t.Errorf("made %d times", made)
	}
	f.expectDevices(t, "root")
}

// reader is a node that fails with an error, or has no end of zeros.
type reader struct {
	err    error
	left   int
	closed *bool
}

func (r *reader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		if r.err == nil {
			return 0, io.EOF
		}
		return 0, r.err
	}
	n := min(len(p), r.left)
	r.left -= n
	return n, nil
}

func (r *reader) Close() error {
	*r.closed = true
	return nil
}

func TestVerityCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		check  activate.Check
		status string
		read   error // after the first 4 MiB
		size   int
		want   error
		opened string
	}{
		{"nothing", activate.CheckNothing, "C", nil, 0, nil, ""},
		{"status", activate.CheckStatus, "V", nil, 0, nil, ""},
		{"status of a newer kernel", activate.CheckStatus, "V -", nil, 0, nil, ""},
		{"bad status", activate.CheckStatus, "C", nil, 0, activate.ErrCorrupt, ""},
		{"bad status of a newer kernel", activate.CheckStatus, "C 12", nil, 0, activate.ErrCorrupt, ""},
		{"first block", activate.CheckFirstBlock, "V", nil, 4096, nil, "/nodes/a\\x20b"},
		{"only the first block", activate.CheckFirstBlock, "V", syscall.EIO, 4096, nil, "/nodes/a\\x20b"},
		{"wrong root hash", activate.CheckFirstBlock, "C", syscall.EIO, 0, activate.ErrCorrupt, "/nodes/a\\x20b"},
		{"disk error", activate.CheckFirstBlock, "V", syscall.EIO, 0, syscall.EIO, "/nodes/a\\x20b"},
		{"all", activate.CheckAll, "V", nil, 5*mib + 4096, nil, "/nodes/a\\x20b"},
		{"damage far behind", activate.CheckAll, "C", syscall.EIO, 5*mib + 4096, activate.ErrCorrupt, "/nodes/a\\x20b"},
		{"corrected or ignored", activate.CheckAll, "C", nil, mib, activate.ErrCorrupt, "/nodes/a\\x20b"},
		{"another error", activate.CheckAll, "V", syscall.ENOMEM, mib, syscall.ENOMEM, "/nodes/a\\x20b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			opened, closed := "", false
			f := newFake(t, activate.Options{Dir: "/nodes", Open: func(path string) (io.ReadCloser, error) {
				opened = path
				return &reader{c.read, c.size, &closed}, nil
			}})
			f.kernel.Inject(kerneltest.Fault{Call: "status", Do: func() { f.kernel.SetStatus(`a\x20b`, c.status) }})
			v := image()
			v.Check = c.check
			_, err := f.Verity(t.Context(), "a b", v)
			if !errors.Is(err, c.want) || opened != c.opened || closed != (opened != "") {
				t.Errorf("got %v, want %v; opened %q, want %q; closed %t", err, c.want, opened, c.opened, closed)
			}
			if c.want != nil {
				f.expectDevices(t)
			} else {
				f.expectDevices(t, `a\x20b`)
			}
		})
	}
}

// TestVerityCheckEnds lets the context end while all is read: the device goes again.
func TestVerityCheckEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	closed := false
	f := newFake(t, activate.Options{Open: func(string) (io.ReadCloser, error) {
		cancel()
		return &reader{nil, mib, &closed}, nil
	}})
	f.kernel.Inject(kerneltest.Fault{Call: "status", Do: func() { f.kernel.SetStatus("root", "V") }})
	v := image()
	v.Check = activate.CheckAll
	if _, err := f.Verity(ctx, "root", v); !errors.Is(err, context.Canceled) || !closed {
		t.Errorf("got %v, closed %t", err, closed)
	}
	f.expectDevices(t)
	g := newFake(t, activate.Options{Open: func(string) (io.ReadCloser, error) { return nil, fs.ErrNotExist }})
	g.kernel.Inject(kerneltest.Fault{Call: "status", Do: func() { g.kernel.SetStatus("root", "V") }})
	if _, err := g.Verity(t.Context(), "root", v); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a node: %v", err)
	}
	g.expectDevices(t)
}

// TestVerityCheckSparesOthers finds a reused device corrupted: it is refused and stays.
func TestVerityCheckSparesOthers(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	v := image()
	if _, err := f.Verity(t.Context(), "root", v); err != nil {
		t.Fatal(err)
	}
	f.kernel.SetStatus("root", "C")
	v.Existing, v.Check = activate.ReuseSame, activate.CheckStatus
	if _, err := f.Verity(t.Context(), "root", v); !errors.Is(err, activate.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
	f.expectDevices(t, "root")
	if s, err := f.VerityStatus("root"); err != nil || !s.Corrupted {
		t.Errorf("status %+v, %v", s, err)
	}
	if _, err := f.VerityStatus("none"); !errors.Is(err, kernel.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
