package luks

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// FuzzHeader1 encodes what it could decode, and decodes that to the same.
func FuzzHeader1(f *testing.F) {
	for _, name := range []string{"l1-all-slots.img.xz", "fve-luks1-aes-ecb.img.xz", "cs-valid_header_file.img.xz"} {
		f.Add(unpack(f, size1, "luks", name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h, again Header1
		if h.UnmarshalBinary(b) != nil {
			return
		}
		out, err := h.MarshalBinary()
		if err != nil {
			return // a text that fills its field has no room for a NUL
		}
		if err := again.UnmarshalBinary(out); err != nil || again != h {
			t.Errorf("decoded again: %v, %+v, was %+v", err, again, h)
		}
	})
}

// FuzzMetadata encodes what it could decode, and decodes that to the same.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte(goodJSON))
	for _, c := range changes {
		f.Add(apply(f, []byte(goodJSON), "config.c="+quoteJSON(strings.ReplaceAll(c.change, "&&", "and"))))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		m, err := ParseMetadata(doc, minSize2)
		if err != nil {
			return
		}
		out, err := m.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseMetadata(out, minSize2)
		if err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		twice, err := again.MarshalJSON()
		if err != nil || !bytes.Equal(out, twice) || !reflect.DeepEqual(sortedIDs(m.Keyslots), sortedIDs(again.Keyslots)) {
			t.Errorf("%v: %s becomes %s", err, out, twice)
		}
	})
}

func quoteJSON(s string) string {
	b, err := encodeJSON(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// FuzzHeader2 reads images that begin as LUKS2 does; the checksum is made to fit, so that
// the rest is looked at.
func FuzzHeader2(f *testing.F) {
	image, _ := header2(f)
	f.Add(image[:2*minSize2])
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= minSize2 && len(b) < 1<<20 {
			b = bytes.Clone(b)
			if h, err := decodeBinary2(b, 0); err == nil && h.Size <= uint64(len(b)) {
				if sum, err := checksum2(h.ChecksumHash, b[:h.Size]); err == nil {
					copy(b[sumField2:], sum)
				}
			}
		}
		h, err := Read(bytes.NewReader(b))
		if err == nil && h.Version == 2 && h.V2.Metadata == nil {
			t.Error("no metadata")
		}
	})
}
