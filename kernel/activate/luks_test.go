package activate_test

import (
	"bytes"
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

const luksUUID = "a60c98d2-ae9b-4865-bfcb-b4e3ace11033"

// digestOf proves a volume key.
func digestOf(t *testing.T, key []byte, size int) []byte {
	t.Helper()
	digest, err := pbkdf2.Key(sha256.New, string(key), make([]byte, 32), 1000, size)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// luks1 is a header whose data begins at byte 1 MiB.
func luks1(t *testing.T) *luks.Header {
	t.Helper()
	h := &luks.Header1{
		Cipher: "aes", Mode: "xts-plain64", Hash: "sha256", PayloadOffset: 2048, KeySize: 64, DigestIterations: 1000, UUID: luksUUID,
	}
	copy(h.Digest[:], digestOf(t, volumeKey(), len(h.Digest)))
	return &luks.Header{Version: 1, V1: h}
}

// luks2 is a header of one segment that begins at byte 1 MiB, for a key.
func luks2(t *testing.T, key []byte, segment *luks.Segment, flags ...string) *luks.Header {
	t.Helper()
	segment.Type, segment.Offset, segment.Size = "crypt", mib, luks.SegmentSize{Dynamic: true}
	return &luks.Header{Version: 2, V2: &luks.Header2{UUID: luksUUID, Metadata: &luks.Metadata{
		Segments: map[int]*luks.Segment{0: segment},
		Digests: map[int]*luks.Digest{0: {
			Type: "pbkdf2", Segments: luks.IDs{0}, Hash: "sha256", Iterations: 1000,
			Salt: make([]byte, 32), Digest: digestOf(t, key, sha256.Size),
		}},
		Config: luks.Config{Flags: flags},
	}}}
}

func plainSegment(sectorSize int64) *luks.Segment {
	return &luks.Segment{Encryption: "aes-xts-plain64", SectorSize: sectorSize}
}

// opened is a volume on /dev/data whose key is known.
func opened(t *testing.T, h *luks.Header, key []byte) activate.LUKS {
	t.Helper()
	k, err := h.VolumeKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return activate.LUKS{Header: h, Key: k, Device: "/dev/data", Size: 16 * mib, Integrity: func(int64) (luks.IntegrityArea, error) {
		return luks.IntegrityArea{TagSize: 32, DataSize: 8 * mib, Features: []string{"fix_padding"}}, nil
	}}
}

// tagged is a volume whose sectors carry tags.
func tagged(t *testing.T, flags ...string) activate.LUKS {
	t.Helper()
	key := bytes.Repeat([]byte{0x5a, 0xa5}, 48)
	s := &luks.Segment{
		Encryption: "aes-xts-plain64", SectorSize: 4096,
		Integrity: &luks.Integrity{Type: "hmac(sha256)", JournalEncryption: "none", JournalIntegrity: "none"},
	}
	return opened(t, luks2(t, key, s, flags...), key)
}

// shown are the devices there are, with UUIDs and tables.
func (f *fake) shown(t *testing.T) (list []string) {
	t.Helper()
	for _, name := range f.kernel.Devices() {
		report, err := f.control.TableLines(kernel.ByName(name), kernel.TableOptions{})
		if err != nil || len(report.Lines) != 1 {
			t.Fatal(report, err)
		}
		mode := "rw"
		if report.Info.ReadOnly() {
			mode = "ro"
		}
		l := report.Lines[0]
		list = append(list, fmt.Sprintf("%s %s %s %d %s %s", name, report.Info.UUID, mode, l.Length, l.Target, l.Params))
	}
	return list
}

func TestLUKS(t *testing.T) {
	t.Parallel()
	const (
		hex  = "a60c98d2ae9b4865bfcbb4e3ace11033"
		ring = "cryptsetup:" + luksUUID
	)
	with := func(l activate.LUKS, o activate.Crypt) activate.LUKS {
		l.Options = o
		return l
	}
	moved := opened(t, luks2(t, volumeKey(), plainSegment(512)), volumeKey())
	moved.Offset = 2 * mib
	own := tagged(t, "no-journal", "same-cpu-crypt")
	own.IgnoreFlags = true
	hasty := tagged(t)
	hasty.NoJournal = true
	for _, c := range []struct {
		name string
		luks activate.LUKS
		want []string
		keys []string
	}{
		{
			"luks1", opened(t, luks1(t), volumeKey()),
			[]string{"vol CRYPT-LUKS1-" + hex + "-vol rw 30720 crypt aes-xts-plain64 :64:logon:" + ring + " 0 7:0 2048"},
			[]string{"logon " + ring + " 64"},
		},
		{
			"luks1 with the key on the line", with(opened(t, luks1(t), volumeKey()), activate.Crypt{Place: activate.KeyOnTableLine}),
			[]string{"vol CRYPT-LUKS1-" + hex + "-vol rw 30720 crypt aes-xts-plain64 " + strings.Repeat("5aa5", 32) + " 0 7:0 2048"},
			nil,
		},
		{
			"luks2", opened(t, luks2(t, volumeKey(), plainSegment(512)), volumeKey()),
			[]string{"vol CRYPT-LUKS2-" + hex + "-vol rw 30720 crypt aes-xts-plain64 :64:logon:" + ring + "-d0 0 7:0 2048"},
			[]string{"logon " + ring + "-d0 64"},
		},
		{
			"luks2 further on", moved,
			[]string{"vol CRYPT-LUKS2-" + hex + "-vol rw 26624 crypt aes-xts-plain64 :64:logon:" + ring + "-d0 0 7:0 6144"},
			[]string{"logon " + ring + "-d0 64"},
		},
		{
			"what the header asks for and what the caller does",
			with(opened(t, luks2(t, volumeKey(), plainSegment(4096), "allow-discards", "no-read-workqueue"), volumeKey()),
				activate.Crypt{ReadOnly: true, AllowDiscards: true, NoWriteWorkqueue: true, Place: activate.KeyUser}),
			[]string{"vol CRYPT-LUKS2-" + hex + "-vol ro 30720 crypt aes-xts-plain64 :64:user:" + ring + "-d0 0 7:0 2048 " +
				"4 allow_discards no_read_workqueue no_write_workqueue sector_size:4096"},
			[]string{"user " + ring + "-d0 64"},
		},
		{
			"tags", tagged(t),
			[]string{
				"vol CRYPT-LUKS2-" + hex + "-vol rw 16384 crypt capi:authenc(hmac(sha256),xts(aes))-plain64 :96:logon:" + ring + "-d0 0 253:0 0 2 integrity:32:aead sector_size:4096",
				"vol_dif CRYPT-INTEGRITY-" + hex + "-vol_dif rw 16384 integrity 7:0 2048 32 J 2 fix_padding block_size:4096",
			},
			[]string{"logon " + ring + "-d0 96"},
		},
		{
			"tags, read-only, without journal", with(tagged(t, "no-journal"), activate.Crypt{ReadOnly: true}),
			[]string{
				"vol CRYPT-LUKS2-" + hex + "-vol ro 16384 crypt capi:authenc(hmac(sha256),xts(aes))-plain64 :96:logon:" + ring + "-d0 0 253:0 0 2 integrity:32:aead sector_size:4096",
				"vol_dif CRYPT-INTEGRITY-" + hex + "-vol_dif ro 16384 integrity 7:0 2048 32 D 2 fix_padding block_size:4096",
			},
			[]string{"logon " + ring + "-d0 96"},
		},
		{
			"not what the header asks for", own,
			[]string{
				"vol CRYPT-LUKS2-" + hex + "-vol rw 16384 crypt capi:authenc(hmac(sha256),xts(aes))-plain64 :96:logon:" + ring + "-d0 0 253:0 0 2 integrity:32:aead sector_size:4096",
				"vol_dif CRYPT-INTEGRITY-" + hex + "-vol_dif rw 16384 integrity 7:0 2048 32 J 2 fix_padding block_size:4096",
			},
			[]string{"logon " + ring + "-d0 96"},
		},
		{
			"tags without journal", hasty,
			[]string{
				"vol CRYPT-LUKS2-" + hex + "-vol rw 16384 crypt capi:authenc(hmac(sha256),xts(aes))-plain64 :96:logon:" + ring + "-d0 0 253:0 0 2 integrity:32:aead sector_size:4096",
				"vol_dif CRYPT-INTEGRITY-" + hex + "-vol_dif rw 16384 integrity 7:0 2048 32 D 2 fix_padding block_size:4096",
			},
			[]string{"logon " + ring + "-d0 96"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, activate.Options{})
			result, err := f.LUKS(t.Context(), "vol", c.luks)
			if err != nil || result.Reused || result.Info.Name != "vol" {
				t.Fatal(result, err)
			}
			got := f.shown(t)
			for _, list := range [][]string{got, c.want} {
				for i := range list {
					list[i] = sortedOptions(list[i])
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("devices\n%q, want\n%q", got, c.want)
			}
			if !slices.Equal(f.keyring.history, c.keys) {
				t.Errorf("keys %q, want %q", f.keyring.history, c.keys)
			}
			if removal, err := f.Remove(t.Context(), "vol", activate.RemoveOptions{Integrity: true}); removal != activate.Removed || err != nil {
				t.Error(removal, err)
			}
			f.expectDevices(t)
		})
	}
}

// sortedOptions sorts the words behind the device of a line of shown.
func sortedOptions(line string) string {
	words := strings.Fields(line)
	if len(words) > 10 {
		slices.Sort(words[10:])
	}
	return strings.Join(words, " ")
}

func TestLUKSExisting(t *testing.T) {
	t.Parallel()
	volume := opened(t, luks2(t, volumeKey(), plainSegment(512)), volumeKey())
	volume.Existing = activate.ReuseSame
	large := opened(t, luks2(t, volumeKey(), plainSegment(4096)), volumeKey())
	large.Existing = activate.ReuseSame
	foreign := opened(t, luks2(t, volumeKey(), plainSegment(512)), volumeKey())
	foreign.Header.V2.UUID, foreign.Existing = strings.Replace(luksUUID, "a6", "b7", 1), activate.ReuseSame
	other := volume
	other.Existing = activate.RefuseExisting
	first := opened(t, luks1(t), volumeKey())
	first.Existing = activate.ReuseSame
	readOnly := volume
	readOnly.Options.ReadOnly = true
	for _, c := range []struct {
		name         string
		there, wants activate.LUKS
		want         error
		text         string
	}{
		{"the same", volume, volume, nil, ""},
		{"the same, to be read only", volume, readOnly, nil, ""},
		{"reading is not enough", readOnly, volume, activate.ErrMismatch, "read-only"},
		{"not to be taken", volume, other, kernel.ErrExists, ""},
		{"another volume", volume, foreign, activate.ErrMismatch, "b70c98d2ae9b4865bfcbb4e3ace11033"},
		{"another version", volume, first, activate.ErrMismatch, "CRYPT-LUKS1-"},
		{"another table", volume, large, activate.ErrMismatch, "sectors of 4096 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, activate.Options{})
			if _, err := f.LUKS(t.Context(), "vol", c.there); err != nil {
				t.Fatal(err)
			}
			before := f.shown(t)
			result, err := f.LUKS(t.Context(), "vol", c.wants)
			if !errors.Is(err, c.want) || result.Reused != (c.want == nil) || err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("reused %t, %v; want %v with %q", result.Reused, err, c.want, c.text)
			}
			if after := f.shown(t); !slices.Equal(before, after) {
				t.Errorf("%q was %q", after, before)
			}
		})
	}
}

