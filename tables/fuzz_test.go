package tables

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// goldenLines are the lines of all golden files.
func goldenLines(f *testing.F) []string {
	var lines []string
	for _, name := range append(Targets(), "raw") {
		for _, c := range readGolden(f, filepath.Join("testdata", name+".golden")) {
			lines = append(lines, c.in)
		}
	}
	return lines
}

// mustBeParseError demands that a refusal is one of ours, with its place.
func mustBeParseError(t *testing.T, err error) {
	t.Helper()
	var p *ParseError
	if !errors.As(err, &p) {
		t.Fatalf("error %v (%T) is no ParseError", err, err)
	}
	for _, kind := range []error{ErrSyntax, ErrInvalid, ErrUnaligned, ErrOverlap} {
		if errors.Is(err, kind) {
			return
		}
	}
	t.Fatalf("error %v wraps no sentinel", err)
}

// checkTable demands everything that holds of a table that was read.
func checkTable(t *testing.T, tab Table) {
	t.Helper()
	l, err := LineOf(tab)
	if err != nil {
		t.Fatalf("%#v was read and has no line: %v", tab, err)
	}
	again, err := l.Table()
	if err != nil || !reflect.DeepEqual(again, tab) {
		t.Fatalf("parse(format(t)) != t:\nline %q\n got %#v, %v\nwant %#v", l.text(), again, err, tab)
	}
	if err := Validate(tab); err != nil {
		mustBeParseError(t, err)
	}
	for _, d := range Devices(tab) {
		if d == "" || d == "-" {
			t.Fatalf("%#v names the device %q", tab, d)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", tab, tab, tab); text == "" {
		t.Fatal("printing gives nothing")
	}
	object, err := encodeTable(JSONOptions{ShowKeys: true}, tab)
	if err != nil {
		if utf8.ValidString(l.Params) && utf8.ValidString(l.Target) {
			t.Fatalf("%#v has no JSON: %v", tab, err)
		}
		return
	}
	back, err := decodeTable(object)
	if err != nil || !reflect.DeepEqual(back, tab) {
		t.Fatalf("JSON %s reads back as %#v, %v\nwant %#v", object, back, err, tab)
	}
}

// FuzzParse reads table text.
func FuzzParse(f *testing.F) {
	for _, line := range goldenLines(f) {
		f.Add([]byte(line))
	}
	f.Add([]byte("# comment\n\nm: 0 8 zero\nm: 8 8 error\n"))
	f.Add([]byte("0 8 zero\r\n8 8 error\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		ts, err := Parse(bytes.NewReader(text))
		if err != nil {
			mustBeParseError(t, err)
			return
		}
		for _, tab := range ts {
			checkTable(t, tab)
		}
		if len(ts) > 0 {
			if err := Validate(ts...); err != nil {
				mustBeParseError(t, err)
			}
		}
		var b bytes.Buffer
		if err := Format(&b, ts...); err != nil {
			mustBeParseError(t, err) // a newline inside a word, or too long
			return
		}
		again, err := Parse(&b)
		if err != nil || !reflect.DeepEqual(again, ts) {
			t.Fatalf("%q reads back as %#v, %v\nwant %#v", b.String(), again, err, ts)
		}
	})
}

// FuzzTarget reads the parameters of one target; the harness is the same for
// all, the golden lines are its seeds.
func FuzzTarget(f *testing.F) {
	for _, line := range goldenLines(f) {
		var l Line
		if _, err := fmt.Sscanf(line, "%d %d %s", &l.Start, &l.Length, &l.Target); err != nil {
			continue
		}
		_, params, _ := strings.Cut(line, " "+l.Target)
		f.Add(l.Start, l.Length, l.Target, params)
	}
	f.Fuzz(func(t *testing.T, start, length uint64, target, params string) {
		tab, err := Line{Start: start, Length: length, Target: target, Params: params}.Table()
		if err != nil {
			mustBeParseError(t, err)
			return
		}
		checkTable(t, tab)
	})
}

// FuzzDevices reads every form of several devices, and writes what it read in
// every form.
func FuzzDevices(f *testing.F) {
	for _, line := range goldenLines(f) {
		f.Add([]byte("m: " + line))
		f.Add([]byte("m,,,rw," + escapeConcise(line)))
	}
	for _, text := range []string{
		"dev1,,,,0 100 linear 253:1 0,100 100 error;dev2,,,ro,0 1 error", "a: 0 8 zero\nb: \na: 8 8 zero\n",
		`dm-mod.create="a,u-u,3,ro,0 8 linear /dev/a\\ b 0;"`, `"dm-mod.create=a,,,rw,0 8 striped 1 8 a\,b 0"`, "a\\;b,,,rw", "#x\n\na,,7,ro\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		ds, err := ParseDevices(bytes.NewReader(text))
		if err != nil {
			mustBeParseError(t, err)
			return
		}
		for _, d := range ds {
			if err := d.Validate(); err != nil {
				mustBeParseError(t, err)
			}
		}
		if concise, err := FormatConcise(ds...); err != nil {
			mustBeParseError(t, err)
		} else {
			sameDevices(t, concise, ds)
		}
		if create, err := FormatCreate(ds...); err != nil {
			mustBeParseError(t, err)
		} else {
			sameDevices(t, create, ds)
		}
		var b bytes.Buffer
		if err := FormatDevices(&b, ds...); err != nil {
			mustBeParseError(t, err)
			return
		}
		var bare []Device
		for _, d := range ds {
			bare = append(bare, Device{Name: d.Name, Tables: d.Tables})
		}
		sameDevices(t, b.String(), bare)
	})
}

