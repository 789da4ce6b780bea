package luks

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// saved is a backup of the header on d.
func saved(t *testing.T, d *disk) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Backup(d, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func restore(d *disk, backup []byte, o RestoreOptions) error {
	return Restore(d, bytes.NewReader(backup), int64(len(backup)), o)
}

// places are what a backup is written over.
var places = []struct {
	name    string
	version int // of the backup
	slots   map[int]string
	change  func(t *testing.T, d *disk, key *Key) // what is done to a copy of what was backed up
	o       RestoreOptions
	always  []string // passphrases that always open
	old     []string // that open before
	refused error    // without options
}{
	{name: "luks1 itself", version: 1, slots: map[int]string{0: "a", 6: "b"}, change: nothing, always: []string{"a", "b"}, old: []string{"a", "b"}},
	{name: "luks2 itself", version: 2, slots: map[int]string{0: "a", 6: "b"}, change: nothing, always: []string{"a", "b"}, old: []string{"a", "b"}},
	{name: "luks1 slots killed", version: 1, slots: map[int]string{0: "a", 6: "b", 7: "c"}, change: killSome(6, 7), always: []string{"a"}, old: []string{"a"}},
	{name: "luks2 slots killed", version: 2, slots: map[int]string{0: "a", 6: "b"}, change: killSome(6), always: []string{"a"}, old: []string{"a"}},
	{name: "luks1 erased", version: 1, slots: map[int]string{0: "a", 6: "b", 7: "c"}, change: killSome(0, 6, 7)},
	{name: "luks2 erased", version: 2, slots: map[int]string{0: "a"}, change: killSome(0)},
	{name: "luks2 second copy newer", version: 2, slots: map[int]string{0: "a"}, change: secondNewer, always: []string{"a"}, old: []string{"a"}},
	{name: "luks1 nothing", version: 1, slots: map[int]string{0: "a"}, change: gone, o: RestoreOptions{Replace: true}, refused: ErrOtherVolume},
	{name: "luks2 nothing", version: 2, slots: map[int]string{0: "a"}, change: gone, o: RestoreOptions{Replace: true}, refused: ErrOtherVolume},
	{name: "luks2 cut off", version: 2, slots: map[int]string{0: "a"}, change: cut, o: RestoreOptions{Replace: true}, refused: ErrOtherVolume},
	{name: "luks1 other", version: 1, slots: map[int]string{0: "a"}, change: other(1, minSize2), o: RestoreOptions{Replace: true}, refused: ErrOtherVolume},
	{name: "luks2 other", version: 2, slots: map[int]string{0: "a"}, change: other(2, minSize2), o: RestoreOptions{Replace: true}, refused: ErrOtherVolume},
	{name: "luks1 over luks2", version: 1, slots: map[int]string{0: "a"}, change: other(2, minSize2), o: RestoreOptions{Replace: true}, refused: ErrOtherVolume},
	{name: "luks2 over luks1", version: 2, slots: map[int]string{0: "a"}, change: other(1, 0), o: RestoreOptions{Replace: true}, refused: ErrOtherVolume},
	{name: "luks2 over larger", version: 2, slots: map[int]string{0: "a"}, change: other(2, 4*minSize2), o: RestoreOptions{Replace: true, Anyway: true}, refused: ErrOtherLayout},
}

func nothing(*testing.T, *disk, *Key) {}

func killSome(slots ...int) func(*testing.T, *disk, *Key) {
	return func(t *testing.T, d *disk, _ *Key) {
		e, err := Edit(d)
		if err != nil {
			t.Fatal(err)
		}
		e.AllowLast = true
		for _, id := range slots {
			if err := e.KillSlot(id); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// secondNewer leaves what a crash between the copies does.
func secondNewer(t *testing.T, d *disk, _ *Key) {
	h, err := Read(d)
	if err != nil {
		t.Fatal(err)
	}
	h.V2.SequenceID++
	st, err := h.V2.copyStep(1)
	if err != nil {
		t.Fatal(err)
	}
	d.put(event{st.off, st.b})
}

func gone(_ *testing.T, d *disk, _ *Key) { clear(d.b[:dataAt]) }

func cut(_ *testing.T, d *disk, _ *Key) { d.b = d.b[:1000] }

// other puts a header of another volume there, with the copies of LUKS2 of so many bytes.
func other(version int, size uint64) func(*testing.T, *disk, *Key) {
	return func(t *testing.T, d *disk, key *Key) {
		clear(d.b[:dataAt])
		if version == 1 {
			blank1(t, d, key.Bytes())
		} else {
			blank2(t, d, key.Bytes(), size)
		}
		e, err := Edit(d)
		if err == nil {
			err = errors.Join(e.SetUUID(""), add(0, "z")(t.Context(), e, key))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRestore writes backups over what they were made of and other things, and stops at
// every write: if there was a valid header there always is one; and doing it again from
// there completes it.
func TestRestore(t *testing.T) {
	t.Parallel()
	for _, c := range places {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, key := edition{version: c.version, slots: c.slots}.prepare(t)
			backup := saved(t, d)
			c.change(t, d, key)
			d.log = nil
			before := bytes.Clone(d.b)
			if c.refused != nil {
				if err := restore(d, backup, RestoreOptions{}); !errors.Is(err, c.refused) || len(d.log) > 0 {
					t.Errorf("without options: %v, want %v", err, c.refused)
				}
			}
			if err := restore(d, backup, c.o); err != nil {
				t.Fatal(err)
			}
			h, err := Read(bytes.NewReader(backup))
			if err != nil {
				t.Fatal(err)
			}
			end := h.slotsEnd()
			if !bytes.Equal(d.b[:end], backup[:end]) {
				t.Error("what is there is not the backup")
			}
			_, err = Read(bytes.NewReader(before))
			w := witness{t: t, always: c.always, old: c.always, after: values(c.slots), opened: make(map[[32]byte]bool), listed: c.refused == nil}
			d.crashes(t, before, func(what string, image *disk) {
				t.Helper()
				if err == nil {
					w.visit(what, &disk{b: bytes.Clone(image.b)})
				}
				again := RestoreOptions{Replace: true, Anyway: true}
				if err := restore(image, backup, again); err != nil || !bytes.Equal(image.b[:end], backup[:end]) {
					t.Fatalf("%s: again: %v, or something else is there", what, err)
				}
			})
			w.old = c.old
			w.visitLast(d)
		})
	}
}

func values(slots map[int]string) (list []string) {
	for _, s := range slots {
		list = append(list, s)
	}
	return list
}

// TestRestoreRefuses backups that are none, or damaged too much, and what they do not fit.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	for version := 1; version <= 2; version++ {
		d, _ := edition{version: version, slots: map[int]string{0: "a"}}.prepare(t)
		good := saved(t, d)
		before := bytes.Clone(d.b)
		all := RestoreOptions{Replace: true, Anyway: true}
		for _, c := range []struct {
			name   string
			backup []byte
			want   error
		}{
			{"empty", nil, ErrNotLUKS},
			{"zeros", make([]byte, 1<<20), ErrNotLUKS},
			{"short", good[:len(good)-1], ErrHeader},
			{"only the header", good[:4096], ErrHeader},
			{"damaged", func() []byte {
				b := bytes.Clone(good)
				clear(b[100:200])
				clear(b[minSize2 : minSize2+200])
				return b
			}(), ErrHeader},
		} {
			if err := restore(d, c.backup, all); !errors.Is(err, c.want) || !bytes.Equal(d.b, before) {
				t.Errorf("luks%d %s: %v, want %v", version, c.name, err, c.want)
			}
		}
	}
}

// TestRestoreLayout refuses another place of the data without Anyway, as cryptsetup does.
func TestRestoreLayout(t *testing.T) {
	t.Parallel()
	d, _ := edition{version: 1, slots: map[int]string{0: "a"}}.prepare(t)
	backup := saved(t, d)
	binary.BigEndian.PutUint32(d.b[104:], 8192)
	if err := restore(d, backup, RestoreOptions{Replace: true}); !errors.Is(err, ErrOtherLayout) {
		t.Errorf("%v, want %v", err, ErrOtherLayout)
	}
	if err := restore(d, backup, RestoreOptions{Anyway: true}); err != nil {
		t.Error(err)
	}
}

// TestRestoreMends makes a copy anew that is damaged in the backup.
func TestRestoreMends(t *testing.T) {
	t.Parallel()
	for _, off := range []int{5000, minSize2 + 5000} {
		d, _ := edition{version: 2, slots: map[int]string{0: "a"}}.prepare(t)
		backup := saved(t, d)
		backup[off] ^= 1
		if err := restore(d, backup, RestoreOptions{}); err != nil {
			t.Fatal(err)
		}
		if h, err := Read(d); err != nil || len(h.Problems) > 0 {
			t.Errorf("damaged at %d: %v", off, err)
		}
	}
}

// TestBackupPeer saves the same as cryptsetup, and restores what it saved, and the other
// way.
func TestBackupPeer(t *testing.T) {
	t.Parallel()
	tool(t, "cryptsetup")
	for version := 1; version <= 2; version++ {
		t.Run(fmt.Sprint("luks", version), func(t *testing.T) {
			t.Parallel()
			d, key := edition{version: version, slots: map[int]string{0: "a", 3: "b"}}.prepare(t)
			copy(d.b[3000:], "what lies before the key slots"[:(2-version)*20])
			ours := saved(t, d)
			path := imageFile(t, d.b)
			theirs := filepath.Join(filepath.Dir(path), "backup")
			peer(t, "luksHeaderBackup", "-q", path, "--header-backup-file", theirs)
			if !bytes.Equal(readFile(t, theirs), ours) {
				t.Error("the backups differ")
			}
			killSome(3)(t, d, key)
			if err := errors.Join(os.WriteFile(path, d.b, 0o600), os.WriteFile(theirs, ours, 0o600)); err != nil {
				t.Fatal(err)
			}
			peer(t, "luksHeaderRestore", "-q", path, "--header-backup-file", theirs)
			if err := restore(d, ours, RestoreOptions{}); err != nil {
				t.Fatal(err)
			}
			h, err := Read(d)
			if err != nil {
				t.Fatal(err)
			}
			if end := h.slotsEnd(); !bytes.Equal(readFile(t, path)[:end], d.b[:end]) {
				t.Error("cryptsetup restores something else")
			}
		})
	}
}

// peer runs cryptsetup.
func peer(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(context.Background(), "cryptsetup", args...).CombinedOutput(); err != nil {
		t.Fatalf("cryptsetup %v: %v: %s", args, err, out)
	}
}

// TestBackupCut refuses to save what is not all there.
func TestBackupCut(t *testing.T) {
	t.Parallel()
	d, _ := blank(t, 2)
	d.b = d.b[:1<<20]
	var b bytes.Buffer
	if err := Backup(d, &b); !errors.Is(err, ErrNoData) || b.Len() > 0 {
		t.Errorf("%v, %d bytes, want %v", err, b.Len(), ErrNoData)
	}
}

// FuzzRestore changes a backup, with a checksum that fits or not; what is there afterwards
// can be read.
func FuzzRestore(f *testing.F) {
	_, h := header2(f)
	h.JSON = []byte(strings.Replace(goodJSON, `"keyslots_size":"2064384"`, `"keyslots_size":"262144"`, 1))
	image := make([]byte, 2*minSize2+262144)
	twoCopies(f, image, h, h.JSON)
	f.Add(uint32(0), []byte{}, false)
	f.Add(uint32(5000), []byte{1}, false)
	f.Add(uint32(minSize2), []byte{1, 2, 3}, true)
	f.Add(uint32(0), []byte(magic1+"\x00\x01"), false)
	f.Add(uint32(8), []byte{0, 0, 0, 0, 0, 1}, true)
	f.Add(uint32(binarySize2), []byte(goodJSON), true)
	f.Fuzz(func(t *testing.T, at uint32, change []byte, fit bool) {
		backup := bytes.Clone(image)
		copy(backup[min(int(at), len(backup)):], change)
		if fit {
			if sum, err := checksum2("sha256", backup[:minSize2]); err == nil {
				copy(backup[sumField2:], sum)
			}
		}
		d := &disk{b: bytes.Clone(image)}
		err := restore(d, backup, RestoreOptions{Replace: true, Anyway: true})
		if err != nil && !bytes.Equal(image, d.b) {
			t.Fatalf("%v, and something was written", err)
		}
		if _, err := Read(d); err != nil {
			t.Fatal(err)
		}
	})
}
