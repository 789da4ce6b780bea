package manifest_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/dmimg/dmimg/verity/manifest"
)

// FuzzDecode demands that what is read can be written, to a document that is read as
// the same manifest, and that what is not read is refused by name.
func FuzzDecode(f *testing.F) {
	for _, m := range []*manifest.Manifest{full(f), small(f)} {
		b, err := m.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
		f.Add(bytes.Replace(b, []byte(`"version": 1`), []byte(`"version": 2`), 1))
	}
	f.Add([]byte(`{"kind": "dm-verity-manifest", "version": 1, "version": 1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := manifest.Decode(b)
		if err != nil {
			if !errors.Is(err, manifest.ErrMalformed) && !errors.Is(err, manifest.ErrVersion) {
				t.Fatalf("error without a name: %v", err)
			}
			return
		}
		text, err := m.Encode()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := manifest.Decode(text)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, text)
		}
		if d, err := manifest.Compare(m, again); err != nil || len(d) != 0 {
			t.Fatalf("written and read again it differs: %v, %v", d, err)
		}
		for _, file := range []*manifest.File{m.Tree.File, m.RootHashFile, m.Signature} {
			if file != nil && bytes.ContainsAny([]byte(file.Name), "/\\:\x00\n") {
				t.Fatalf("name of a file %q", file.Name)
			}
		}
	})
}