// TestLUKSExistingOthers meets a device without a table, and ones of another kind.
func TestLUKSExistingOthers(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	volume := opened(t, luks2(t, volumeKey(), plainSegment(512)), volumeKey())
	volume.Existing = activate.ReuseSame
	uuid := activate.LUKSDeviceUUID(volume.Header, "vol")
	if _, err := f.control.Create("vol", kernel.CreateOptions{UUID: uuid}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.LUKS(t.Context(), "vol", volume); !errors.Is(err, kernel.ErrExists) || !strings.Contains(err.Error(), "no table yet") {
		t.Errorf("without a table: %v", err)
	}
	f.Remove(t.Context(), "vol", activate.RemoveOptions{})
	for _, ts := range [][]tables.Table{
		{tables.ZeroTable{Length: 15 * mib}},
		{tables.ZeroTable{Length: mib}, tables.ZeroTable{Start: mib, Length: mib}},
	} {
		o := kernel.ActivateOptions{Create: kernel.CreateOptions{UUID: uuid}}
		if _, err := f.control.CreateAndLoad(t.Context(), "vol", o, ts...); err != nil {
			t.Fatal(err)
		}
		if _, err := f.LUKS(t.Context(), "vol", volume); !errors.Is(err, activate.ErrMismatch) {
			t.Errorf("%d targets: %v", len(ts), err)
		}
		if _, err := f.Remove(t.Context(), "vol", activate.RemoveOptions{Integrity: true}); err != nil {
			t.Error(err)
		}
	}
	f.expectDevices(t)
}

// TestLUKSLeavesNothing lets each step fail.
func TestLUKSLeavesNothing(t *testing.T) {
	t.Parallel()
	plain, tags := opened(t, luks2(t, volumeKey(), plainSegment(512)), volumeKey()), tagged(t)
	short := plain
	short.Size = mib
	blind := tags
	blind.Integrity = nil
	for _, c := range []struct {
		name  string
		luks  activate.LUKS
		fault kerneltest.Fault
		ring  *keyring
		want  error
		text  string
	}{
		{name: "load", luks: plain, fault: kerneltest.Fault{Call: "load", Err: syscall.EINVAL}, want: kernel.ErrInvalid},
		{name: "load of the tags", luks: tags, fault: kerneltest.Fault{Call: "load", Err: syscall.EINVAL}, want: kernel.ErrInvalid, text: "vol_dif of its tags"},
		{name: "load above the tags", luks: tags, fault: kerneltest.Fault{Call: "load", Skip: 1, Err: syscall.EINVAL}, want: kernel.ErrInvalid},
		{name: "resume above the tags", luks: tags, fault: kerneltest.Fault{Call: "resume", Skip: 1, Err: syscall.ENOMEM}, want: syscall.ENOMEM},
		{name: "keyring", luks: tags, ring: &keyring{addErr: syscall.EDQUOT}, want: activate.ErrKeyring},
		{name: "table", luks: plain, fault: kerneltest.Fault{Call: "table", Err: syscall.EPERM}, want: kernel.ErrPermission},
		{name: "old target", luks: plain, fault: kerneltest.Fault{Call: "target-version", Err: syscall.EINVAL}, want: kernel.ErrNotSupported},
		{name: "no data", luks: short, want: luks.ErrNoData},
		{name: "tags that are not told of", luks: blind, want: luks.ErrUnsupported},
		{name: "nothing", text: "a header and a key are needed"},
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
			_, err := f.LUKS(t.Context(), "vol", c.luks)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), `activate: luks "vol": `) ||
				!strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "5aa5") {
				t.Errorf("got %v, want %v with %q", err, c.want, c.text)
			}
			if c.ring.held() != 0 {
				t.Error("a key is left")
			}
			f.expectDevices(t)
		})
	}
}