func sameDevices(t *testing.T, text string, want []Device) {
	t.Helper()
	got, err := ParseDevices(strings.NewReader(text))
	if len(want) == 1 && want[0].Name == "" && len(want[0].Tables) == 0 {
		want = nil // one device without name and table is written as nothing
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%q reads back as %#v, %v\nwant %#v", text, got, err, want)
	}
}

// FuzzJSON reads documents.
func FuzzJSON(f *testing.F) {
	for _, name := range append(Targets(), "raw") {
		for _, c := range readGolden(f, filepath.Join("testdata", name+".golden")) {
			if c.json != "" {
				f.Add([]byte(`{"devices":[{"name":"m","uuid":"u","minor":1,"tables":[` + c.json + `]}]}`))
			}
		}
	}
	f.Add([]byte(`{"devices":[{},{"name":"a","read_only":true}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		ds, err := DecodeJSON(bytes.NewReader(text))
		if err != nil {
			mustBeParseError(t, err)
			return
		}
		for _, d := range ds {
			for _, tab := range d.Tables {
				checkTable(t, tab)
			}
		}
		var b, masked bytes.Buffer
		if err := EncodeJSON(&b, JSONOptions{ShowKeys: true}, ds...); err != nil {
			t.Fatalf("%#v has no JSON: %v", ds, err)
		}
		again, err := DecodeJSON(&b)
		if err != nil || !reflect.DeepEqual(again, ds) {
			t.Fatalf("%s reads back as %#v, %v\nwant %#v", b.String(), again, err, ds)
		}
		if err := EncodeJSON(&masked, JSONOptions{}, ds...); err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeJSON(&masked); err != nil {
			t.Fatalf("masked JSON %s does not read back: %v", masked.String(), err)
		}
	})
}

// FuzzStruct fills structs with anything that JSON can say and demands that
// what LineOf accepts reads back as a table.
func FuzzStruct(f *testing.F) {
	for i, tgt := range targets {
		for _, c := range readGolden(f, filepath.Join("testdata", tgt.name+".golden")) {
			if c.json != "" {
				_, rest, _ := strings.Cut(c.json, ",")
				f.Add(uint8(i), []byte("{"+rest))
			}
		}
	}
	f.Fuzz(func(t *testing.T, target uint8, object []byte) {
		tab, err := targets[int(target)%len(targets)].decode(object)
		if err != nil {
			mustBeParseError(t, err)
			return
		}
		if err := Validate(tab); err != nil {
			mustBeParseError(t, err)
		}
		l, err := LineOf(tab)
		if err != nil {
			mustBeParseError(t, err)
			return
		}
		again, err := l.Table()
		if err != nil {
			t.Fatalf("LineOf(%#v) = %q, which does not read back: %v", tab, l.text(), err)
		}
		checkTable(t, again)
	})
}

// TestGoldenIsJSON keeps the JSON of the golden files valid.
func TestGoldenIsJSON(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(names) != len(targets)+1 {
		t.Fatalf("%d golden files for %d targets and raw, %v", len(names), len(targets), err)
	}
	for _, name := range names {
		for _, c := range readGolden(t, name) {
			if c.json != "" && !json.Valid([]byte(c.json)) {
				t.Errorf("%s: %s is no JSON", name, c.json)
			}
		}
	}
	if _, err := os.Stat("testdata/raw.golden"); err != nil {
		t.Error(err)
	}
}
