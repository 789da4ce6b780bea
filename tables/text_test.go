package tables

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestParseText(t *testing.T) {
	t.Parallel()
	lin := func(start, length uint64) Table {
		return LinearTable{Start: start * 512, Length: length * 512, BackendDevice: "7:0"}
	}
	for _, c := range []struct {
		name, text string
		want       []Table
	}{
		{"nothing", "", nil},
		{"comments only", "# a\n\n   # b\n \t\n", nil},
		{"no newline at the end", "0 8 linear 7:0 0", []Table{lin(0, 8)}},
		{"windows line ends", "0 8 linear 7:0 0\r\n8 8 linear 7:0 0\r\n", []Table{lin(0, 8), lin(8, 8)}},
		{"comment between", "0 8 linear 7:0 0\n# half\n\n8 8 linear 7:0 0\n", []Table{lin(0, 8), lin(8, 8)}},
		{"white space", "  0\t8   linear \v 7:0\f0  \n", []Table{lin(0, 8)}},
		{"trailing blank, as the kernel prints", "0 64 zero \n", []Table{ZeroTable{Length: 64 * 512}}},
		{"any order", "8 8 linear 7:0 0\n0 8 linear 7:0 0\n", []Table{lin(8, 8), lin(0, 8)}},
		{"one name", "m: 0 8 linear 7:0 0\nm: 8 8 linear 7:0 0\n", []Table{lin(0, 8), lin(8, 8)}},
		{"name without table", "m: \n", nil},
		{"leading zeros", "00 08 linear 7:0 000\n", []Table{lin(0, 8)}},
		{"unknown target", "0 8 Linear 7:0 0\n", []Table{RawTable{Length: 8 * 512, Target: "Linear", Params: "7:0 0"}}},
	} {
		got, err := Parse(strings.NewReader(c.text))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: Parse(%q):\n got %#v, %v\nwant %#v", c.name, c.text, got, err, c.want)
		}
	}
}

func TestParseTextErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
	}{
		{"0 8 zero\n\n# x\n8 8 linear 7:0\n", "tables: line 4: linear: offset: syntax error: missing, the line ends before it (parameter words: 1)"},
		{"a: 0 8 zero\nb: 0 8 zero\n", "tables: syntax error: the text has tables of 2 devices, want one"},
		{"0 8 zero\nb: 0 8 zero\n", "tables: line 2: syntax error: some lines have a device name in front and this or the first has none"},
		{"b: 0 8 zero\n0 8 zero\n", "tables: line 2: syntax error: some lines have a device name in front and this or the first has none"},
		{"root: 0 x zero\n", `tables: line 1: device "root": length: syntax error: found "x", want a decimal number`},
		{"a/b: 0 8 zero\n", `tables: line 1: device "a/b": invalid table: a name cannot hold / or NUL`},
		{"0 8\n", "tables: line 1: target: syntax error: the target name is missing"},
		{"0\n", "tables: line 1: length: syntax error: the line ends before it, want start, length, target and arguments"},
		{"zero\n", `tables: line 1: start: syntax error: found "zero", want a decimal number`},
		{"0 8 zero\x00\n", `tables: line 1: target: syntax error: found "zero\x00", want a target name without white space and NUL`},
		{"0 8 foo a\x00\n", `tables: line 1: "foo": syntax error: a NUL byte cannot stand in a table`},
		{"0 8 " + strings.Repeat("x", maxLine) + "\n", "tables: line 1: syntax error: the line is longer than 1048576 bytes"},
		{"0 8 linear 7:0 " + strings.Repeat("x", 100), `tables: line 1: linear: offset: syntax error: found "` + strings.Repeat("x", 64) + `"… (100 bytes), want a decimal number`},
	} {
		_, err := Parse(strings.NewReader(c.text))
		var p *ParseError
		if !errors.As(err, &p) || err.Error() != c.want {
			t.Errorf("Parse(%.80q):\n got %v\nwant %s", c.text, err, c.want)
		}
	}
	broken := errors.New("broken pipe")
	_, err := Parse(io.MultiReader(strings.NewReader("0 8 zero\n"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("Parse of a failing reader = %v, want %v", err, broken)
	}
	if _, err := ParseDevices(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("ParseDevices of a failing reader = %v, want %v", err, broken)
	}
}

func TestFormatErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tables []Table
		want   string
	}{
		{[]Table{ZeroTable{Length: 512}, LinearTable{Length: 512}}, "tables: line 2: linear: device: syntax error: a word is missing (empty text cannot be written)"},
		{[]Table{LinearTable{Length: 512, BackendDevice: "a\nb"}}, "tables: line 1: linear: syntax error: a word with a newline cannot be written as a line"},
		{[]Table{LinearTable{Length: 512, BackendDevice: strings.Repeat("x", maxLine)}}, "tables: line 1: linear: syntax error: the line would have 1048589 bytes, the limit is 1048320"},
		{[]Table{nil}, "tables: line 1: syntax error: no table (nil)"},
	} {
		if err := Format(io.Discard, c.tables...); err == nil || err.Error() != c.want {
			t.Errorf("Format(%T):\n got %v\nwant %s", c.tables[len(c.tables)-1], err, c.want)
		}
	}
	broken := errors.New("disk full")
	if err := Format(failingWriter{broken}, ZeroTable{Length: 512}); !errors.Is(err, broken) {
		t.Errorf("Format to a failing writer = %v, want %v", err, broken)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestNewlineInAWordSurvivesInALine(t *testing.T) {
	t.Parallel()
	want := LinearTable{Length: 512, BackendDevice: "a\nb", BackendOffset: 512}
	l, err := LineOf(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.Table()
	if err != nil || got != want {
		t.Errorf("LineOf(%#v) = %#v reads back as %#v, %v", want, l, got, err)
	}
}

func TestCutName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, name, rest string
		named            bool
	}{
		{"0 8 zero", "", "0 8 zero", false},
		{"0 8 linear a: 0 8 zero", "", "0 8 linear a: 0 8 zero", false},
		{"root: 0 8 zero", "root", " 0 8 zero", true},
		{"  root:\t0 8 zero", "root", "\t0 8 zero", true},
		{"my disk: 0 8 zero", "my disk", " 0 8 zero", true},
		{"a:b: c: 0 8 zero", "a:b: c", " 0 8 zero", true},
		{"x: 0 8 linear y: 0 8 zero", "x", " 0 8 linear y: 0 8 zero", true},
		{`root\x20fs: 0 8 zero`, `root\x20fs`, " 0 8 zero", true},
		{"root:", "root", "", true},
		{"root: ", "root", " ", true},
		{"my disk: ", "", "my disk: ", false},
		{"root: 0 zero", "root", " 0 zero", true},
		{"0 8 zero:", "", "0 8 zero:", false},
		{"zero", "", "zero", false},
		{"deadbeefdeadbeef: x", "", "deadbeefdeadbeef: x", false},
		{"deadbeefdeadbeef: ", "deadbeefdeadbeef", " ", true},
	} {
		name, rest, named := cutName(c.text)
		if name != c.name || rest != c.rest || named != c.named {
			t.Errorf("cutName(%q) = %q, %q, %v, want %q, %q, %v", c.text, name, rest, named, c.name, c.rest, c.named)
		}
	}
}

