package dmsetup

import (
	"bytes"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// FuzzParse reads command lines; NUL stands between words.
func FuzzParse(f *testing.F) {
	f.Add("info\x00-co\x00name\x00--noh\x00--\x00-x")
	f.Add("--options=a\x00-u\x00\x00-vvf")
	f.Fuzz(func(t *testing.T, words string) {
		line, err := parse(strings.Split(words, "\x00"))
		if err != nil {
			return
		}
		if len(line.words)+len(line.values) > strings.Count(words, "\x00")+len(words)+1 {
			t.Fatalf("%q gives %q and %v", words, line.words, line.values)
		}
		for name := range line.values {
			if _, err := longOption(name, name); err != nil {
				t.Fatalf("%q sets the option %q that there is not", words, name)
			}
		}
	})
}

// FuzzReadTable reads tables; what it understood reads back.
func FuzzReadTable(f *testing.F) {
	f.Add("# x\n\n0 8 zero\n  8 8 linear /dev/a\\ b 0  \n")
	f.Add("-1 +8 x\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := readTable(strings.NewReader(text), "on stdin")
		if err != nil {
			return
		}
		var b strings.Builder
		for _, l := range lines {
			b.WriteString(shownLine(l, l.Params) + "\n")
		}
		again, err := readTable(strings.NewReader(b.String()), "on stdin")
		if err != nil || !reflect.DeepEqual(again, lines) {
			t.Fatalf("%q is written as %q and reads back as %#v, %v", text, b.String(), again, err)
		}
		if _, err := tablesOf(lines); err != nil && len(lines) == 0 {
			t.Fatal(err)
		}
	})
}

// FuzzConcise reads concise entries, and writes names so that they read back.
func FuzzConcise(f *testing.F) {
	f.Add("x,u\\,7,5,ro,0 8 zero,8 8 error")
	f.Add("a\\;b,,,rw,0 8 linear /dev/a\\\\ b 0")
	f.Fuzz(func(t *testing.T, entry string) {
		d, err := newTool(t, new(bytes.Buffer)).readConcise(entry)
		if err == nil && d.minor != nil && *d.minor >= 1<<20 {
			t.Fatalf("%q has the minor number %d", entry, *d.minor)
		}
		field, rest, found := cutUnescaped(escape(entry)+",rest", ',')
		if !found || rest != "rest" || unescape(field) != entry {
			t.Fatalf("%q is written as %q and reads back as %q", entry, escape(entry), unescape(field))
		}
	})
}

// FuzzSelection reads what -S may say and tries it on a device.
func FuzzSelection(f *testing.F) {
	for _, s := range []string{
		"name=lin", "name=~'^l' && (open>0 || !(minor<=3))", "uuid=\"\"", "selected=1,name!~x#events!=2", "((((", "minor since 1", "name='", "open=99999999999999999999",
	} {
		f.Add(s)
	}
	r := &row{info: kernel.Info{DeviceInfo: tables.DeviceInfo{Name: "lin", UUID: "LVM-x", DevNo: kernel.Mkdev(253, 3)}}, graph: &graph{}}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "blk") || strings.Contains(text, "read") { // they look into sysfs
			return
		}
		p := &report{t: newTool(t, new(bytes.Buffer))}
		e, err := p.parseSelection(text)
		if err != nil {
			return
		}
		first, err := e(r)
		again, err2 := e(r)
		if first != again || (err == nil) != (err2 == nil) {
			t.Fatalf("%q selects %t and then %t, %v and %v", text, first, again, err, err2)
		}
	})
}

// FuzzSplitName takes names apart; a name made of parts gives them back.
func FuzzSplitName(f *testing.F) {
	f.Add("vg", "lv-1", "cow")
	f.Fuzz(func(t *testing.T, group, volume, layer string) {
		parts := nameParts{group: group, volume: volume, layer: layer}
		var name []string
		for _, s := range []string{group, volume, layer} {
			if s == "" || strings.HasPrefix(s, "-") || strings.HasSuffix(s, "-") {
				return // hyphens at the edges of a part are ambiguous
			}
			name = append(name, strings.ReplaceAll(s, "-", "--"))
		}
		if got := splitLVM(strings.Join(name, "-")); got != parts {
			t.Fatalf("%q splits into %+v, want %+v", strings.Join(name, "-"), got, parts)
		}
	})
}

// TestTranscriptsParse keeps the transcripts free of command lines that cannot be read.
func TestTranscriptsParse(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		_, steps := readTranscript(t, path)
		for _, s := range steps {
			if s.real.status != "0" && s.real.status != "1" {
				t.Errorf("%s: %s has the status %q", path, s.line, s.real.status)
			}
		}
	}
}