// TestLUKSReload exchanges tables.
func TestLUKSReload(t *testing.T) {
	t.Parallel()
	for _, l := range []activate.LUKS{opened(t, luks2(t, volumeKey(), plainSegment(512)), volumeKey()), tagged(t)} {
		f := newFake(t, activate.Options{})
		if _, err := f.LUKS(t.Context(), "vol", l); err != nil {
			t.Fatal(err)
		}
		before := f.shown(t)
		l.Existing, l.Options.NoReadWorkqueue = activate.ReloadSame, true
		result, err := f.LUKS(t.Context(), "vol", l)
		if err != nil || !result.Reused || result.Info.Suspended() {
			t.Fatal(result, err)
		}
		after := f.shown(t)
		if !strings.Contains(after[0], "no_read_workqueue") || !slices.Equal(before[1:], after[1:]) {
			t.Errorf("%q, before %q", after, before)
		}
		f.kernel.Inject(kerneltest.Fault{Call: "load", Err: syscall.ENOMEM})
		l.Options.NoReadWorkqueue = false
		if _, err := f.LUKS(t.Context(), "vol", l); !errors.Is(err, syscall.ENOMEM) || !slices.Equal(f.shown(t), after) {
			t.Errorf("a load that fails: %v, %q", err, f.shown(t))
		}
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	c := activate.Crypt{Tables: []tables.Table{segment(0)}, VolumeKey: volumeKey(), UUID: "CRYPT-PLAIN-vol", ReadOnly: true}
	if _, err := f.Reload(t.Context(), "vol", c); !errors.Is(err, kernel.ErrNotFound) {
		t.Errorf("no device: %v", err)
	}
	if _, err := f.Crypt(t.Context(), "vol", c); err != nil {
		t.Fatal(err)
	}
	c.ReadOnly, c.AllowDiscards = false, true
	info, err := f.Reload(t.Context(), "vol", c)
	if err != nil || !info.ReadOnly() || !strings.HasSuffix(f.shown(t)[0], "1 allow_discards") {
		t.Errorf("%+v, %v, %q", info, err, f.shown(t))
	}
	c.UUID = "CRYPT-PLAIN-other"
	if _, err := f.Reload(t.Context(), "vol", c); !errors.Is(err, activate.ErrMismatch) {
		t.Errorf("another UUID: %v", err)
	}
	c.Tables = nil
	if _, err := f.Reload(t.Context(), "vol", c); err == nil || !strings.HasPrefix(err.Error(), `activate: reloading "vol": `) {
		t.Errorf("no tables: %v", err)
	}
}

// TestLUKSRemove has devices of tags that belong to the device and ones that do not.
func TestLUKSRemove(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	if _, err := f.LUKS(t.Context(), "vol", tagged(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Remove(t.Context(), "vol", activate.RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	f.expectDevices(t, "vol_dif")
	if _, err := f.control.CreateAndLoad(t.Context(), "vol", kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Remove(t.Context(), "vol", activate.RemoveOptions{Integrity: true}); err != nil {
		t.Fatal(err)
	}
	f.expectDevices(t, "vol_dif") // the zeros did not lie on it
	if _, err := f.Remove(t.Context(), "vol_dif", activate.RemoveOptions{}); err != nil {
		t.Fatal(err)
	}

	if _, err := f.LUKS(t.Context(), "vol", tagged(t)); err != nil {
		t.Fatal(err)
	}
	release := f.kernel.Hold("vol")
	o := activate.RemoveOptions{Integrity: true, Deferred: true}
	if removal, err := f.Remove(t.Context(), "vol", o); err != nil || removal != activate.Deferred {
		t.Error(removal, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var busy *activate.BusyError
	if _, err := f.Remove(ctx, "vol", activate.RemoveOptions{Integrity: true}); !errors.As(err, &busy) || busy.Name != "vol" {
		t.Errorf("in use: %v", err)
	}
	f.expectDevices(t, "vol", "vol_dif")
	release()
	f.expectDevices(t)
	if err := f.control.MakeNodes(kernel.Ref{}, kernel.NodeOptions{}); err != nil { // nobody removes the nodes of devices that go later
		t.Error(err)
	}
	if removal, err := f.Remove(t.Context(), "vol", activate.RemoveOptions{Integrity: true, MissingOK: true}); err != nil || removal != activate.Missing {
		t.Error(removal, err)
	}
}

// TestLUKSShowsNoKey prints what holds a key.
func TestLUKSShowsNoKey(t *testing.T) {
	t.Parallel()
	l := opened(t, luks1(t), volumeKey())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if text := fmt.Sprintf(verb, l); strings.Contains(text, "5a") || strings.Contains(text, "90 ") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}