// longText is n table lines of one device.
func longText(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "%d 8 linear /dev/disk/by-id/scsi-%d %d\n", i*8, i, i*16)
	}
	return b.Bytes()
}

func TestLongText(t *testing.T) {
	t.Parallel()
	const n = 100_000
	text := longText(n)
	ts, err := Parse(bytes.NewReader(text))
	if err != nil || len(ts) != n {
		t.Fatalf("Parse of %d lines gave %d tables, %v", n, len(ts), err)
	}
	if err := Validate(ts...); err != nil {
		t.Error(err)
	}
	var b bytes.Buffer
	if err := Format(&b, ts...); err != nil || !bytes.Equal(b.Bytes(), text) {
		t.Errorf("Format of %d tables gave other text (%d bytes, want %d), %v", n, b.Len(), len(text), err)
	}
}

// TestHostileLines: text that would be slow or large if read carelessly.
func TestHostileLines(t *testing.T) {
	t.Parallel()
	const huge = "18446744073709551615"
	for _, text := range []string{
		strings.Repeat(": ", 400_000),
		strings.Repeat(": 1 1", 180_000),
		strings.Repeat("a,", 500_000),
		strings.Repeat(`\`, 1_000_000),
		strings.Repeat(`\\,`, 300_000),
		strings.Repeat(";", 1_000_000),
		"x,,,rw" + strings.Repeat(",", 1_000_000),
		"0 8 crypt " + strings.Repeat("a", 1_000_000),
		"0 8 crypt aes " + strings.Repeat("f", 1_000_000),
		"0 8 striped " + huge + " 8 7:0 0",
		"0 8 switch " + huge + " 8 0 7:0 0",
		"0 8 mirror core " + huge + " 8 2 7:0 0",
		"0 8 mirror core 1 8 " + huge + " 7:0 0",
		"0 8 multipath " + huge + " 0 0 0",
		"0 8 multipath 0 " + huge + " 0 0",
		"0 8 multipath 0 0 " + huge + " 1 round-robin 0 1 0 7:0",
		"0 8 multipath 0 0 1 1 round-robin " + huge + " 1 0 7:0",
		"0 8 multipath 0 0 1 1 round-robin 0 " + huge + " 0 7:0",
		"0 8 multipath 0 0 1 1 round-robin 0 1 " + huge + " 7:0",
		"0 8 raid raid1 " + huge + " 0 2 - 7:0",
		"0 8 raid raid1 1 0 " + huge + " - 7:0",
		"0 8 cache a b c 64 0 smq " + huge,
		"0 8 clone a b c 8 0 " + huge,
		"0 8 verity 1 a b 512 512 8 1 md5 00 - " + huge,
	} {
		if ds, err := ParseDevices(strings.NewReader(text)); err == nil {
			t.Errorf("ParseDevices(%.60q…) was accepted: %d devices", text, len(ds))
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := longText(10_000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(bytes.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFormat(b *testing.B) {
	text := longText(10_000)
	ts, err := Parse(bytes.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Format(io.Discard, ts...); err != nil {
			b.Fatal(err)
		}
	}
}
