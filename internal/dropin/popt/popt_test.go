package popt

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

var poptOptions = []Option{
	{Long: "all", Short: 'a'},
	{Long: "salt", Short: 's', Kind: Text, Value: "hex"},
	{Long: "count", Short: 'c', Kind: Number64, Value: "n"},
	{Long: "size", Kind: Number32, Value: "n"},
	{Long: "id", Short: 'i', Kind: Int32, Value: "n"},
	{Long: "help", Short: '?', Stops: true},
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"a b", "map[] [a b]"},
		{"a --all b", "map[all:] [a b]"},
		{"-as 00 x", "map[all: salt:00] [x]"},
		{"-s00 -s=01", "map[salt:01] []"},
		{"-as=00", "map[all: salt:00] []"},
		{"--salt --all -", "map[salt:--all] [-]"},
		{"--salt= x", "map[salt:] [x]"},
		{"--salt=a=b", "map[salt:a=b] []"},
		{"-s -- -- -a", "map[salt:--] [-a]"},
		{"-c +5 --size=010", "map[count:+5 size:010] []"},
		{"-? --bogus", "map[help:] [] stop help"},
		{"-a?b", "map[all: help:] [] stop help"},
		{"--al", "--al: unknown option"},
		{"--all=1", "--all=1: option does not take an argument"},
		{"-a=", "-a=: option does not take an argument"},
		{"-ab", "-ab: unknown option"},
		{"-s", "-s: missing argument"},
		{"--salt", "--salt: missing argument"},
		{"--size=4294967296", "--size=4294967296: invalid numeric value"},
		{"--size=-1", "--size=-1: invalid numeric value"},
		{"-c 1k", "-c: invalid numeric value"},
		{"-c --", "-c: invalid numeric value"},
		{"-i -1 --id=+7", "map[id:+7] []"},
		{"-i 2147483648", "-i: invalid numeric value"},
		{"--id=-2147483649", "--id=-2147483649: invalid numeric value"},
		{"--id=", "--id=: invalid numeric value"},
		{"-=", "-=: unknown option"},
		{"--=", "--=: unknown option"},
	} {
		line, err := Parse(poptOptions, strings.Fields(c.args))
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(line.Values, " ", line.Words)
			if line.Stop != "" {
				got += " stop " + line.Stop
			}
		}
		if got != c.want {
			t.Errorf("%q: got %s, want %s", c.args, got, c.want)
		}
	}
}

func TestParseNumberWraps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want uint64
		ok   bool
	}{
		{"0", 0, true},
		{" \t7", 7, true},
		{"-1", 1<<64 - 1, true},
		{"18446744073709551615", 1<<64 - 1, true},
		{"18446744073709551616", 0, false},
		{"", 0, false},
		{"+", 0, false},
		{"-", 0, false},
		{"+-1", 0, false},
		{"--1", 0, false},
		{"1_0", 0, false},
		{"0x1", 0, false},
		{"1 ", 0, false},
	} {
		if got, ok := parseNumber(c.text, Number64); got != c.want || ok != c.ok {
			t.Errorf("parseNumber(%q) = %d, %t, want %d, %t", c.text, got, ok, c.want, c.ok)
		}
	}
}

// FuzzParse makes sure that no command line panics or loses a word.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"format d h --salt=00", "-as 00 -c=1", "-- a -b", "--=", "-", "-?", "--count=-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		args := strings.Split(s, " ")
		line, err := Parse(poptOptions, args)
		if err != nil {
			return
		}
		for _, w := range line.Words {
			if !slices.Contains(args, w) {
				t.Errorf("%q: word %q came from nowhere", args, w)
			}
		}
		for _, o := range line.Given {
			if o.Kind == Number32 && line.Number(o.Long, 0) > 1<<32-1 {
				t.Errorf("%q: %s is %d", args, o.Long, line.Number(o.Long, 0))
			}
		}
	})
}
