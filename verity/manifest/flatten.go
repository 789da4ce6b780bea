package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxDepth is more than any manifest has levels.
const maxDepth = 8

// flatten takes a JSON document apart: the path of each value ("tree.file.name",
// "emit.forms.0"), and the value as JSON has it. Repeated keys, nulls and empty or
// strange keys are errors, and so is more than one document.
func flatten(b []byte) (map[string]string, error) {
	f := &flattener{dec: json.NewDecoder(bytes.NewReader(b)), values: make(map[string]string)}
	f.dec.UseNumber()
	if err := f.value("", 0); err != nil {
		return nil, err
	}
	if _, err := f.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the document")
	}
	return f.values, nil
}

type flattener struct {
	dec    *json.Decoder
	values map[string]string
}

// value reads one value, with everything that is in it.
func (f *flattener) value(path string, depth int) error {
	token, err := f.token()
	switch {
	case err != nil:
		return err
	case depth > maxDepth:
		return fmt.Errorf("%s: too deep", path)
	}
	switch token {
	case json.Delim('{'):
		return f.object(path, depth)
	case json.Delim('['):
		return f.list(path, depth)
	case nil:
		return fmt.Errorf("%s: null", path)
	}
	if path == "" {
		return errors.New("not a JSON object")
	}
	f.values[path] = quoted(token)
	return nil
}

func (f *flattener) object(path string, depth int) error {
	seen := make(map[string]bool)
	for f.dec.More() {
		token, err := f.token()
		if err != nil {
			return err
		}
		key, ok := token.(string)
		if !ok || !isKey(key) {
			return fmt.Errorf("%s: unknown or misplaced", quoted(token))
		}
		if path != "" {
			key = path + "." + key
		}
		if seen[key] {
			return fmt.Errorf("%s: given twice", key)
		}
		seen[key] = true
		if err := f.value(key, depth+1); err != nil {
			return err
		}
	}
	return f.end(path, "{}", len(seen) == 0)
}

func (f *flattener) list(path string, depth int) error {
	n := 0
	for ; f.dec.More(); n++ {
		if err := f.value(fmt.Sprintf("%s.%d", path, n), depth+1); err != nil {
			return err
		}
	}
	return f.end(path, "[]", n == 0)
}

// end reads the closing bracket.
func (f *flattener) end(path, empty string, isEmpty bool) error {
	if isEmpty && path != "" {
		f.values[path] = empty
	}
	_, err := f.token()
	return err
}

// token is the next one, which must be there.
func (f *flattener) token() (json.Token, error) {
	token, err := f.dec.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return token, err
}

// isKey reports whether a manifest could have the key.
func isKey(key string) bool {
	for _, c := range []byte(key) {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return key != ""
}

// quoted is a value as JSON has it.
func quoted(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		return "?"
	}
	return string(b)
}
