package cli

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sort"
	"sync"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// foreignParity is of how many codewords one must agree for an area to be believed to
// be the parity of the image. Bytes that have nothing to do with it agree by chance in
// one of 65,536.
const foreignParity = 64

// mendParity compares the parity with what data and tree, as repaired, should have,
// and makes it anew where it differs. Of rounds with blocks that are still damaged it
// only lists what the code itself locates: there is nothing to compare with. Nor does it
// touch an area of which hardly anything agrees, unless that is wanted: with another
// number of roots or another offset it would overwrite what is not this parity.
// progress is told about covered bytes.
func (m *mender) mendParity(ctx context.Context, progress func(bytes int64)) error {
	if m.decoder == nil || !m.left.RootOK {
		return nil
	}
	unclean := m.rounds(m.left)
	stream := m.area.Stream(m.data, m.hash)
	w := &parityMender{mender: m, unclean: unclean, differ: map[uint64]struct{}{}}
	p := m.fec
	p.Progress = progress
	if err := fec.Encode(ctx, stream, w, 0, p); err != nil {
		return err
	}
	for b := range w.differ {
		m.parityBefore = append(m.parityBefore, verity.Range{First: b, Last: b})
	}
	if len(unclean) > 0 {
		report, err := fec.Check(ctx, stream, m.parity, 0, m.fec)
		if err != nil {
			return err
		}
		for _, d := range report.Parity {
			m.parityLeft = append(m.parityLeft, verity.Range(d))
		}
		m.parityLeft = merged(m.parityLeft)
	}
	m.parityBefore = merged(append(m.parityBefore, m.parityLeft...))
	if m.parityForeign = w.agree < w.compared/foreignParity; m.parityForeign && !m.anyParity {
		m.parityLeft = m.parityBefore
	}
	return nil
}

// rounds lists the rounds of the parity that cover blocks which r says are damaged or
// not proven.
func (m *mender) rounds(r *verity.Report) []verity.Range {
	n := m.fec.Rounds()
	var list []verity.Range
	damaged := m.inStream(r)
	for _, u := range r.Unproven {
		damaged = append(damaged, fec.Range(u))
	}
	for _, d := range damaged {
		first, last := d.First%n, d.Last%n
		switch {
		case d.Last-d.First >= n-1:
			return []verity.Range{{First: 0, Last: n - 1}}
		case first <= last:
			list = append(list, verity.Range{First: first, Last: last})
		default:
			list = append(list, verity.Range{First: 0, Last: last}, verity.Range{First: first, Last: n - 1})
		}
	}
	return merged(list)
}

// parityMender takes the parity as it should be, compares it with the stored one and
// puts it into the overlay where that differs. Pieces may come concurrently, in any
// size.
type parityMender struct {
	*mender
	unclean []verity.Range // rounds to leave alone

	mu              sync.Mutex
	differ          map[uint64]struct{} // blocks
	compared, agree uint64              // codewords
}

// WriteAt compares p with the parity at offset off of the area.
func (w *parityMender) WriteAt(p []byte, off int64) (int, error) {
	stored := make([]byte, len(p))
	if n, err := w.baseParity.ReadAt(stored, off); n < len(p) {
		return 0, ui.Failf("reading parity at offset %d of its area: %w", off, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if bytes.Equal(stored, p) {
		codewords := uint64(len(p) / w.fec.Roots)
		w.compared, w.agree = w.compared+codewords, w.agree+codewords
		return len(p), nil
	}
	size := int64(w.fec.BlockSize)
	for done := int64(0); done < int64(len(p)); {
		at := off + done
		n := min(size-at%size, int64(len(p))-done)
		block := uint64(at / size)
		if !w.isUnclean(block / uint64(w.fec.Roots)) {
			if err := w.takeBlock(block, stored[done:done+n], p[done:done+n], at); err != nil {
				return int(done), err
			}
		}
		done += n
	}
	return len(p), nil
}

// takeBlock compares a part of one block, and puts it into the overlay if it differs.
func (w *parityMender) takeBlock(block uint64, stored, p []byte, off int64) error {
	roots := w.fec.Roots
	for c := int(-off % int64(roots)); c+roots <= len(p); c += roots { // codewords cut in two do not count
		if c >= 0 {
			w.compared++
			if bytes.Equal(stored[c:c+roots], p[c:c+roots]) {
				w.agree++
			}
		}
	}
	if bytes.Equal(stored, p) {
		return nil
	}
	w.differ[block] = struct{}{}
	return patchBlock(w.parity, int64(w.fec.BlockSize), p, off)
}

// isUnclean looks a round up.
func (w *parityMender) isUnclean(round uint64) bool {
	i := sort.Search(len(w.unclean), func(i int) bool { return w.unclean[i].Last >= round })
	return i < len(w.unclean) && w.unclean[i].First <= round
}

// patchBlock writes a part of one block.
func patchBlock(o *ui.Overlay, size int64, p []byte, off int64) error {
	block := make([]byte, size)
	begin := off / size * size
	if n, err := o.ReadAt(block, begin); n < len(block) {
		return ui.Failf("reading parity at offset %d of its area: %w", begin, err)
	}
	copy(block[off-begin:], p)
	_, err := o.WriteAt(block, begin)
	return err
}

var _ io.WriterAt = (*parityMender)(nil)

// common lists what two sorted lists of ranges have in common.
func common(a, b []verity.Range) []verity.Range {
	var list []verity.Range
	for _, r := range a {
		i, _ := slices.BinarySearchFunc(b, r.First, func(e verity.Range, first uint64) int {
			if e.Last < first {
				return -1
			}
			return 1
		})
		for ; i < len(b) && b[i].First <= r.Last; i++ {
			list = append(list, verity.Range{First: max(r.First, b[i].First), Last: min(r.Last, b[i].Last)})
		}
	}
	return list
}
