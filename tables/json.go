package tables

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// JSONOptions says how [EncodeJSON] writes.
type JSONOptions struct {
	// ShowKeys writes keys. Without it they are zeros of the same length, as
	// dmsetup prints them, and the table has "key_masked": true.
	ShowKeys bool
}

// maxJSON is the longest JSON document read, in bytes.
const maxJSON = 64 << 20

// document is the JSON form of a set of devices.
type document struct {
	Devices []deviceJSON `json:"devices"`
}

type deviceJSON struct {
	Name     string            `json:"name,omitempty"`
	UUID     string            `json:"uuid,omitempty"`
	Minor    *uint32           `json:"minor,omitempty"`
	ReadOnly bool              `json:"read_only,omitempty"`
	Tables   []json.RawMessage `json:"tables"`
}

// secretive is a table whose JSON depends on whether keys may be shown.
type secretive interface {
	jsonObject(showKeys bool) any
}

// EncodeJSON writes devices as one indented JSON document:
//
//	{"devices": [{"name": "root", "tables": [
//	  {"target": "linear", "start_bytes": 0, "length_bytes": 1048576,
//	   "backend_device": "/dev/sda", "backend_offset_bytes": 0}]}]}
//
// Keys of objects are the struct fields in lower snake case with their unit;
// an unknown target has its text in "params". Words that are not UTF-8 are an
// error, since JSON cannot hold them.
func EncodeJSON(w io.Writer, o JSONOptions, ds ...Device) error {
	if err := distinct(ds); err != nil {
		return err
	}
	doc := document{Devices: []deviceJSON{}}
	for _, d := range ds {
		j := deviceJSON{Name: d.Name, UUID: d.UUID, Minor: d.Minor, ReadOnly: d.ReadOnly, Tables: []json.RawMessage{}}
		if !utf8.ValidString(d.Name) || !utf8.ValidString(d.UUID) {
			return &ParseError{Device: d.Name, Err: fmt.Errorf("%w: a name that is not UTF-8 cannot be written as JSON", ErrSyntax)}
		}
		for i, t := range d.Tables {
			object, err := encodeTable(o, t)
			if err != nil {
				return onLine(err, i+1, d.Name)
			}
			j.Tables = append(j.Tables, object)
		}
		doc.Devices = append(doc.Devices, j)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// encodeTable is one table as a JSON object, its target first.
func encodeTable(o JSONOptions, t Table) (json.RawMessage, error) {
	l, err := LineOf(t)
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(l.Params) || !utf8.ValidString(l.Target) {
		return nil, failf(l.Target, "", ErrSyntax, "a word that is not UTF-8 cannot be written as JSON")
	}
	var v any = Unwrap(t)
	if s, ok := v.(secretive); ok {
		v = s.jsonObject(o.ShowKeys)
	}
	target, err := json.Marshal(l.Target)
	if err != nil {
		return nil, err
	}
	object, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append(append([]byte(`{"target":`), append(target, ',')...), object[1:]...), nil
}

// DecodeJSON reads what [EncodeJSON] writes. Unknown fields are errors, and
// each table must be one that can be written as text. Where keys were masked
// the tables hold the zeros. Errors show no values.
func DecodeJSON(r io.Reader) ([]Device, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxJSON+1))
	if err != nil {
		return nil, &ParseError{Err: fmt.Errorf("reading JSON: %w", err)}
	}
	if len(text) > maxJSON {
		return nil, failf("", "", ErrSyntax, "the JSON document is longer than %d bytes", maxJSON)
	}
	var doc document
	if err := unmarshalStrict(text, &doc); err != nil {
		return nil, onLine(err, 0, "")
	}
	var ds []Device
	for _, j := range doc.Devices {
		d := Device{Name: j.Name, UUID: j.UUID, Minor: j.Minor, ReadOnly: j.ReadOnly}
		if err := d.checkHeader(); err != nil {
			return nil, err
		}
		for i, object := range j.Tables {
			t, err := decodeTable(object)
			if err != nil {
				return nil, onLine(err, i+1, d.Name)
			}
			d.Tables = append(d.Tables, t)
		}
		ds = append(ds, d)
	}
	return ds, distinct(ds)
}

// decodeTable reads one table object. It goes through the table's text once, so
// that what comes out is what the text of the table would give.
func decodeTable(object []byte) (Table, error) {
	var fields map[string]json.RawMessage
	if err := unmarshalStrict(object, &fields); err != nil {
		return nil, err
	}
	var name string
	if err := unmarshalStrict(fields["target"], &name); err != nil {
		return nil, failf("", "target", ErrSyntax, "the target of a table must be a string")
	}
	delete(fields, "target")
	object, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	var t Table
	if tgt, known := lookup(name); known && !isString(fields["params"]) {
		t, err = tgt.decode(object)
	} else {
		t, err = decodeRaw(name, object)
	}
	if err != nil {
		return nil, onTarget(err, name)
	}
	l, err := LineOf(t)
	if err != nil {
		return nil, err
	}
	return l.Table()
}

func isString(value json.RawMessage) bool { return len(value) > 0 && value[0] == '"' }

// onTarget gives err the target name, when it is a ParseError without one.
func onTarget(err error, target string) error {
	var p *ParseError
	if errors.As(err, &p) && p.Target == "" {
		q := *p
		q.Target = target
		return &q
	}
	return err
}

// decodeAs reads a JSON object into a struct of type T.
func decodeAs[T Table](object []byte) (Table, error) {
	var t T
	err := unmarshalStrict(object, &t)
	return t, err
}

// unmarshalStrict is json.Unmarshal that refuses unknown fields and text after
// the value, and whose errors do not repeat values.
func unmarshalStrict(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, end := dec.Token(); !errors.Is(end, io.EOF) {
			err = failf("", "", ErrSyntax, "there is text after the JSON value")
		}
		return err
	}
	var own *ParseError
	if errors.As(err, &own) {
		return own
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return failf("", kind.Field, ErrSyntax, "the JSON value does not fit, want %s", kind.Type)
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return failf("", "", ErrSyntax, "unknown JSON field %s", quoteWord("", strings.Trim(field, `"`)))
	}
	return failf("", "", ErrSyntax, "the JSON text is malformed: %s", err)
}
