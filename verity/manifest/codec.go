package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Encode returns the document: indented, ended by a newline, the same bytes for the
// same manifest everywhere. It sets Kind and Version. A manifest that [Decode] would
// not take is an error that wraps [ErrMalformed].
func (m *Manifest) Encode() ([]byte, error) {
	m.Kind, m.Version = kind, Version
	if err := m.check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("manifest: writing: %w", err)
	}
	if b.Len() > MaxSize {
		return nil, malformed("document of %d bytes: at most %d", b.Len(), MaxSize)
	}
	return b.Bytes(), nil
}

// Decode reads a document of at most [MaxSize] bytes. Blanks and the order of keys do
// not matter; everything else must be as [Manifest.Encode] writes it. Errors wrap
// [ErrVersion] or [ErrMalformed].
func Decode(b []byte) (*Manifest, error) {
	if len(b) > MaxSize {
		return nil, malformed("document of %d bytes: at most %d", len(b), MaxSize)
	}
	if !utf8.Valid(b) {
		return nil, malformed("it is not text in UTF-8")
	}
	given, err := flatten(b)
	if err != nil {
		return nil, malformed("%w", err)
	}
	if given["kind"] != quoted(kind) {
		return nil, malformed("kind is %s, not %q", cmp.Or(given["kind"], "missing"), kind)
	}
	if given["version"] != fmt.Sprint(Version) {
		return nil, fmt.Errorf("manifest: reading: version is %s, known is %d: %w", cmp.Or(given["version"], "missing"), Version, ErrVersion)
	}
	m := new(Manifest)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, malformed("%w", err)
	}
	again, err := m.Encode()
	if err != nil {
		return nil, err
	}
	return m, m.checkForm(given, again)
}

// checkForm demands that the keys and values given are those of the document that
// would be written: this finds unknown keys, other spellings of known ones (which
// package json takes), missing ones, and numbers such as 1e3.
func (m *Manifest) checkForm(given map[string]string, again []byte) error {
	want, err := flatten(again)
	if err != nil {
		return malformed("%w", err)
	}
	for _, key := range keysOf(given) {
		if _, ok := want[key]; !ok {
			return malformed("%s: unknown or misplaced", key)
		}
	}
	for _, key := range keysOf(want) {
		switch value, ok := given[key]; {
		case !ok:
			return malformed("%s is missing", key)
		case value != want[key]:
			return malformed("%s is %s, which must be written as %s", key, value, want[key])
		}
	}
	return nil
}

func keysOf(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
