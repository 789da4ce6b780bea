package tables

import (
	"encoding/json"
	"fmt"
	"strings"
)

// RawTable is a target without a struct of its own, kept verbatim: Params is
// the text after the target name, escapes included. It may also carry a known
// target's name, to write words that this package does not know yet; reading
// that line back then gives the known target's struct.
//
// Printed with fmt or as JSON, words that look like keys are zeros; [Format]
// and [LineOf] give them.
type RawTable struct {
	Start  uint64 // bytes
	Length uint64 // bytes
	Target string // at most 15 bytes, no white space
	Params string // no NUL; white space around it is not kept
}

func (t RawTable) start() uint64      { return t.Start }
func (t RawTable) length() uint64     { return t.Length }
func (t RawTable) targetType() string { return t.Target }
func (t RawTable) devices() []string  { return nil }
func (t RawTable) value() Table       { return t }

func (t RawTable) params() (string, error) {
	if strings.IndexByte(t.Params, 0) >= 0 {
		return "", failf(t.Target, "", ErrSyntax, "a NUL byte cannot be written")
	}
	return trimSpace(t.Params), nil
}

func parseRaw(l Line, start, length uint64) (Table, error) {
	if strings.IndexByte(l.Params, 0) >= 0 {
		return nil, failf(l.Target, "", ErrSyntax, "a NUL byte cannot stand in a table")
	}
	return RawTable{Start: start, Length: length, Target: l.Target, Params: trimSpace(l.Params)}, nil
}

func (t RawTable) masked() RawTable {
	t.Params = maskParams(t.Target, t.Params)
	return t
}

// String is the table line with zeros for keys.
func (t RawTable) String() string { return maskedLine(t.masked()) }

// GoString is the value in Go syntax with zeros for keys.
func (t RawTable) GoString() string {
	type rawFields RawTable
	return "tables.RawTable" + fmt.Sprintf("%#v", rawFields(t.masked()))[len("tables.rawFields"):]
}

// Format implements [fmt.Formatter], so that no verb prints keys.
func (t RawTable) Format(f fmt.State, verb rune) { formatMasked(f, verb, t.String(), t.GoString()) }

// rawJSON is a RawTable as JSON.
type rawJSON struct {
	Start     uint64 `json:"start_bytes"`
	Length    uint64 `json:"length_bytes"`
	Params    string `json:"params"`
	KeyMasked bool   `json:"key_masked,omitempty"`
}

func (t RawTable) jsonObject(showKeys bool) any {
	o := rawJSON{Start: t.Start, Length: t.Length, Params: t.Params}
	if m := t.masked(); !showKeys && m.Params != t.Params {
		o.Params, o.KeyMasked = m.Params, true
	}
	return o
}

// MarshalJSON masks keys, as [EncodeJSON] does by default.
func (t RawTable) MarshalJSON() ([]byte, error) { return json.Marshal(t.jsonObject(false)) }

func decodeRaw(target string, object []byte) (Table, error) {
	var o rawJSON
	if err := unmarshalStrict(object, &o); err != nil {
		return nil, err
	}
	return RawTable{Start: o.Start, Length: o.Length, Target: target, Params: o.Params}, nil
}
