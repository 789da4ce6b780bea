//go:build linux

package activate_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// writeNode writes a block device and waits until that is on the disk below.
func writeNode(t *testing.T, path string, content []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, werr := f.Write(content)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// encrypted is what the engine makes of a segment.
func encrypted(t *testing.T, key, plain []byte) []byte {
	t.Helper()
	c, err := crypt.NewCipher(crypt.Config{Spec: "aes-xts-plain64", Key: key, Implementation: "generic"})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(plain))
	c.EncryptSectors(out, plain, 0)
	return out
}

// TestLiveCrypt takes each way to bring a key to the kernel, and compares what it writes
// with our engine.
func TestLiveCrypt(t *testing.T) {
	for _, c := range []struct {
		name  string
		place activate.KeyPlace
		ring  string
		word  string // of the table
	}{
		{"logon", activate.KeyLogon, "logon dmimg:", ":64:logon:dmimg:"},
		{"user", activate.KeyUser, "user dmimg:", ":64:user:dmimg:"},
		{"table line", activate.KeyOnTableLine, "", "5aa55aa5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLive(t)
			disk := labtest.Disk(t, mib)
			name := kerneltest.Name(t, l.control, "crypt")
			segments := []tables.Table{ // in the wrong order on the disk, with a hole of plain data
				tables.CryptTable{Length: mib / 4, BackendDevice: disk, BackendOffset: mib / 2, Encryption: "aes-xts-plain64"},
				tables.LinearTable{Start: mib / 4, Length: mib / 4, BackendDevice: disk, BackendOffset: mib / 4},
				tables.CryptTable{Start: mib / 2, Length: mib / 4, BackendDevice: disk, Encryption: "aes-xts-plain64", SectorSize: 512},
			}
			info, err := l.Crypt(t.Context(), name, activate.Crypt{
				Tables: segments, VolumeKey: volumeKey(), Place: c.place, AllowDiscards: true, NoReadWorkqueue: true,
				UUID: activate.DeviceUUID("PLAIN", "", name),
			})
			if err != nil || info.UUID != "CRYPT-PLAIN-"+name {
				t.Fatal(info, err)
			}
			if got := strings.Join(l.keyring.history, ", "); !strings.HasPrefix(got, c.ring) || (c.ring == "") != (got == "") {
				t.Errorf("keys %q, want %q", got, c.ring)
			}
			report, err := l.control.TableLines(kernel.ByName(name), kernel.TableOptions{})
			if err != nil || !strings.Contains(report.Lines[0].Params, c.word) {
				t.Errorf("the table has not the words asked for, %v", err)
			}
			plain := bytes.Repeat([]byte("what nobody is to read. "), 3*mib/4/24)
			writeNode(t, "/dev/mapper/"+name, plain)
			l.remove(t, name)
			got, err := readNode(t, disk)
			q := mib / 4
			want := append(encrypted(t, volumeKey(), plain[2*q:]), append(append([]byte{}, plain[q:2*q]...), encrypted(t, volumeKey(), plain[:q])...)...)
			if err != nil || !bytes.Equal(got[:3*q], want) {
				at := 0
				for at < len(want) && got[at] == want[at] {
					at++
				}
				t.Errorf("the disk is not what it should be from byte %d on; %v", at, err)
			}
		})
	}
}

// TestLiveCryptManyAtOnce makes devices with keys of their own at the same time: threads
// do not see the keys of others, and find theirs.
func TestLiveCryptManyAtOnce(t *testing.T) {
	l := newLive(t)
	var names, disks []string
	for range 8 {
		names, disks = append(names, kerneltest.Name(t, l.control, "many")), append(disks, labtest.Disk(t, 64<<10))
	}
	var wg sync.WaitGroup
	for i := range names {
		wg.Go(func() {
			_, err := l.Crypt(t.Context(), names[i], activate.Crypt{
				Tables:         []tables.Table{tables.CryptTable{Length: 64 << 10, BackendDevice: disks[i], Encryption: "aes-xts-plain64"}},
				VolumeKey:      bytes.Repeat([]byte{byte(i), 0xa5}, 32),
				KeyDescription: "dmimg:the-same-for-all",
				Resume:         kernel.ResumeOptions{Udev: kernel.UdevOptions{Flags: kernel.UdevPrivate}},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range names {
		got, err := readNode(t, "/dev/mapper/"+names[i])
		if err != nil {
			t.Fatal(err)
		}
		if back := encrypted(t, bytes.Repeat([]byte{byte(i), 0xa5}, 32), got); !bytes.Equal(back, make([]byte, len(back))) {
			t.Errorf("device %d has another key", i)
		}
		l.remove(t, names[i])
	}
}

// TestLiveCryptFails has the kernel refuse: nothing is left.
func TestLiveCryptFails(t *testing.T) {
	l := newLive(t)
	disk := labtest.Disk(t, mib)
	for _, c := range []struct {
		name  string
		table tables.CryptTable
		key   []byte
		want  error
		or    error // on older kernels
	}{
		{"a key of the wrong size", tables.CryptTable{Length: mib, BackendDevice: disk, Encryption: "aes-xts-plain64"}, volumeKey()[:40], kernel.ErrInvalid, nil},
		{"no such key", tables.CryptTable{Length: mib, BackendDevice: disk, Encryption: "aes-xts-plain64", KeyID: ":64:logon:dmimg:nowhere"}, nil, syscall.ENOKEY, nil},
		{"no such device", tables.CryptTable{Length: mib, BackendDevice: "/dev/none", Encryption: "aes-xts-plain64"}, volumeKey(), syscall.ENOENT, syscall.ENODEV},
		{"beyond the device", tables.CryptTable{Length: 2 * mib, BackendDevice: disk, Encryption: "aes-xts-plain64"}, volumeKey(), kernel.ErrInvalid, nil},
	} {
		name := kerneltest.Name(t, l.control, "crypt")
		if _, err := l.Crypt(t.Context(), name, activate.Crypt{Tables: []tables.Table{c.table}, VolumeKey: c.key}); err == nil || !errors.Is(err, c.want) && !errors.Is(err, c.or) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		l.expectGone(t, name)
	}
}
