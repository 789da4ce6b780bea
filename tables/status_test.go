package tables

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// observeStatus makes the golden case of a status line from what the code does.
func observeStatus(t testing.TB, in string) golden {
	t.Helper()
	g := golden{in: in}
	ds, err := ParseStatus(strings.NewReader(in))
	if err != nil {
		g.wrong = err.Error()
		return g
	}
	if len(ds) != 1 || ds[0].Name != "" || len(ds[0].Targets) != 1 {
		t.Fatalf("ParseStatus(%q) = %+v, want one target without a name", in, ds)
	}
	object, err := json.Marshal(ds[0])
	if err != nil {
		t.Fatalf("JSON of %q: %v", in, err)
	}
	g.json = string(object)
	var b strings.Builder
	if err := FormatStatus(&b, ds...); err != nil {
		t.Fatalf("text of %q: %v", in, err)
	}
	if text := strings.TrimSuffix(b.String(), "\n"); text != in {
		g.out = text
	}
	return g
}

// TestStatusGolden checks every line of testdata/status in all directions.
func TestStatusGolden(t *testing.T) {
	t.Parallel()
	for _, name := range append(Targets(), "raw") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", "status", name+".golden")
			cases := readGolden(t, path)
			good, wrong := 0, 0
			for i, want := range cases {
				got := observeStatus(t, want.in)
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
				checkStatusText(t, want.in)
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

// checkStatusText demands parse(format(s)) == s of what text is read into.
func checkStatusText(t testing.TB, text string) []DeviceStatus {
	t.Helper()
	first, err := ParseStatus(strings.NewReader(text))
	if err != nil {
		t.Fatalf("ParseStatus(%q): %v", text, err)
	}
	var b bytes.Buffer
	if err := FormatStatus(&b, first...); err != nil {
		t.Fatalf("FormatStatus of %q: %v", text, err)
	}
	second, err := ParseStatus(bytes.NewReader(b.Bytes()))
	if err != nil || !reflect.DeepEqual(first, second) {
		t.Fatalf("%q was written as %q and read back as\n     %#v, %v\nwant %#v", text, b.String(), second, err, first)
	}
	return first
}

// sameStatus demands that a line that a kernel printed comes back byte for byte,
// from a struct of its own.
func sameStatus(t *testing.T, name, line string) string {
	t.Helper()
	ds := checkStatusText(t, line)
	var b strings.Builder
	if err := FormatStatus(&b, ds...); err != nil || b.String() != line+"\n" {
		t.Errorf("%s: status changed: %v\n got %q\nwant %q", name, err, b.String(), line+"\n")
	}
	s := ds[0].Targets[0]
	if _, raw := s.(RawStatus); raw {
		t.Errorf("%s: %q has no struct of its own", name, line)
	}
	if h := s.header(); h.Printed != 0 && StatusType(s) != "verity" || len(h.Extra) > 0 {
		t.Errorf("%s: %q was read as the status of an older or newer kernel: %+v", name, line, h)
	}
	return StatusType(s)
}

// TestKernelStatus reads status lines that kernels printed.
func TestKernelStatus(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "status", "kernel.txt"))
	if err != nil {
		t.Fatal(err)
	}
	n, kinds := 0, make(map[string]bool)
	for _, line := range strings.Split(string(text), "\n") {
		if line != "" && line[0] != '#' {
			n++
			kinds[sameStatus(t, "kernel.txt", line)] = true
		}
	}
	if n < 84 || len(kinds) < 26 {
		t.Errorf("kernel.txt has %d lines of %d targets, want at least 84 of 26", n, len(kinds))
	}
}

// TestKernelCorporaStatus reads every status line of the kernel-made volumes:
// while live, when a machine was stopped, after recovery, and after damage.
func TestKernelCorporaStatus(t *testing.T) {
	t.Parallel()
	for dir, atLeast := range map[string]int{"kernel-samples": 100, "kernel-hard": 150} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(repoFile(t, "testdata", dir, "index.json"))
			if err != nil {
				t.Fatal(err)
			}
			var cases []struct {
				Name    string
				Status  []string
				Stopped any `json:"status_when_stopped"`
				After   any `json:"status_after_recovery"`
				Verdict struct {
					After []string `json:"status_after"`
				}
			}
			if err := json.Unmarshal(text, &cases); err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, c := range cases {
				lines := append(c.Status, c.Verdict.After...)
				lines = append(append(lines, allStrings(c.Stopped)...), allStrings(c.After)...)
				for _, line := range lines {
					sameStatus(t, c.Name, line)
					n++
				}
			}
			if n < atLeast {
				t.Errorf("%s has %d status lines, want at least %d", dir, n, atLeast)
			}
		})
	}
}

