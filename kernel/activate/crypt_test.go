package activate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// segment is a crypt table of a MiB over /dev/data.
func segment(start uint64) tables.CryptTable {
	return tables.CryptTable{Start: start, Length: mib, BackendDevice: "/dev/data", BackendOffset: start + mib, Encryption: "aes-xts-plain64"}
}

func volumeKey() []byte { return bytes.Repeat([]byte{0x5a, 0xa5}, 32) }

func TestCryptTables(t *testing.T) {
	t.Parallel()
	second := segment(2 * mib)
	second.Key = bytes.Repeat([]byte{7}, 32)
	referring := segment(0)
	referring.KeyID = ":32:user:mine"
	fast := segment(0)
	fast.Flags = []string{tables.CryptFlagHighPriority}
	middle := tables.LinearTable{Start: mib, Length: mib, BackendDevice: "/dev/data"}
	for _, c := range []struct {
		name  string
		crypt activate.Crypt
		lines []string // parameters that the kernel got
		keys  []string // that were in the keyring
	}{
		{
			"a logon key",
			activate.Crypt{Tables: []tables.Table{segment(0)}, VolumeKey: volumeKey()},
			[]string{"aes-xts-plain64 :64:logon:dmimg:vol 0 7:0 2048"},
			[]string{"logon dmimg:vol 64"},
		},
		{
			"a user key with a description",
			activate.Crypt{Tables: []tables.Table{segment(0)}, VolumeKey: volumeKey(), Place: activate.KeyUser, KeyDescription: "mine"},
			[]string{"aes-xts-plain64 :64:user:mine 0 7:0 2048"},
			[]string{"user mine 64"},
		},
		{
			"on the table line",
			activate.Crypt{Tables: []tables.Table{segment(0)}, VolumeKey: volumeKey(), Place: activate.KeyOnTableLine},
			[]string{"aes-xts-plain64 " + strings.Repeat("5aa5", 32) + " 0 7:0 2048"},
			nil,
		},
		{
			"several segments and keys",
			activate.Crypt{Tables: []tables.Table{segment(0), &middle, &second, segment(3 * mib)}, VolumeKey: volumeKey()},
			[]string{"aes-xts-plain64 :64:logon:dmimg:vol 0 7:0 2048", "7:0 0", "aes-xts-plain64 :32:logon:dmimg:vol-2 0 7:0 6144", "aes-xts-plain64 :64:logon:dmimg:vol 0 7:0 8192"},
			[]string{"logon dmimg:vol 64", "logon dmimg:vol-2 32"},
		},
		{
			"a reference stays",
			activate.Crypt{Tables: []tables.Table{referring}, VolumeKey: volumeKey()},
			[]string{"aes-xts-plain64 :32:user:mine 0 7:0 2048"},
			nil,
		},
		{
			"all options",
			activate.Crypt{
				Tables: []tables.Table{fast}, VolumeKey: volumeKey(), AllowDiscards: true, SameCPUCrypt: true,
				SubmitFromCryptCPUs: true, NoReadWorkqueue: true, NoWriteWorkqueue: true, HighPriority: true,
			},
			[]string{"aes-xts-plain64 :64:logon:dmimg:vol 0 7:0 2048 6 allow_discards same_cpu_crypt high_priority submit_from_crypt_cpus no_read_workqueue no_write_workqueue"},
			[]string{"logon dmimg:vol 64"},
		},
		{
			"no key",
			activate.Crypt{Tables: []tables.Table{segment(0)}},
			[]string{"aes-xts-plain64 - 0 7:0 2048"},
			nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, activate.Options{})
			c.crypt.UUID = activate.DeviceUUID("LUKS2", "a60c98d2-ae9b-4865-bfcb-b4e3ace11033", "vol")
			info, err := f.Crypt(t.Context(), "vol", c.crypt)
			if err != nil || info.Name != "vol" || info.UUID != "CRYPT-LUKS2-a60c98d2ae9b4865bfcbb4e3ace11033-vol" || info.ReadOnly() || !info.HasLiveTable() {
				t.Fatalf("info %+v, %v", info, err)
			}
			report, err := f.control.TableLines(kernel.ByName("vol"), kernel.TableOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, l := range report.Lines {
				lines = append(lines, sortedWords(l.Params))
			}
			for i := range c.lines {
				c.lines[i] = sortedWords(c.lines[i])
			}
			if !slices.Equal(lines, c.lines) {
				t.Errorf("tables\n%q, want\n%q", lines, c.lines)
			}
			if !slices.Equal(f.keyring.history, c.keys) || f.keyring.held() != 0 {
				t.Errorf("keys %q, want %q; %d left", f.keyring.history, c.keys, f.keyring.held())
			}
		})
	}
}

// sortedWords sorts option words: their order is no matter.
func sortedWords(params string) string {
	words := strings.Fields(params)
	if len(words) > 5 {
		slices.Sort(words[6:])
	}
	return strings.Join(words, " ")
}

