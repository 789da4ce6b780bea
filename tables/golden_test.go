package tables

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden from what the code does")

// golden is one case of a golden file. Lines start with
//
//	> the table line
//	< what it is written as, when that differs
//	= its JSON, keys shown
//	? what Validate says, when it refuses
//	! what Parse says, when it refuses
type golden struct {
	in, out, json, invalid, wrong string
}

func readGolden(t testing.TB, path string) []golden {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cases []golden
	for _, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		mark, rest, _ := strings.Cut(line, " ")
		if mark == ">" {
			cases = append(cases, golden{in: rest})
		}
		if len(cases) == 0 {
			t.Fatalf("%s: %q stands before the first case", path, line)
		}
		c := &cases[len(cases)-1]
		switch mark {
		case ">":
		case "<":
			c.out = rest
		case "=":
			c.json = rest
		case "?":
			c.invalid = rest
		case "!":
			c.wrong = rest
		default:
			t.Fatalf("%s: line %q starts with no known mark", path, line)
		}
	}
	return cases
}

// observe makes the golden case of a line from what the code does.
func observe(t testing.TB, in string) golden {
	t.Helper()
	g := golden{in: in}
	ts, err := Parse(strings.NewReader(in))
	if err != nil {
		g.wrong = err.Error()
		return g
	}
	if len(ts) != 1 {
		t.Fatalf("Parse(%q) gave %d tables", in, len(ts))
	}
	object, err := encodeTable(JSONOptions{ShowKeys: true}, ts[0])
	if err != nil {
		t.Fatalf("JSON of %q: %v", in, err)
	}
	g.json = string(object)
	text, err := formatLine(ts[0])
	if err != nil {
		t.Fatalf("line of %q: %v", in, err)
	}
	if text != in {
		g.out = text
	}
	// A line taken out of the middle of a device is moved to its start.
	if err := Validate(moveToZero(ts[0])); err != nil {
		g.invalid = err.Error()
	}
	return g
}

// moveToZero is a copy of tab with Start 0.
func moveToZero(tab Table) Table {
	v := reflect.New(reflect.TypeOf(tab)).Elem()
	v.Set(reflect.ValueOf(tab))
	v.FieldByName("Start").SetUint(0)
	return v.Interface().(Table)
}

func writeGolden(t testing.TB, path string, cases []golden) {
	t.Helper()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, line := range strings.Split(string(old), "\n") {
		if !strings.HasPrefix(line, "#") {
			break
		}
		b.WriteString(line + "\n")
	}
	for i, c := range cases {
		if i > 0 || b.Len() > 0 {
			b.WriteString("\n")
		}
		for _, l := range []struct{ mark, text string }{
			{">", c.in},
			{"<", c.out},
			{"=", c.json},
			{"?", c.invalid},
			{"!", c.wrong},
		} {
			if l.text != "" {
				b.WriteString(l.mark + " " + l.text + "\n")
			}
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestGolden checks every line of testdata/*.golden in all directions: text to
// struct to text, text to JSON to struct, and the errors of wrong lines.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, name := range append(Targets(), "raw") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", name+".golden")
			cases := readGolden(t, path)
			good, wrong := 0, 0
			for i, want := range cases {
				got := observe(t, want.in)
				if *update {
					cases[i] = got
				} else if got != want {
					t.Errorf("%q:\n got %+v\nwant %+v", want.in, got, want)
				}
				if got.wrong != "" {
					wrong++
					continue
				}
				good++
				checkRoundTrip(t, want.in)
				checkJSON(t, got)
			}
			if *update {
				writeGolden(t, path, cases)
			}
			if good == 0 || wrong == 0 {
				t.Errorf("%s has %d good and %d wrong lines, want both kinds", path, good, wrong)
			}
		})
	}
}

// checkRoundTrip demands parse(format(parse(text))) == parse(text).
func checkRoundTrip(t testing.TB, text string) {
	t.Helper()
	first, err := Parse(strings.NewReader(text))
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	var b bytes.Buffer
	if err := Format(&b, first...); err != nil {
		t.Fatalf("Format of %q: %v", text, err)
	}
	second, err := Parse(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatalf("%q was written as %q, which does not parse: %v", text, b.String(), err)
	}
	if !reflect.DeepEqual(first, second) {
		t.Fatalf("%q was written as %q and read back differently:\n got %#v\nwant %#v", text, b.String(), second, first)
	}
}

// checkJSON demands that the JSON of a case gives the table of its text.
func checkJSON(t testing.TB, g golden) {
	t.Helper()
	got, err := decodeTable([]byte(g.json))
	if err != nil {
		t.Fatalf("decoding %s: %v", g.json, err)
	}
	want, err := parseTableText(g.in)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("JSON of %q decodes differently:\n got %#v\nwant %#v", g.in, got, want)
	}
}
