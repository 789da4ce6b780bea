package verity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
)

// FuzzUpdate gives Update trees with edits and cuts, parameters that may not be
// theirs and any list. It must not panic, and what it makes of a sound image must
// be what Check accepts.
func FuzzUpdate(f *testing.F) {
	f.Add(uint8(1), uint8(4), uint32(4096), uint32(4096), uint64(3), uint64(1), []byte{1}, uint8(0), []byte{}, uint64(1), uint64(2), true)
	f.Add(uint8(0), uint8(2), uint32(512), uint32(512), uint64(40), uint64(0), []byte{}, uint8(0), []byte{1, 0, 9, 0, 3, 7}, uint64(0), uint64(39), false)
	f.Add(uint8(1), uint8(4), uint32(512), uint32(512), uint64(1)<<40, uint64(1)<<40, []byte{}, uint8(0), []byte{1}, uint64(1)<<39, uint64(1)<<39, false)
	f.Add(uint8(1), uint8(6), uint32(512), uint32(512), uint64(70), uint64(2), []byte{2}, uint8(3), []byte{1, 2, 0, 1, 3, 0, 0, 0, 0}, uint64(5), uint64(4), true)
	f.Fuzz(func(t *testing.T, hashType, algorithm uint8, dataSize, hashSize uint32, blocks, start uint64, salt []byte, cut uint8, edits []byte, first, last uint64, withOld bool) {
		i := &image{
			p:    hostile(hashType, algorithm, dataSize, hashSize, blocks, start, salt),
			data: &memory{b: make([]byte, 600)}, hash: &memory{b: make([]byte, 700)},
		}
		a, err := hashes.Lookup(i.p.Algorithm)
		if err != nil {
			t.Fatal(err)
		}
		i.root = make([]byte, a.Size)
		sound := false
		if l, err := NewLayout(i.p); err == nil && l.DataBytes() <= 64<<10 && l.HashEndOffset() <= 64<<10 {
			data := pattern(int(l.DataBytes()), 7)
			tree, root := modelTree(t, i.p, data)
			i.data.b, i.root = data, root
			i.hash.b = append(make([]byte, l.HashOffset()), tree...)
			sound = true
		}
		old := &memory{b: bytes.Clone(i.data.b)}
		i.data.b = i.data.b[:len(i.data.b)-min(len(i.data.b), int(cut&15))]
		i.hash.b = i.hash.b[:len(i.hash.b)-min(len(i.hash.b), int(cut>>4))]
		var changed []Range
		if first <= last {
			changed = append(changed, Range{first, last})
		}
		for ; len(edits) >= 3; edits = edits[3:] {
			b := [][]byte{i.data.b, i.hash.b, i.root}[edits[0]%3]
			at := int(edits[1])<<8 | int(edits[2])
			if at >= len(b) {
				continue
			}
			b[at] ^= edits[0] | 1
			sound = sound && edits[0]%3 == 0
			if edits[0]%3 == 0 {
				changed = append(changed, Range{uint64(at / i.p.DataBlockSize), uint64(at / i.p.DataBlockSize)})
			}
		}
		updateHostile(t, i, old, changed, withOld, sound && cut == 0)
	})
}

func updateHostile(t *testing.T, i *image, old *memory, changed []Range, withOld, sound bool) {
	o := UpdateOptions{Root: i.root}
	if withOld {
		o.OldData = old
	}
	before := bytes.Clone(i.hash.b)
	out := &memory{b: bytes.Clone(i.hash.b)}
	got, err := Update(context.Background(), i.data, i.hash, out, i.p, changed, o)
	if err != nil {
		if !errors.Is(err, ErrBadParams) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("got %v, want ErrBadParams, ErrUnexpectedEOF or ErrCorrupt", err)
		}
		if sound && !errors.Is(err, ErrBadParams) {
			t.Fatalf("got %v of a sound image", err)
		}
		return
	}
	if !bytes.Equal(i.hash.b, before) {
		t.Fatal("the old tree was changed")
	}
	if !sound {
		return
	}
	report, err := Check(context.Background(), i.data, out, i.p, got.Root)
	if err != nil || !report.OK() {
		t.Fatalf("after the update: got %s, %v, want OK", show(report), err)
	}
}