// TestCryptLeavesNothing lets each step fail.
func TestCryptLeavesNothing(t *testing.T) {
	t.Parallel()
	good := activate.Crypt{Tables: []tables.Table{segment(0)}, VolumeKey: volumeKey()}
	overlapping := good
	overlapping.Tables = []tables.Table{segment(0), segment(0)}
	spaced := good
	spaced.KeyDescription = "dmimg:a b"
	unprefixed := good
	unprefixed.KeyDescription = "vol"
	huge := good
	huge.VolumeKey = make([]byte, 32768)
	for _, c := range []struct {
		name  string
		crypt activate.Crypt
		fault kerneltest.Fault
		ring  *keyring
		want  []error
		text  string
	}{
		{name: "create", crypt: good, fault: kerneltest.Fault{Call: "create", Err: syscall.EBUSY}, want: []error{kernel.ErrExists}},
		{name: "load", crypt: good, fault: kerneltest.Fault{Call: "load", Err: syscall.EINVAL}, want: []error{kernel.ErrInvalid}},
		{name: "load of a key not found", crypt: good, fault: kerneltest.Fault{Call: "load", Err: syscall.ENOENT}, want: []error{syscall.ENOENT}},
		{name: "resume", crypt: good, fault: kerneltest.Fault{Call: "resume", Err: syscall.ENOMEM}, want: []error{syscall.ENOMEM}},
		{name: "adding the key", crypt: good, ring: &keyring{addErr: syscall.EDQUOT}, want: []error{activate.ErrKeyring, syscall.EDQUOT}, text: "adding the logon key dmimg:vol"},
		{name: "removing the key", crypt: good, ring: &keyring{remErr: syscall.EACCES}, want: []error{activate.ErrKeyring, syscall.EACCES}, text: "removing the logon key"},
		{name: "tables", crypt: overlapping, want: []error{tables.ErrOverlap}},
		{name: "no tables", text: "no tables given"},
		{name: "description", crypt: spaced, want: []error{tables.ErrSyntax}, text: "white space"},
		{name: "prefix", crypt: unprefixed, want: []error{activate.ErrKeyring}, text: "a word and a colon"},
		{name: "long key", crypt: huge, want: []error{activate.ErrKeyring}, text: "32768 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.ring == nil {
				c.ring = new(keyring)
			}
			f := newFake(t, activate.Options{Keyring: c.ring})
			if c.fault.Call != "" {
				f.kernel.Inject(c.fault)
			}
			_, err := f.Crypt(t.Context(), "vol", c.crypt)
			if err == nil || !isAll(err, c.want...) || !strings.Contains(err.Error(), c.text) || !strings.HasPrefix(err.Error(), `activate: crypt "vol": `) || strings.Contains(err.Error(), "5aa5") {
				t.Errorf("got %v, want %v with %q", err, c.want, c.text)
			}
			if c.ring.held() != 0 {
				t.Error("a key is left")
			}
			f.expectDevices(t)
		})
	}
}

// TestCryptOnOldTarget is refused before anything is made.
func TestCryptNeedsTheTarget(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	f.kernel.Inject(kerneltest.Fault{Call: "target-version", Err: syscall.EINVAL})
	_, err := f.Crypt(t.Context(), "vol", activate.Crypt{Tables: []tables.Table{segment(0)}, VolumeKey: volumeKey()})
	if !errors.Is(err, kernel.ErrNotSupported) || !strings.Contains(err.Error(), "dm-crypt") || f.keyring.history != nil {
		t.Errorf("got %v, keys %q", err, f.keyring.history)
	}
	f.expectDevices(t)
}

func TestCryptContext(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	c := activate.Crypt{Tables: []tables.Table{segment(0)}, VolumeKey: volumeKey()}
	f.kernel.Inject(kerneltest.Fault{Call: "load", Do: cancel})
	for range 2 { // ended during the load, and before
		if _, err := f.Crypt(ctx, "vol", c); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		f.expectDevices(t)
	}
}

// TestCryptShowsNoKey prints what holds a key.
func TestCryptShowsNoKey(t *testing.T) {
	t.Parallel()
	c := activate.Crypt{Tables: []tables.Table{segment(0)}, VolumeKey: volumeKey()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, v := range []any{c, &c, []activate.Crypt{c}} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, "5a") || strings.Contains(text, "90") || strings.Contains(text, "Z") {
				t.Errorf("%s prints %s", verb, text)
			}
		}
	}
}

// TestCryptKeepsWhatItWasGiven makes sure that the caller's key and tables stay.
func TestCryptKeepsWhatItWasGiven(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	table := segment(0)
	table.Flags = make([]string, 0, 4)
	c := activate.Crypt{Tables: []tables.Table{&table}, VolumeKey: volumeKey(), AllowDiscards: true}
	if _, err := f.Crypt(t.Context(), "vol", c); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(c.VolumeKey, volumeKey()) || table.Key != nil || table.KeyID != "" || len(table.Flags) != 0 || table.Flags[:1][0] != "" {
		t.Errorf("changed: %v %v", table.Flags, table.KeyID)
	}
}

func TestDeviceUUID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, uuid, name, want string }{
		{"VERITY", "a60c98d2-ae9b-4865-bfcb-b4e3ace11033", "nm", "CRYPT-VERITY-a60c98d2ae9b4865bfcbb4e3ace11033-nm"}, // as veritysetup 2.6.1
		{"VERITY", "", "nm", "CRYPT-VERITY-nm"}, // as veritysetup 2.6.1 without superblock
		{"PLAIN", "", strings.Repeat("x", 127), "CRYPT-PLAIN-" + strings.Repeat("x", 116)},
	} {
		if got := activate.DeviceUUID(c.kind, c.uuid, c.name); got != c.want {
			t.Errorf("DeviceUUID(%q, %q, %q) = %q, want %q", c.kind, c.uuid, c.name, got, c.want)
		}
	}
}