// allStrings are the strings of a JSON string or list.
func allStrings(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			out = append(out, allStrings(e)...)
		}
	}
	return out
}

func TestStatusOfSeveralDevices(t *testing.T) {
	t.Parallel()
	const text = "root: 0 2048 linear \nroot: 2048 8 zero \nvg-pool: 0 4096 thin-pool Fail\nempty: \n"
	ds := checkStatusText(t, text)
	want := []DeviceStatus{
		{Name: "root", Targets: []Status{
			LinearStatus{StatusHeader{Length: 1 << 20}}, ZeroStatus{StatusHeader{Start: 1 << 20, Length: 4096}},
		}},
		{Name: "vg-pool", Targets: []Status{ThinPoolStatus{StatusHeader: StatusHeader{Length: 2 << 20}, State: "Fail"}}},
		{Name: "empty"},
	}
	if !reflect.DeepEqual(ds, want) {
		t.Errorf("got %#v\nwant %#v", ds, want)
	}
	var b strings.Builder
	if err := FormatStatus(&b, ds...); err != nil || b.String() != text {
		t.Errorf("FormatStatus gives %q, %v", b.String(), err)
	}
	object, err := json.Marshal(ds[1])
	if err != nil || !strings.HasPrefix(string(object), `{"name":"vg-pool","targets":[{"target":"thin-pool","start_bytes":0,"length_bytes":2097152,"state":"Fail",`) {
		t.Errorf("JSON is %s, %v", object, err)
	}
	if object, err := json.Marshal(ds[2]); err != nil || string(object) != `{"name":"empty","targets":[]}` {
		t.Errorf("JSON of a device without a table is %s, %v", object, err)
	}
}

func TestParseStatusRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
		kind       error
	}{
		{"a: 0 8 zero \n0 8 zero \n", "tables: line 2: syntax error: some lines have a device name", ErrSyntax},
		{"a: 0 8 zero \nb: 0 8 verity X\n", `tables: line 2: device "b": verity: verdict: syntax error: found "X", want C or V`, ErrSyntax},
		{"0 8 zero a\x00b\n", "tables: line 1: zero: syntax error: a NUL byte", ErrSyntax},
		{"0 8 thin 1 " + strings.Repeat("9", maxLine) + "\n", "tables: line 1: syntax error: the line is longer than", ErrSyntax},
		{"a/b: 0 8 zero \n", `tables: line 1: device "a/b": invalid table`, ErrInvalid},
	} {
		_, err := ParseStatus(strings.NewReader(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || !errors.Is(err, c.kind) {
			t.Errorf("ParseStatus(%.60q) = %v, want %s", c.text, err, c.want)
		}
	}
	if _, err := ParseStatus(iotest.ErrReader(errors.New("gone"))); err == nil || err.Error() != "tables: line 1: reading the text: gone" {
		t.Errorf("a reader's error gives %v", err)
	}
}

// TestStatusLineRefuses writes structs that no text says.
func TestStatusLineRefuses(t *testing.T) {
	t.Parallel()
	h := StatusHeader{Length: 512}
	var none *ThinStatus
	for name, s := range map[string]Status{
		"nil":                  nil,
		"nil pointer":          none,
		"empty word":           CloneStatus{StatusHeader: h},
		"word with a blank":    RaidStatus{StatusHeader: h, Type: "raid 1", Health: "A", Action: "idle", Journal: "-"},
		"word with NUL":        StripeStatus{StatusHeader: h, Health: "A\x00"},
		"unaligned":            LinearStatus{StatusHeader{Start: 1, Length: 512}},
		"unknown state":        ThinStatus{StatusHeader: h, State: "Sleeping"},
		"printed too few":      CacheStatus{StatusHeader: StatusHeader{Length: 512, Printed: 3}, Policy: "smq", Mode: "rw"},
		"printed too many":     IntegrityStatus{StatusHeader: StatusHeader{Length: 512, Printed: 3}},
		"printed below zero":   IntegrityStatus{StatusHeader: StatusHeader{Length: 512, Printed: -1}},
		"printed and extra":    IntegrityStatus{StatusHeader: StatusHeader{Length: 512, Printed: 1, Extra: []string{"x"}}},
		"extra with a blank":   LinearStatus{StatusHeader{Length: 512, Extra: []string{"a b"}}},
		"unequal path words":   MultipathStatus{StatusHeader: h, PathGroups: []MultipathGroupStatus{{State: "A", Paths: []MultipathPathStatus{{"7:0", "A", 0, nil}, {"7:1", "A", 0, []string{"1"}}}}}},
		"raw without a target": RawStatus{StatusHeader: h, Text: "x"},
		"raw with NUL":         RawStatus{StatusHeader: h, Target: "new", Text: "\x00"},
	} {
		l, err := StatusLine(s)
		if err == nil {
			t.Errorf("%s: StatusLine gives %q", name, l.Params)
			continue
		}
		mustBeParseError(t, err)
		if err := FormatStatus(&strings.Builder{}, DeviceStatus{Name: "d", Targets: []Status{s}}); err == nil {
			t.Errorf("%s: FormatStatus writes it", name)
		}
	}
	for name, ds := range map[string][]DeviceStatus{
		"two of a name": {{Name: "a"}, {Name: "a"}},
		"no name":       {{Name: "a"}, {}},
		"odd name":      {{Name: "a: 0 1 zero"}},
		"newline":       {{Targets: []Status{RawStatus{StatusHeader: h, Target: "new", Text: "a\nb"}}}},
		"too long":      {{Targets: []Status{RawStatus{StatusHeader: h, Target: "new", Text: strings.Repeat("x", maxWritten)}}}},
	} {
		if err := FormatStatus(&strings.Builder{}, ds...); err == nil {
			t.Errorf("%s: FormatStatus writes it", name)
		}
	}
	if _, err := json.Marshal(DeviceStatus{Name: "\xff"}); err == nil {
		t.Error("a name that is not UTF-8 has JSON")
	}
	if _, err := json.Marshal(DeviceStatus{Targets: []Status{RawStatus{StatusHeader: h, Target: "new", Text: "\xff"}}}); err == nil {
		t.Error("a text that is not UTF-8 has JSON")
	}
}

func TestStatusPointers(t *testing.T) {
	t.Parallel()
	s := ThinStatus{StatusHeader: StatusHeader{Length: 512}, MappedSectors: 1}
	if got := UnwrapStatus(&s); !reflect.DeepEqual(got, s) {
		t.Errorf("UnwrapStatus(&s) = %#v", got)
	}
	if l, err := StatusLine(&s); err != nil || l != (Line{Length: 1, Target: "thin", Params: "1 -"}) {
		t.Errorf("StatusLine(&s) = %#v, %v", l, err)
	}
	if got := StatusType(&s); got != "thin" {
		t.Errorf("StatusType(&s) = %q", got)
	}
	if UnwrapStatus((*ThinStatus)(nil)) != nil || StatusType(nil) != "" {
		t.Error("nil is a status")
	}
}

// FuzzStatus reads the status of one target and demands that what it is read
// into is written and read back the same.
func FuzzStatus(f *testing.F) {
	for _, name := range append(Targets(), "raw") {
		for _, c := range readGolden(f, filepath.Join("testdata", "status", name+".golden")) {
			if l, err := cutLine(c.in); err == nil {
				f.Add(l.Start, l.Length, l.Target, strings.TrimPrefix(l.Params, " "))
			}
		}
	}
	f.Fuzz(func(t *testing.T, start, length uint64, target, text string) {
		l := Line{Start: start, Length: length, Target: target, Params: text}
		s, err := l.Status()
		if err != nil {
			mustBeParseError(t, err)
			return
		}
		back, err := StatusLine(s)
		if err != nil {
			t.Fatalf("%#v was read and has no line: %v", s, err)
		}
		// What changes is white space and the leading zeros of numbers.
		if got, want := statusWords(back.Params), statusWords(text); len(got) != len(want) {
			t.Fatalf("%q has %d words, it is written as %q of %d", text, len(want), back.Params, len(got))
		}
		again, err := back.Status()
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("parse(format(s)) != s:\ntext %q\n got %#v, %v\nwant %#v", back.Params, again, err, s)
		}
		if _, err := encodeStatus(s); err != nil {
			mustBeParseError(t, err) // not UTF-8
		}
	})
}

// FuzzParseStatus reads the text of several devices.
func FuzzParseStatus(f *testing.F) {
	f.Add([]byte("a: 0 8 zero \nb: \na: 8 8 thin 1 -\n"))
	f.Add([]byte("# x\n\n0 8 verity V\n8 8 verity C 12\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		ds, err := ParseStatus(bytes.NewReader(text))
		if err != nil {
			mustBeParseError(t, err)
			return
		}
		var b bytes.Buffer
		if err := FormatStatus(&b, ds...); err != nil {
			mustBeParseError(t, err)
			return
		}
		again, err := ParseStatus(&b)
		if err != nil || !reflect.DeepEqual(again, ds) {
			t.Fatalf("%q reads back as %#v, %v\nwant %#v", b.String(), again, err, ds)
		}
	})
}
