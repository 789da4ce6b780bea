package cli

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli/journal"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

func TestParseChange(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]changedBytes{
		"0:0": {}, "4096:1": {4096, 1}, "8S:1M": {4096, 1 << 20}, "1KB:1KiB": {1000, 1024},
		"0:9223372036854775807": {0, math.MaxInt64},
	} {
		if got, err := parseChange(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", ":", "1", "1:", ":1", "1:2:3", "-1:1", "1:-1", "x:1", "1:9223372036854775807", "1 : 2", "0x10:1"} {
		if got, err := parseChange(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestChangeList(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for name, c := range map[string]struct {
		text, wrong string
		want        []verity.Range
	}{
		"empty":         {text: "\n# nothing\n   \n"},
		"lines":         {text: "4096:1 # one byte\r\n\n0:4097\n1M:0\n", want: []verity.Range{{First: 0, Last: 1}}},
		"no newline":    {text: "1044480:4096", want: []verity.Range{{First: 255, Last: 255}}},
		"bad line":      {text: "0:1\n\n0:x\n", wrong: `line 3, "0:x": size "x"`},
		"past the end":  {text: "1M:1", wrong: "ends at byte 1048577, the tree covers 1048576 bytes of DATA"},
		"endless":       {text: "0:1\n" + strings.Repeat("1", 5000), wrong: "line 2: longer than"},
		"two on a line": {text: "0:1 4096:1", wrong: "line 1"},
	} {
		l := changeList{name: "DATA", blockSize: 4096, size: mib}
		err := l.read(strings.NewReader(c.text))
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) || ui.ExitCode(err) != ui.ExitWrongUse {
				t.Errorf("%s: got %v, want wrong use with %q", name, err, c.wrong)
			}
			continue
		}
		got := verity.JoinRanges(l.blocks, maxChanges)
		if err != nil || len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, c.want)
		}
	}
}

// TestChangeListIsBounded reads more separate blocks than are kept; none gets lost.
func TestChangeListIsBounded(t *testing.T) {
	t.Parallel()
	const n = 3 * maxChanges
	l := changeList{blockSize: 512, size: math.MaxInt64}
	for i := range int64(n) {
		if err := l.add(changedBytes{(n - i) * (1 << 20), 1}); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.blocks) > 2*maxChanges {
		t.Errorf("got %d ranges, want at most %d", len(l.blocks), 2*maxChanges)
	}
	list := verity.JoinRanges(l.blocks, maxChanges)
	at := 0
	for i := int64(1); i <= n; i++ {
		block := uint64(i * (1 << 11))
		for at < len(list) && list[at].Last < block {
			at++
		}
		if at == len(list) || list[at].First > block {
			t.Fatalf("block %d got lost", block)
		}
	}
}

// FuzzChangeList reads any list: what it accepts lies inside the data, and all of it is
// listed.
func FuzzChangeList(f *testing.F) {
	f.Add("0:1\n", uint16(1), uint8(0))
	f.Add("4096:1 # one\n\n8S:1K\n1M:1M", uint16(700), uint8(3))
	f.Add("9223372036854775807:1\n1:9223372036854775807\n0:8E", uint16(9), uint8(10))
	f.Add("1:2:3\n\x00", uint16(0), uint8(1))
	f.Fuzz(func(t *testing.T, text string, blocks uint16, bits uint8) {
		l := changeList{name: "DATA", blockSize: 512 << (bits % 11)}
		l.size = int64(blocks) * l.blockSize
		err := l.read(strings.NewReader(text))
		for _, r := range l.blocks {
			if r.First > r.Last || r.Last >= uint64(blocks) {
				t.Fatalf("%q: got blocks %v of %d", text, r, blocks)
			}
		}
		if err != nil && ui.ExitCode(err) != ui.ExitWrongUse {
			t.Fatalf("%q: got %v, want wrong use", text, err)
		}
		for line := range strings.Lines(text) {
			r, bad := parseChange(strings.TrimSpace(line))
			if bad != nil || err != nil || r.length == 0 {
				continue
			}
			first, last := uint64(r.offset/l.blockSize), uint64((r.offset+r.length-1)/l.blockSize)
			if list := verity.JoinRanges(l.blocks, maxChanges); len(common([]verity.Range{{First: first, Last: last}}, list)) == 0 {
				t.Fatalf("%q: block %d is not listed", text, first)
			}
		}
	})
}

// TestJournalOwner encodes and decodes what a journal belongs to.
func TestJournalOwner(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte{7}, 64)
	for _, want := range []journalOwner{
		{root: []byte("new")}, {update: true, old: []byte("old"), root: []byte("new")}, {update: true, root: long}, {update: true, old: long, root: long},
	} {
		b := want.binding()
		got, err := ownerOf(b)
		if err != nil || got.update != want.update || !bytes.Equal(got.old, want.old) || !bytes.Equal(got.root, want.root) || len(b) > journal.MaxBinding {
			t.Errorf("%+v: got %+v, %v, from %d bytes", want, got, err, len(b))
		}
	}
	for _, b := range []string{"", "verity", "verity update ", "verity update \x05abcd", "luks header"} {
		if got, err := ownerOf([]byte(b)); err == nil {
			t.Errorf("%q: got %+v, want an error", b, got)
		}
	}
}

// TestDifferences finds what differs from a file, in pieces that a journal takes.
func TestDifferences(t *testing.T) {
	t.Parallel()
	old := bytes.Repeat([]byte{1}, 5<<20)
	now := bytes.Clone(old)
	for at := 1 << 20; at < 3<<20; at++ {
		now[at] = 2
	}
	now[0], now[len(now)-1] = 3, 3
	got := bytes.Clone(old)
	var sizes []int
	d := &differences{file: 4, old: bytes.NewReader(old), unit: 4096, add: func(r journal.Record) error {
		if r.File != 4 || len(r.New) > journal.MaxRecord || !bytes.Equal(r.Old, old[r.Offset:][:len(r.Old)]) {
			t.Errorf("got a record of %d bytes at %d", len(r.New), r.Offset)
		}
		sizes = append(sizes, len(r.New))
		copy(got[r.Offset:], r.New)
		return nil
	}}
	if n, err := d.WriteAt(now, 0); n != len(now) || err != nil || !bytes.Equal(got, now) || d.bytes != 2<<20+2*4096 || len(sizes) != 4 {
		t.Errorf("got %d, %v, %d bytes in records of %v", n, err, d.bytes, sizes)
	}
	broken := errors.New("broken")
	d.add = func(journal.Record) error { return broken }
	if _, err := d.WriteAt(now, 0); !errors.Is(err, broken) {
		t.Errorf("got %v, want the error", err)
	}
	if _, err := d.WriteAt(now[:10], 5<<20-4); err == nil {
		t.Error("past the end of the file: no error")
	}
}
