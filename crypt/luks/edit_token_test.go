package luks

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// keyring is a token as systems have it.
func keyring(slots ...int) *Token {
	return &Token{
		Type: "luks2-keyring", Keyslots: append(IDs{}, slots...),
		Extra: Members{"key_description": json.RawMessage(`"my key"`)},
	}
}

func TestSetToken(t *testing.T) {
	t.Parallel()
	d, e, _ := luks2ab.editor(t)
	for i, c := range []struct {
		id    int
		token *Token
		want  int
		text  string
	}{
		{AnyToken, keyring(3), 0, `{"0":{"type":"luks2-keyring","keyslots":["3"],"key_description":"my key"}}`},
		{7, keyring(), 7, `"7":{"type":"luks2-keyring","keyslots":[]`},
		{AnyToken, keyring(0, 3), 1, `"1":{"type":"luks2-keyring","keyslots":["0","3"]`},
		{0, &Token{Type: "other", Keyslots: IDs{}}, 0, `{"0":{"type":"other","keyslots":[]}`},
		{0, nil, 0, `{"1":`},
		{0, nil, 0, `{"1":`},
	} {
		id, err := e.SetToken(c.id, c.token)
		if err != nil || id != c.want {
			t.Fatalf("token %d: number %d, %v, want %d", i, id, err, c.want)
		}
		h, err := Read(d)
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Problems) > 0 || !strings.Contains(string(h.V2.JSON), `"tokens":`) || !strings.Contains(string(h.V2.JSON), c.text) {
			t.Errorf("token %d: the header has problems %q and %s, want %s", i, h.Problems, h.V2.JSON, c.text)
		}
	}
}

func TestSetTokenRefuses(t *testing.T) {
	t.Parallel()
	d, e, _ := luks2ab.editor(t)
	for name, c := range map[string]struct {
		id    int
		token *Token
		want  error
	}{
		"a number too high":      {32, keyring(), ErrOption},
		"a negative one":         {-2, keyring(), ErrOption},
		"no such one to remove":  {AnyToken, nil, ErrOption},
		"a slot that is free":    {AnyToken, keyring(1), ErrOption},
		"no type":                {AnyToken, &Token{}, ErrOption},
		"members that are known": {AnyToken, &Token{Type: "x", Extra: Members{"type": json.RawMessage("1")}}, ErrOption},
		"what is no JSON":        {AnyToken, &Token{Type: "x", Extra: Members{"y": json.RawMessage("{")}}, nil},
		"more than there is room for": {
			AnyToken, &Token{Type: "x", Keyslots: IDs{}, Extra: Members{"y": json.RawMessage(`"` + strings.Repeat("z", 20000) + `"`)}}, nil,
		},
	} {
		if _, err := e.SetToken(c.id, c.token); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
	for range 32 {
		if _, err := e.SetToken(AnyToken, keyring()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.SetToken(AnyToken, keyring()); !errors.Is(err, ErrNoRoom) {
		t.Errorf("a token too many: %v, want ErrNoRoom", err)
	}
	if h, err := Read(d); err != nil || len(h.V2.Metadata.Tokens) != 32 || len(h.Problems) > 0 {
		t.Errorf("header afterwards: %v", err)
	}
	_, e, _ = luks1ab.editor(t)
	if _, err := e.SetToken(AnyToken, keyring()); !errors.Is(err, ErrUnsupported) {
		t.Errorf("LUKS1: %v, want ErrUnsupported", err)
	}
}
