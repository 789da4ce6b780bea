//go:build linux

package activate_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/signature"
)

const liveBlocks = 300 // two levels

// liveImage is an image with its tree, on loop devices.
func liveImage(t *testing.T) (v activate.Verity, data string, content []byte) {
	t.Helper()
	content = make([]byte, liveBlocks*4096)
	rand.Read(content)
	data = file(t, "data", content)
	tree, err := os.Create(file(t, "hash", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	v = activate.Verity{Params: verity.Params{
		HashType: 1, Algorithm: "sha256", DataBlockSize: 4096, HashBlockSize: 4096, DataBlocks: liveBlocks, Salt: []byte{1, 2},
	}}
	if v.RootHash, err = verity.Build(t.Context(), bytes.NewReader(content), tree, v.Params); err != nil {
		t.Fatal(err)
	}
	v.DataDevice = loopOf(t, data, activate.LoopOptions{ReadOnly: true})
	v.HashDevice = loopOf(t, tree.Name(), activate.LoopOptions{ReadOnly: true, BlockSize: 4096})
	return v, data, content
}

// damage changes a byte of a file.
func damage(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func TestLiveVerity(t *testing.T) {
	l := newLive(t)
	v, _, content := liveImage(t)
	name := kerneltest.Name(t, l.control, "verity")
	v.UUID, v.Check = activate.DeviceUUID("VERITY", "a60c98d2-ae9b-4865-bfcb-b4e3ace11033", name), activate.CheckAll
	v.Options = tables.VerityOptions{PanicOnCorruption: true, IgnoreZeroBlocks: true, CheckAtMostOnce: true}
	result, err := l.Verity(t.Context(), name, v)
	if err != nil || result.Reused || !result.Info.ReadOnly() || result.Info.UUID != v.UUID {
		t.Fatal(result, err)
	}
	if got, err := readNode(t, "/dev/mapper/"+name); err != nil || !bytes.Equal(got, content) {
		t.Errorf("read %d bytes, %v, want the %d of the image", len(got), err, len(content))
	}
	if s, err := l.VerityStatus(name); err != nil || s.Corrupted {
		t.Errorf("status %+v, %v", s, err)
	}
	report, err := l.control.TableLines(kernel.ByName(name), kernel.TableOptions{})
	if err != nil || !strings.HasSuffix(report.Lines[0].Params, " 3 panic_on_corruption ignore_zero_blocks check_at_most_once") {
		t.Errorf("table %v, %v", report.Lines, err)
	}

	// the rules about a device that is there
	if _, err := l.Verity(t.Context(), name, v); !errors.Is(err, kernel.ErrExists) {
		t.Errorf("a second time: %v", err)
	}
	v.Existing = activate.ReuseSame
	if result, err := l.Verity(t.Context(), name, v); err != nil || !result.Reused {
		t.Errorf("reuse: %+v, %v", result, err)
	}
	other := v
	other.RootHash = bytes.Repeat([]byte{7}, 32)
	var m *activate.MismatchError
	if _, err := l.Verity(t.Context(), name, other); !errors.As(err, &m) || !bytes.Equal(m.Found, v.RootHash) || !strings.Contains(err.Error(), "0707") {
		t.Errorf("another root hash: %v", err)
	}
	other = v
	other.Options.CheckAtMostOnce = false
	if _, err := l.Verity(t.Context(), name, other); !errors.Is(err, activate.ErrMismatch) {
		t.Errorf("a weaker device: %v", err)
	}
	l.remove(t, name)
}

func TestLiveVerityCorrupt(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(v *activate.Verity)
		damage int64 // byte of the data; 0: none
		check  activate.Check
		want   error
	}{
		{"a wrong root hash is not noticed", func(v *activate.Verity) { v.RootHash[0] ^= 1 }, 0, activate.CheckNothing, nil},
		{"a wrong root hash", func(v *activate.Verity) { v.RootHash[0] ^= 1 }, 0, activate.CheckFirstBlock, activate.ErrCorrupt},
		{"a wrong salt", func(v *activate.Verity) { v.Params.Salt = nil }, 0, activate.CheckFirstBlock, activate.ErrCorrupt},
		{"damage in the middle is not noticed", nil, 4096 * liveBlocks / 2, activate.CheckFirstBlock, nil},
		{"damage at the end", nil, 4096*liveBlocks - 1, activate.CheckAll, activate.ErrCorrupt},
		{"damage that is ignored", func(v *activate.Verity) { v.Options.IgnoreCorruption = true }, 4096, activate.CheckAll, activate.ErrCorrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLive(t)
			v, data, _ := liveImage(t)
			if c.damage > 0 {
				damage(t, data, c.damage)
			}
			if c.change != nil {
				c.change(&v)
			}
			name := kerneltest.Name(t, l.control, "verity")
			v.Check = c.check
			v.Resume.Udev.Flags = kernel.UdevPrivate // or udev reads it, again and again where it cannot
			if _, err := l.Verity(t.Context(), name, v); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if c.want != nil {
				l.expectGone(t, name)
				return
			}
			if _, err := readNode(t, "/dev/mapper/"+name); !errors.Is(err, syscall.EIO) {
				t.Errorf("reading: %v", err)
			}
			if s, err := l.VerityStatus(name); err != nil || !s.Corrupted {
				t.Errorf("status %+v, %v", s, err)
			}
			l.remove(t, name)
		})
	}
}

// sign signs a root hash with a key that nobody trusts.
func sign(t *testing.T, root []byte) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "dmimg test"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signature.Sign(root, cert, key, signature.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// TestLiveVeritySignature gives signatures to kernels that trust no key of ours.
func TestLiveVeritySignature(t *testing.T) {
	l := newLive(t)
	v, _, _ := liveImage(t)
	for _, c := range []struct {
		name      string
		signature []byte
		want      error
		text      string
	}{
		{"a stranger's", sign(t, v.RootHash), syscall.ENOKEY, "trusts no key that made it"},
		{"none", []byte("no signature"), syscall.EBADMSG, "not PKCS#7"},
	} {
		name := kerneltest.Name(t, l.control, "signed")
		signed := v
		signed.Signature, signed.SignatureDescription = c.signature, "cryptsetup:"+name
		_, err := l.Verity(t.Context(), name, signed)
		if !errors.Is(err, activate.ErrSignature) || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if got := l.keyring.history[len(l.keyring.history)-1]; got != "user cryptsetup:"+name {
			t.Errorf("key %q", got)
		}
		l.expectGone(t, name)
	}
}

// TestLiveRemove has a device that is in use: by a program, and by another device.
func TestLiveRemove(t *testing.T) {
	l := newLive(t)
	name, top := kerneltest.Name(t, l.control, "low"), kerneltest.Name(t, l.control, "top")
	for _, d := range []struct {
		name  string
		table tables.Table
	}{
		{name, tables.ZeroTable{Length: mib}},
		{top, tables.LinearTable{Length: mib, BackendDevice: "/dev/mapper/" + name}},
	} {
		if _, err := l.control.CreateAndLoad(t.Context(), d.name, kernel.ActivateOptions{}, d.table); err != nil {
			t.Fatal(err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var busy *activate.BusyError
	if _, err := l.Remove(ended, name, activate.RemoveOptions{}); !errors.As(err, &busy) || !errors.Is(err, kernel.ErrBusy) || strings.Join(busy.Users, ", ") != "device "+top {
		t.Errorf("got %v", err)
	}
	l.remove(t, top)
	f, err := os.Open("/dev/mapper/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	us := fmt.Sprintf("process %d (", os.Getpid())
	if _, err := l.Remove(ended, name, activate.RemoveOptions{}); !errors.As(err, &busy) || len(busy.Users) != 1 || !strings.HasPrefix(busy.Users[0], us) {
		t.Errorf("got %v, want %q", err, us)
	}
	if got, err := l.Remove(t.Context(), name, activate.RemoveOptions{Deferred: true}); err != nil || got != activate.Deferred {
		t.Errorf("got %v, %v", got, err)
	}
	if err := l.CancelRemoval(name); err != nil {
		t.Error(err)
	}
	removed := make(chan error)
	go func() {
		_, err := l.Remove(t.Context(), name, activate.RemoveOptions{})
		removed <- err
	}()
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := <-removed; err != nil {
		t.Error(err)
	}
	l.expectGone(t, name)
	if got, err := l.Remove(t.Context(), name, activate.RemoveOptions{MissingOK: true}); err != nil || got != activate.Missing {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestLiveLoop makes sure that a loop device goes with the last that has it open.
func TestLiveLoop(t *testing.T) {
	l := newLive(t)
	loop, err := activate.AttachLoop(file(t, "image", bytes.Repeat([]byte("x"), 64<<10)), activate.LoopOptions{ReadOnly: true, Offset: 4096, Size: 8192, BlockSize: 4096})
	if err != nil {
		t.Fatal(err)
	}
	name := kerneltest.Name(t, l.control, "loop")
	table := tables.LinearTable{Length: 8192, BackendDevice: loop.Path()}
	if _, err := l.control.CreateAndLoad(t.Context(), name, kernel.ActivateOptions{Load: kernel.LoadOptions{ReadOnly: true}}, table); err != nil {
		t.Fatal(err)
	}
	if err := loop.Close(); err != nil {
		t.Error(err)
	}
	backing := filepath.Join("/sys/block", filepath.Base(loop.Path()), "loop/backing_file")
	if _, err := os.Stat(backing); err != nil {
		t.Errorf("the loop device is gone while a table uses it: %v", err)
	}
	if got, err := readNode(t, "/dev/mapper/"+name); err != nil || !bytes.Equal(got, bytes.Repeat([]byte("x"), 8192)) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	l.remove(t, name)
	if _, err := os.Stat(backing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the loop device is still there: %v", err)
	}
	if _, err := activate.AttachLoop("/none", activate.LoopOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := activate.AttachLoop(file(t, "f", make([]byte, 4096)), activate.LoopOptions{BlockSize: 3}); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a block size of 3: %v", err)
	}
}
