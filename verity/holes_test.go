package verity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
)

// sparse is a device that knows its holes: all but the given blocks of 4096
// bytes. It refuses to read anything else, save for single bytes.
type sparse struct {
	*memory
	t      *testing.T
	blocks [][2]int64 // first, end
}

func (s *sparse) NextData(off int64) (start, end int64, err error) {
	for _, b := range s.blocks {
		if off < b[1]*4096 {
			return max(off, b[0]*4096), b[1] * 4096, nil
		}
	}
	return 0, 0, io.EOF
}

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	start, _, err := s.NextData(off)
	if len(p) > 1 && (err != nil || start >= off+int64(len(p))) {
		s.t.Errorf("reading %d bytes at %d: all of that is a hole", len(p), off)
	}
	return s.memory.ReadAt(p, off)
}

func TestHolesAreNotRead(t *testing.T) {
	t.Parallel()
	for name, blocks := range map[string][][2]int64{
		"nothing":    nil,
		"all":        {{0, 1500}},
		"some":       {{3, 4}, {127, 129}, {500, 600}, {1300, 1301}},
		"first":      {{0, 1}},
		"last":       {{1499, 1500}},
		"many":       {{0, 100}, {101, 102}, {200, 300}, {301, 400}, {1000, 1400}},
		"back again": {{1000, 1100}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := params(1500)
			p.Jobs = 2
			data := make([]byte, 1500*4096)
			for _, b := range blocks {
				copy(data[b[0]*4096:b[1]*4096], bytes.Repeat([]byte{7, 8, 9}, len(data)))
			}
			tree, root := modelTree(t, p, data)
			s := &sparse{&memory{b: data}, t, blocks}
			hash := new(memory)
			got, err := Build(context.Background(), s, hash, p)
			if err != nil || !bytes.Equal(got, root) || !bytes.Equal(hash.b[4096:], tree) {
				t.Errorf("build: got root hash %x, %v, want %x", got, err, root)
			}
			r, err := Check(context.Background(), s, hash, p, root)
			if err != nil || !r.OK() {
				t.Errorf("check: got %+v, %v, want OK", r, err)
			}
			wipe(hash, 1, 13, 4096) // restoring asks for the data again
			r, err = Check(context.Background(), s, hash, p, root)
			if err != nil || !r.RootOK || len(r.Data) > 0 || !equalRanges(r.Tree, []Range{{1, 13}}) {
				t.Errorf("check without a tree: got %+v, %v, want only the tree damaged", r, err)
			}
		})
	}
}

// finder gives one answer.
type finder struct {
	start, end int64
	err        error
}

func (f finder) NextData(int64) (int64, int64, error) { return f.start, f.end, f.err }

func TestUselessHoleFindersAreIgnored(t *testing.T) {
	t.Parallel()
	for _, f := range []finder{{err: errors.New("not now")}, {start: 50, end: 40}, {start: 99, end: 200}, {start: 120, end: 120}} {
		m := &holeMap{finder: f}
		if m.covers(100, 1) || m.covers(0, 10) {
			t.Errorf("%+v: got a hole, want none", f)
		}
	}
	if newHoleMap(&memory{}).covers(0, 1) {
		t.Error("plain memory: got a hole, want none")
	}
}
