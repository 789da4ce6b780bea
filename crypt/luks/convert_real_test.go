package luks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/crypt/luks"
)

// TestConvertMatrix converts copies of images with both: what LUKS1 has is the same
// byte for byte, what LUKS2 has member for member, and cryptsetup opens every slot of ours.
func TestConvertMatrix(t *testing.T) {
	t.Parallel()
	tool(t, "cryptsetup")
	const defaults = "--type luks2 --sector-size 512"
	const two = defaults + " --luks2-keyslots-size 2016k "
	for _, c := range []struct {
		name    string
		format  string
		slots   []string // added, with options of luksAddKey, or removed
		version int
		header  bool // detached
	}{
		{name: "LUKS1", format: "--type luks1", version: 2},
		{name: "LUKS1 three slots", format: "--type luks1 -S 3", slots: []string{"-S 0", "-S 7"}, version: 2},
		{name: "LUKS1 128 bits", format: "--type luks1 -c aes-cbc-essiv:sha256 -s 128 --hash sha1 --offset 8192", version: 2},
		{name: "LUKS1 256 bits", format: "--type luks1 -s 256 --hash whirlpool", slots: []string{"-S 1", "-S 2", "-S 4"}, version: 2},
		{name: "LUKS1 detached", format: "--type luks1 --header header", version: 2, header: true},
		{name: "LUKS1 no slots", format: "--type luks1", slots: []string{"erase"}, version: 2},
		{name: "LUKS2", format: defaults, version: 1},
		{name: "LUKS2 three slots", format: two, slots: []string{"-S 5", "-S 2"}, version: 1},
		{name: "LUKS2 gap", format: two + "-S 7", slots: []string{"-S 1", "kill 7", "-S 3"}, version: 1},
		{name: "LUKS2 metadata", format: two + "--luks2-metadata-size 32k --hash sha512", version: 1},
		{name: "LUKS2 256 bits", format: two + "-s 256", slots: []string{"-S 1", "-S 2", "-S 3"}, version: 1},
		{name: "LUKS2 tight", format: two + "--align-payload 8", version: 1},
		{name: "LUKS2 detached", format: two + "--header header", version: 1, header: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, image := t.TempDir(), "image"
			write(t, dir, "pass", []byte("pass"))
			write(t, dir, "image", nil)
			size := int64(5 << 20)
			if c.format == defaults {
				size = 17 << 20
			}
			if err := os.Truncate(filepath.Join(dir, "image"), size); err != nil {
				t.Fatal(err)
			}
			quick := []string{"-q", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"}
			run(t, dir, "", "cryptsetup", append(append([]string{"luksFormat"}, quick...), append(strings.Fields(c.format), "image", "pass")...)...)
			if c.header {
				image = "header"
			}
			open := 1
			for _, s := range c.slots {
				switch {
				case s == "erase":
					run(t, dir, "", "cryptsetup", "erase", "-q", image)
					open = 0
				case strings.HasPrefix(s, "kill"):
					run(t, dir, "", "cryptsetup", "luksKillSlot", "-q", image, s[5:])
				default:
					run(t, dir, "", "cryptsetup", append(append([]string{"luksAddKey", "--key-file", "pass"}, quick...), append(strings.Fields(s), image, "pass")...)...)
				}
			}
			before, err := os.ReadFile(filepath.Join(dir, image))
			if err != nil {
				t.Fatal(err)
			}
			m := &memory{b: bytes.Clone(before)}
			e, err := luks.Edit(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Convert(t.Context(), c.version); err != nil {
				t.Fatal(err)
			}
			write(t, dir, "ours", m.b)
			run(t, dir, "", "cryptsetup", "convert", "-q", "--type", map[int]string{1: "luks1", 2: "luks2"}[c.version], image)
			theirs, err := os.ReadFile(filepath.Join(dir, image))
			if err != nil {
				t.Fatal(err)
			}
			compareHeaders(t, m.b, theirs)
			if len(m.b) != len(theirs) || !c.header && !bytes.Equal(m.b[size-1<<19:], before[size-1<<19:]) {
				t.Errorf("it has %d bytes, cryptsetup's %d, or the data was changed", len(m.b), len(theirs))
			}
			for id := range 8 {
				if h := e.Header(); h.Version == 1 && h.V1.Slots[id].Active || h.Version == 2 && h.V2.Metadata.Keyslots[id] != nil {
					run(t, dir, "", "cryptsetup", "open", "--test-passphrase", "--key-file", "pass", "-S", fmt.Sprint(id), "ours")
					open--
				}
			}
			if open > 0 {
				t.Error("no slot is left")
			}
		})
	}
}

// compareHeaders compares what two images have as headers, and the key material.
func compareHeaders(t *testing.T, ours, theirs []byte) {
	t.Helper()
	a, err := luks.Read(bytes.NewReader(ours))
	if err != nil {
		t.Fatal(err)
	}
	b, err := luks.Read(bytes.NewReader(theirs))
	if err != nil {
		t.Fatal(err)
	}
	if a.Version == 1 {
		if !bytes.Equal(ours[:4096], theirs[:4096]) {
			t.Errorf("the header is\n%+v\ncryptsetup's is\n%+v", *a.V1, *b.V1)
		}
		for i, s := range a.V1.Slots {
			from, n := int(s.Offset)*512, int(a.V1.KeySize)*4000
			if s.Active && !bytes.Equal(ours[from:from+n], theirs[from:from+n]) {
				t.Errorf("slot %d has other material", i)
			}
		}
		return
	}
	var x, y any
	if json.Unmarshal(a.V2.JSON, &x) != nil || json.Unmarshal(b.V2.JSON, &y) != nil || !reflect.DeepEqual(x, y) {
		t.Errorf("the JSON is\n%s\ncryptsetup's is\n%s", a.V2.JSON, b.V2.JSON)
	}
	if a.V2.UUID != b.V2.UUID || a.V2.Label != b.V2.Label || a.V2.Size != b.V2.Size {
		t.Errorf("the header is %+v, cryptsetup's %+v", *a.V2, *b.V2)
	}
	for id, k := range a.V2.Metadata.Keyslots {
		from, n := int(k.Area.Offset), int(k.KeySize)*4000
		if !bytes.Equal(ours[from:from+n], theirs[from:from+n]) {
			t.Errorf("slot %d has other material", id)
		}
	}
}
