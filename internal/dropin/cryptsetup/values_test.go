package cryptsetup

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestParseSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "5": 5, "1S": 512, "2s": 1024, "1K": 1 << 10, "1k": 1 << 10, "3KiB": 3 << 10, "3kiB": 3 << 10, "3KB": 3000, "1MB": 1e6,
		"16M": 16 << 20, "1GiB": 1 << 30, "1T": 1 << 40, "": -1, "K": -1, "1P": -1, "1kb": -1, "1Mib": -1, "1B": -1, "1iB": -1, "-1": -1,
		"+5": -1, " 5": -1, "5 ": -1, "0x10": -1, "1.5M": -1, "9223372036854775808": -1, "99999999999G": -1, "1SB": -1, "1SiB": -1, "1KK": -1,
	} {
		got, ok := parseSize(text)
		if ok != (want >= 0) || ok && got != uint64(want) {
			t.Errorf("parseSize(%q) = %d, %t, want %d", text, got, ok, want)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"1", "16M", "3KiB", "9223372036854775807", "99999999999T", "1s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, ok := parseSize(s); ok && n > math.MaxInt64 {
			t.Errorf("parseSize(%q) = %d", s, n)
		}
	})
}

func TestCInt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"7": 7, " 7x": 7, "x": 0, "": 0, "-": 0, "-3": -3, "+4": 4, "99999999999": math.MaxInt32} {
		if got := cInt(text); got != want {
			t.Errorf("cInt(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestIndentJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"b":1,"a":[],"c":{}}`:      "{\n  \"b\":1,\n  \"a\":[\n  ],\n  \"c\":{\n  }\n}",
		`[true,null,"a/\n\u0001é"]`:  "[\n  true,\n  null,\n  \"a/\\n\\u0001é\"\n]",
		`{"n":18446744073709551616}`: "{\n  \"n\":18446744073709551616\n}",
	} {
		if got, err := indentJSON([]byte(text)); err != nil || got != want {
			t.Errorf("indentJSON(%s) = %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "{", "[1", `{"a"`, `{"a":}`} {
		if got, err := indentJSON([]byte(text)); err == nil {
			t.Errorf("indentJSON(%s) = %s, want an error", text, got)
		}
	}
}

// FuzzIndentJSON makes sure that the layout changes nothing of what is said.
func FuzzIndentJSON(f *testing.F) {
	for _, s := range []string{`{}`, `[1,2]`, `{"a":{"b":["c",1.5e3]},"a":null}`, `"\ud800\t"`, "{", `{"a":[[[]]]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var before, after any
		if strings.Count(s, "[")+strings.Count(s, "{") > 1000 || json.Unmarshal([]byte(s), &before) != nil {
			return
		}
		text, err := indentJSON([]byte(s))
		if err != nil {
			t.Fatalf("indentJSON(%q): %v", s, err)
		}
		if err := json.Unmarshal([]byte(text), &after); err != nil {
			t.Fatalf("indentJSON(%q) = %q: %v", s, text, err)
		}
		a, _ := json.Marshal(before)
		b, _ := json.Marshal(after)
		if string(a) != string(b) {
			t.Errorf("%q became %q", a, b)
		}
	})
}
