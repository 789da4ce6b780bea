package cli

import (
	"testing"

	"github.com/dmimg/dmimg/volume/probe"
)

func TestSplitMap(t *testing.T) {
	t.Parallel()
	words := []string{"7:0", "/dev/disk/by-label/a=b", "/dev/disk/by-label/a"}
	cases := []struct{ in, word, path string }{
		{"7:0=disk.img", "7:0", "disk.img"},
		{"7:0=a,b=c.img", "7:0", "a,b=c.img"},
		{"/dev/disk/by-label/a=b=x.img", "/dev/disk/by-label/a=b", "x.img"},
		{"/dev/disk/by-label/a=x.img", "/dev/disk/by-label/a", "x.img"},
		{"other=@device", "other", "@device"},
		{"7:01=x", "7:01", "x"},
	}
	for _, c := range cases {
		if word, path := splitMap(c.in, words); word != c.word || path != c.path {
			t.Errorf("splitMap(%q) = %q, %q, want %q, %q", c.in, word, path, c.word, c.path)
		}
	}
}

func TestByteRangeWithin(t *testing.T) {
	t.Parallel()
	const big = 1<<63 - 1
	cases := []struct {
		r    byteRange
		size int64
		want byteRange
		ok   bool
	}{
		{byteRange{0, -1}, 100, byteRange{0, 100}, true},
		{byteRange{40, -1}, 100, byteRange{40, 60}, true},
		{byteRange{100, -1}, 100, byteRange{100, 0}, true},
		{byteRange{40, 60}, 100, byteRange{40, 60}, true},
		{byteRange{40, 61}, 100, byteRange{}, false},
		{byteRange{101, -1}, 100, byteRange{}, false},
		{byteRange{big, big}, 100, byteRange{}, false},
		{byteRange{1, big}, big, byteRange{}, false},
		{byteRange{0, big}, big, byteRange{0, big}, true},
	}
	for _, c := range cases {
		got, err := c.r.within(c.size)
		if (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("%+v.within(%d) = %+v, %v, want %+v, ok %v", c.r, c.size, got, err, c.want, c.ok)
		}
	}
}

func TestOpenLines(t *testing.T) {
	t.Parallel()
	l := &probe.Layer{OpenWith: []string{
		"0 8 linear IMAGE 16", "p1: 0 8 linear IMAGE 16", "dmimg verity verify DATA IMAGE ROOT",
		"0 8 integrity DATA 0 4 J 1 meta_device:IMAGE",
	}}
	cases := []struct {
		path string
		want [4]string
	}{
		{"disk.img", [4]string{
			"0 8 linear disk.img 16", "p1: 0 8 linear disk.img 16", "dmimg verity verify DATA disk.img ROOT",
			"0 8 integrity DATA 0 4 J 1 meta_device:disk.img",
		}},
		{`it's a\b`, [4]string{
			`0 8 linear it's\ a\\b 16`, `p1: 0 8 linear it's\ a\\b 16`, `dmimg verity verify DATA 'it'\''s a\b' ROOT`,
			`0 8 integrity DATA 0 4 J 1 meta_device:it's\ a\\b`,
		}},
	}
	for _, c := range cases {
		for i, line := range openLines(l, c.path) {
			if line != c.want[i] {
				t.Errorf("%q: line %q, want %q", c.path, line, c.want[i])
			}
		}
	}
}

func TestConciseText(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{
		"a,,,rw,0 8 zero": true, "a,uuid,3,ro,0 8 zero;b,,,rw,0 8 zero": true, "dm-mod.create=a,,,ro,0 8 zero": true,
		"\n \"dm-mod.create=\\\"a,,,ro,0 8 zero\\\"\"": true,
		"0 8 zero": false, "a: 0 8 zero": false, "0 8 linear a,b,c,rw 0": false, "": false, "a,b,c": false,
	}
	for text, want := range cases {
		if got := conciseText(text); got != want {
			t.Errorf("conciseText(%q) = %v, want %v", text, got, want)
		}
	}
}
