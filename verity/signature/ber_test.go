package signature

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

// DER comes out as it went in; BER comes out as DER; all else is refused.
func TestBER(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string {
		b := []byte{0x05, 0x00}
		for range depth {
			b = append(appendLength([]byte{0x30}, len(b)), b...)
		}
		return hex.EncodeToString(b)
	}
	many := append(appendLength([]byte{0x30}, 2*maxElements), bytes.Repeat([]byte{5, 0}, maxElements)...)
	long := append([]byte{0x04, 0x83, 0x01, 0x00, 0x00}, make([]byte, 1<<16)...)
	for name, c := range map[string]struct{ in, want string }{
		"primitive":                    {"0201ff", "0201ff"},
		"sequence":                     {"30060201010a0102", "30060201010a0102"},
		"empty sequence":               {"3000", "3000"},
		"length longer than needed":    {"3082000402810105", "3003020105"},
		"four bytes of length":         {"0484000000020102", "04020102"},
		"a length of three bytes":      {hex.EncodeToString(long), hex.EncodeToString(long)},
		"indefinite":                   {"30800201050000", "3003020105"},
		"indefinite inside itself":     {"3080a080020105000002010600 00", "3008a0030201050201 06"},
		"indefinite and empty":         {"30800000", "3000"},
		"deepest":                      {nested(maxDepth), nested(maxDepth)},
		"too deep":                     {nested(maxDepth + 1), ""},
		"too many":                     {hex.EncodeToString(many), ""},
		"empty":                        {"", ""},
		"identifier only":              {"30", ""},
		"length missing":               {"3081", ""},
		"length cut off":               {"308201", ""},
		"length of five bytes":         {"04850000000001ff", ""},
		"length beyond the end":        {"0402ff", ""},
		"length of almost 4 GiB":       {"0484ffffffff00", ""},
		"child beyond its parent":      {"30030402ffff00", ""},
		"bytes behind":                 {"050000", ""},
		"high tag":                     {"1f8101020000", ""},
		"end of contents alone":        {"0000", ""},
		"end of contents inside":       {"30020000", ""},
		"indefinite without end":       {"3080020105", ""},
		"indefinite primitive":         {"04800000", ""},
		"indefinite, half of an end":   {"308002010500", ""},
		"indefinite beyond its parent": {"3004308005000000", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := parseBER(unhex(t, c.in))
			if want := unhex(t, c.want); len(want) > 0 {
				if err != nil || !bytes.Equal(e.append(nil), want) {
					t.Errorf("parseBER(%.80s): %v, want %.80s", c.in, err, c.want)
				} else if n := e.fullSize(); n != len(want) {
					t.Errorf("parseBER(%.80s): size %d, want %d", c.in, n, len(want))
				}
				return
			}
			if err == nil {
				t.Errorf("parseBER(%.80s): %x, want an error", c.in, e.append(nil))
			}
		})
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(text), []byte(" "), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A signature in BER, every length indefinite, is the same signature.
func TestVerifyIndefiniteLengths(t *testing.T) {
	t.Parallel()
	root := unhex(t, "9515863229bb3e3ae50284c92c2c37a69e1425b12ab02d2f37c02af528b813a6")
	for name, signer := range map[string]string{"rsa2048": "rsa2048", "attributes": "p256", "certs": "rsa2048", "attributes-keyid": "p384"} {
		der := readTest(t, name+".p7s")
		e, err := parseBER(der)
		if err != nil {
			t.Fatal(err)
		}
		ber := appendIndefinite(nil, e)
		if again, err := parseBER(ber); err != nil || !bytes.Equal(again.append(nil), der) {
			t.Errorf("%s: BER does not come back as DER: %v", name, err)
		}
		certs, err := ParseCertificates(readTest(t, signer+".crt"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(ber, root, VerifyOptions{Trusted: certs}); err != nil {
			t.Errorf("Verify(%s with indefinite lengths): %v", name, err)
		}
		if !IsPKCS7(ber) {
			t.Errorf("IsPKCS7(%s with indefinite lengths) = false", name)
		}
	}
}

func appendIndefinite(b []byte, e *element) []byte {
	if e.tag&isConstructed == 0 {
		return e.append(b)
	}
	b = append(b, e.tag, 0x80)
	for _, child := range e.elements {
		b = appendIndefinite(b, child)
	}
	return append(b, 0, 0)
}

func readTest(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
