package luks

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ulikunitz/xz"
)

// shared is the folder of test data beside the repository; the test is skipped if it is
// not there.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("go.mod not found")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(append([]string{dir, "..", "shared", "testdata"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
			t.Fatal(err)
		}
		t.Skipf("no test data: %v", err)
	}
	return path
}

// unpack reads the .xz file of test data, at most its first limit bytes.
func unpack(t testing.TB, limit int, elem ...string) []byte {
	t.Helper()
	f, err := os.Open(shared(t, elem...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := xz.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 0, 1<<20)
	for len(b) < limit {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, 2*cap(b)), b...)
		}
		n, err := r.Read(b[len(b):min(cap(b), limit)])
		b = b[:len(b)+n]
		if err != nil {
			break
		}
	}
	return b
}

// TestValidation reads the headers that cryptsetup is tested with.
func TestValidation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(shared(t, "luks2-validation", "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Cases []struct{ ID, File, Expect, Why string }
	}
	if err := json.Unmarshal(text, &list); err != nil || len(list.Cases) == 0 {
		t.Fatal(err)
	}
	for _, c := range list.Cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			image := unpack(t, 9<<20, "luks2-validation", c.File)
			h, err := Read(bytes.NewReader(image))
			switch {
			case c.Expect == "accept" && err != nil:
				t.Errorf("refused: %v", err)
			case c.Expect == "accept":
				checkRoundTrip(t, h, image)
			case !errors.Is(err, ErrHeader):
				t.Errorf("%s: error %v, want %v", c.Why, err, ErrHeader)
			}
		})
	}
}

// checkRoundTrip encodes what was decoded: the copy's own text gives the same bytes, and
// a text made anew means the same.
func checkRoundTrip(t *testing.T, h *Header, image []byte) {
	t.Helper()
	if h.Version == 1 {
		b, err := h.V1.MarshalBinary()
		if err != nil || !bytes.Equal(b, image[:size1]) {
			t.Errorf("encoding the header: %v, or other bytes", err)
		}
		return
	}
	v := h.V2
	b, err := v.encode(v.JSON)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, image[v.Offset:v.Offset+v.Size]) {
		t.Errorf("encoding the copy at %d gives other bytes", v.Offset)
	}
	doc, err := v.Metadata.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var before, after any
	if err := errors.Join(json.Unmarshal(v.JSON, &before), json.Unmarshal(doc, &after)); err != nil {
		t.Fatal(err)
	}
	x, _ := json.Marshal(before)
	y, _ := json.Marshal(after)
	if !bytes.Equal(x, y) {
		t.Errorf("the JSON was\n%s\nand is now\n%s", x, y)
	}
}
