package luks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// against is something that cryptsetup and the Editor do to copies of the same image.
type against struct {
	name    string
	version int
	slots   map[int]string
	prepare []string // of cryptsetup, beforehand
	args    []string // of cryptsetup; "IMAGE" is the image, "@x" a file with x
	do      func(t *testing.T, e *Editor, key *Key) error
	open    map[string]int // passphrases that open afterwards, and the slot
	refused error          // by both
}

// forced are the smallest costs.
var forced = []string{"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"}

func editorDoes(do func(e *Editor) error) func(*testing.T, *Editor, *Key) error {
	return func(_ *testing.T, e *Editor, _ *Key) error { return do(e) }
}

func peerChanges() []against {
	return slices.Concat(peerKeys(1), peerKeys(2), peerRemovals(1), peerRemovals(2), peerChanges2())
}

// peerAB are the slots of the images.
var peerAB = map[int]string{0: "a", 3: "b"}

// peerKeys make keys.
func peerKeys(version int) []against {
	name := fmt.Sprintf("luks%d ", version)
	return []against{
		{
			name: name + "add", version: version, slots: peerAB,
			args: append([]string{"luksAddKey", "--key-file", "@a", "IMAGE", "@c"}, forced...),
			do:   func(t *testing.T, e *Editor, key *Key) error { return add(AnySlot, "c")(t.Context(), e, key) },
			open: map[string]int{"a": 0, "b": 3, "c": 1},
		},
		{
			name: name + "add to a slot", version: version, slots: peerAB,
			args: append([]string{"luksAddKey", "--key-file", "@b", "--key-slot", "6", "IMAGE", "@c"}, forced...),
			do:   func(t *testing.T, e *Editor, key *Key) error { return add(6, "c")(t.Context(), e, key) },
			open: map[string]int{"a": 0, "b": 3, "c": 6},
		},
		{
			name: name + "add to a slot in use", version: version, slots: peerAB,
			args:    append([]string{"luksAddKey", "--key-file", "@b", "--key-slot", "3", "IMAGE", "@c"}, forced...),
			do:      func(t *testing.T, e *Editor, key *Key) error { return add(3, "c")(t.Context(), e, key) },
			refused: ErrSlotInUse,
		},
		{
			name: name + "change", version: version, slots: peerAB, // in place with LUKS1: else it would be another slot
			args: append(append([]string{"luksChangeKey", "--key-file", "@b", "IMAGE", "@c"}, []string{"--key-slot", "3"}[:4-2*version]...), forced...),
			do:   func(t *testing.T, e *Editor, key *Key) error { return change(3, "c")(t.Context(), e, key) },
			open: map[string]int{"a": 0, "c": 3},
		},
	}
}

// peerRemovals take keys away, or change names.
func peerRemovals(version int) []against {
	name := fmt.Sprintf("luks%d ", version)
	return []against{
		{
			name: name + "kill", version: version, slots: peerAB,
			args: []string{"luksKillSlot", "--key-file", "@a", "IMAGE", "3"},
			do:   editorDoes(func(e *Editor) error { return e.KillSlot(3) }),
			open: map[string]int{"a": 0},
		},
		{
			name: name + "kill a free slot", version: version, slots: peerAB,
			args: []string{"luksKillSlot", "--key-file", "@a", "IMAGE", "5"},
			do:   editorDoes(func(e *Editor) error { return e.KillSlot(5) }), refused: ErrNoKeyslot,
		},
		{
			name: name + "remove", version: version, slots: peerAB,
			args: []string{"luksRemoveKey", "IMAGE", "@b"},
			do: func(t *testing.T, e *Editor, _ *Key) error {
				_, err := e.RemoveKey(t.Context(), []byte("b"), UnlockOptions{})
				return err
			},
			open: map[string]int{"a": 0},
		},
		{
			name: name + "remove a wrong key", version: version, slots: peerAB,
			args: []string{"luksRemoveKey", "IMAGE", "@c"},
			do: func(t *testing.T, e *Editor, _ *Key) error {
				_, err := e.RemoveKey(t.Context(), []byte("c"), UnlockOptions{})
				return err
			},
			refused: ErrWrongKey,
		},
		{
			name: name + "erase", version: version, slots: peerAB,
			args: []string{"luksErase", "IMAGE"}, do: editorDoes((*Editor).Erase),
		},
		{
			name: name + "uuid", version: version, slots: peerAB,
			args: []string{"luksUUID", "--uuid", "0A8C9A7E-7F0B-4b5c-8d7a-2f6c5d4e3bff", "IMAGE"},
			do:   editorDoes(func(e *Editor) error { return e.SetUUID("0A8C9A7E-7F0B-4b5c-8d7a-2f6c5d4e3bff") }),
			open: map[string]int{"a": 0, "b": 3},
		},
	}
}

