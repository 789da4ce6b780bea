package tables

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestSplitWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{" \t\n\v\f\r ", nil},
		{"a", []string{"a"}},
		{"  a\t b\nc ", []string{"a", "b", "c"}},
		{`/dev/my\ disk`, []string{"/dev/my disk"}},
		{`a\\ b`, []string{`a\`, "b"}},
		{`a\\\ b`, []string{`a\ b`}},
		{`\a\b`, []string{"ab"}},
		{"a\\\tb\\\n", []string{"a\tb\n"}},
		{`\  \ `, []string{" ", " "}},
		{"é\xa0x", []string{"é\xa0x"}},
	} {
		got, err := splitWords(c.in)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("splitWords(%q) = %q, %v, want %q", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{`a\`, `\`, `a \`, "a\x00b"} {
		if got, err := splitWords(in); !errors.Is(err, ErrSyntax) {
			t.Errorf("splitWords(%q) = %q, %v, want ErrSyntax", in, got, err)
		}
	}
}

func TestEscapeWord(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"7:0":          "7:0",
		"/dev/my disk": `/dev/my\ disk`,
		`a\b`:          `a\\b`,
		"\t\n\v\f\r ":  "\\\t\\\n\\\v\\\f\\\r\\ ",
		"é":            "é",
		"à":            "\xc3\\\xa0", // 0xA0, the second byte, is a space in Latin-1
	} {
		got, err := escapeWord(in)
		if err != nil || got != want {
			t.Errorf("escapeWord(%q) = %q, %v, want %q", in, got, err, want)
		}
		back, err := splitWords(got)
		if err != nil || len(back) != 1 || back[0] != in {
			t.Errorf("%q was escaped as %q and reads back as %q, %v", in, got, back, err)
		}
	}
	for _, in := range []string{"", "a\x00"} {
		if got, err := escapeWord(in); !errors.Is(err, ErrSyntax) {
			t.Errorf("escapeWord(%q) = %q, %v, want ErrSyntax", in, got, err)
		}
	}
}

func TestTrimSpace(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":        "",
		" \t ":    "",
		" a b \n": "a b",
		`a\ `:     `a\ `,
		`a\  `:    `a\ `,
		`a\\ `:    `a\\`,
		`a\\\ `:   `a\\\ `,
		`a\`:      `a\`,
		`\ `:      `\ `,
	} {
		if got := trimSpace(in); got != want {
			t.Errorf("trimSpace(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzWords: words survive being written and read, and whatever can be read
// can be written.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"", "7:0 0", `/dev/a\ b`, "\xa0", "a\\", "\x00", "a\x00 b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words, err := splitWords(s)
		if err != nil {
			return
		}
		var escaped []string
		for _, w := range words {
			e, err := escapeWord(w)
			if err != nil {
				t.Fatalf("word %q of %q: %v", w, s, err)
			}
			escaped = append(escaped, e)
		}
		again, err := splitWords(strings.Join(escaped, " "))
		if err != nil || !reflect.DeepEqual(again, words) {
			t.Fatalf("%q has words %q, they read back as %q, %v", s, words, again, err)
		}
		if masked := maskParams("crypt", s); len(masked) != len(s) {
			t.Fatalf("masking %q changed its length: %q", s, masked)
		}
	})
}

func TestEqualFold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"abc", "aBC", true},
		{"a_1", "A_1", true},
		{"abc", "abcd", false},
		{"k", "\u212a", false}, // the Kelvin sign folds to k in Unicode
		{"ſ", "s", false},
		{"[", "{", false},
	} {
		if got := equalFold(c.a, c.b); got != c.want {
			t.Errorf("equalFold(%q, %q) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