// peerChanges2 are what only LUKS2 has.
func peerChanges2() []against {
	return []against{
		{
			name: "luks2 label", version: 2, slots: peerAB,
			args: []string{"config", "--label", "x", "--subsystem", "y", "IMAGE"},
			do:   editorDoes(func(e *Editor) error { return e.SetLabel(new("x"), new("y")) }),
			open: map[string]int{"a": 0, "b": 3},
		},
		{
			name: "luks2 priority", version: 2, slots: peerAB,
			args: []string{"config", "--priority", "prefer", "--key-slot", "3", "IMAGE"},
			do:   editorDoes(func(e *Editor) error { return e.SetPriority(3, preferred) }),
			open: map[string]int{"a": 0, "b": 3},
		},
		{
			name: "luks2 normal priority", version: 2, slots: peerAB, prepare: []string{"config", "--priority", "ignore", "--key-slot", "3", "IMAGE"},
			args: []string{"config", "--priority", "normal", "--key-slot", "3", "IMAGE"},
			do:   editorDoes(func(e *Editor) error { return e.SetPriority(3, normal) }),
			open: map[string]int{"a": 0, "b": 3},
		},
		{
			name: "luks2 kill with a token", version: 2, slots: peerAB, prepare: []string{"token", "import", "--json-file", `@{"type":"other","keyslots":["0","3"],"x":1}`, "IMAGE"},
			args: []string{"luksKillSlot", "--key-file", "@a", "IMAGE", "3"},
			do:   editorDoes(func(e *Editor) error { return e.KillSlot(3) }),
			open: map[string]int{"a": 0},
		},
		{
			name: "luks2 unbound", version: 2, slots: peerAB,
			args: append([]string{"luksAddKey", "--unbound", "--key-size", "512", "--key-slot", "7", "IMAGE", "@u"}, forced...),
			do: func(t *testing.T, e *Editor, _ *Key) error {
				_, err := e.AddKey(t.Context(), nil, []byte("u"), SlotOptions{Slot: 7, Cost: cheapPBKDF2, Unbound: true})
				return err
			},
			open: map[string]int{"a": 0, "b": 3, "u": 7},
		},
		{
			name: "luks2 kill an unbound slot", version: 2, slots: peerAB,
			prepare: append([]string{"luksAddKey", "--unbound", "--key-size", "512", "--key-slot", "7", "IMAGE", "@u"}, forced...),
			args:    []string{"luksKillSlot", "IMAGE", "7"},
			do:      editorDoes(func(e *Editor) error { return e.KillSlot(7) }),
			open:    map[string]int{"a": 0, "b": 3},
		},
	}
}

// TestEditPeer does the same as cryptsetup to copies of an image. The headers are the same
// then but for what is random; cryptsetup opens what the Editor made, and the other way.
func TestEditPeer(t *testing.T) {
	t.Parallel()
	tool(t, "cryptsetup")
	for _, c := range peerChanges() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, key := edition{version: c.version, slots: c.slots}.prepare(t)
			if c.prepare != nil {
				path := imageFile(t, d.b)
				if err := cryptsetup(t, path, c.prepare); err != nil {
					t.Fatal(err)
				}
				d.b = readFile(t, path)
			}
			theirs := imageFile(t, d.b)
			e, err := Edit(d)
			if err != nil {
				t.Fatal(err)
			}
			before := bytes.Clone(d.b)
			mine, peer := c.do(t, e, key), cryptsetup(t, theirs, c.args)
			if !errors.Is(mine, c.refused) || (peer != nil) != (c.refused != nil) {
				t.Fatalf("%v, cryptsetup %v, want %v", mine, peer, c.refused)
			}
			if c.refused != nil && (!bytes.Equal(d.b, before) || !bytes.Equal(readFile(t, theirs), before)) {
				t.Error("the image was changed")
			}
			other := &disk{b: readFile(t, theirs)}
			if a, b := outline(t, d), outline(t, other); !reflect.DeepEqual(a, b) {
				t.Errorf("the header is\n%v\ncryptsetup makes\n%v", a, b)
			}
			c.opens(t, imageFile(t, d.b), other)
		})
	}
}

// opens lets cryptsetup open the image at path, and opens the other.
func (c against) opens(t *testing.T, path string, other *disk) {
	t.Helper()
	if c.refused != nil {
		return
	}
	for _, pass := range []string{"a", "b", "c", "u"} {
		slot, want := c.open[pass]
		args := []string{"open", "--test-passphrase", "--key-file", "@" + pass, "IMAGE"}
		if pass == "u" && want {
			args = append(args, "--unbound", "--key-slot", fmt.Sprint(slot))
		}
		if err := cryptsetup(t, path, args); (err == nil) != want {
			t.Errorf("cryptsetup opens ours with %s: %v, want %t", pass, err, want)
		}
		h, err := Read(other)
		if err != nil {
			t.Fatal(err)
		}
		key, err := h.Unlock(t.Context(), []byte(pass), UnlockOptions{Unbound: true})
		if (err == nil) != want || want && key.Slot != slot {
			t.Errorf("cryptsetup's opens with %s: %v, want %t", pass, err, want)
		}
		if err == nil {
			key.Wipe()
		}
	}
}

// cryptsetup runs it, with files for the words that begin with @.
func cryptsetup(t *testing.T, image string, args []string) error {
	t.Helper()
	dir := t.TempDir()
	words := []string{"--batch-mode"}
	for i, a := range args {
		switch {
		case a == "IMAGE":
			a = image
		case a[0] == '@':
			path := filepath.Join(dir, fmt.Sprint(i))
			if err := os.WriteFile(path, []byte(a[1:]), 0o600); err != nil {
				t.Fatal(err)
			}
			a = path
		}
		words = append(words, a)
	}
	if out, err := exec.Command("cryptsetup", words...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// outline is a header without what is random in it, the epoch, and the order of digests'
// key slots.
func outline(t *testing.T, d *disk) any {
	t.Helper()
	h, err := Read(d)
	if err != nil || len(h.Problems) > 0 {
		t.Fatal(err, h)
	}
	if h.Version == 1 {
		o := *h.V1
		for i := range o.Slots {
			if o.Slots[i].Active {
				clear(o.Slots[i].Salt[:])
			}
		}
		return o
	}
	for _, digest := range h.V2.Metadata.Digests {
		slices.Sort(digest.Keyslots)
	}
	var tree any
	if err := json.Unmarshal(h.V2.text().JSON, &tree); err != nil {
		t.Fatal(err)
	}
	return []any{h.V2.Label, h.V2.Subsystem, h.V2.UUID, h.V2.ChecksumHash, stripped(tree, "salt", "digest")}
}

// stripped removes members from a JSON value, wherever they are.
func stripped(v any, names ...string) any {
	object, ok := v.(map[string]any)
	if !ok {
		return v
	}
	for name, member := range object {
		if _, isObject := member.(map[string]any); !isObject && slices.Contains(names, name) {
			delete(object, name)
			continue
		}
		object[name] = stripped(member, names...)
	}
	return object
}
