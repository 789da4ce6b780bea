package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// mender repairs an image in overlays, never in its files: tree blocks from the data
// under them, data and tree from the parity, the parity from both. Whatever it does
// is a guess until the root hash says otherwise: after every step the whole image is
// checked again, and blocks that are still damaged get their old bytes back.
type mender struct {
	params verity.Params
	layout verity.Layout
	root   []byte
	area   fec.Area
	fec    fec.Params // Roots is 0 without parity

	baseData, baseHash, baseParity io.ReaderAt // as the files are; parity from its start on
	data, hash, parity             *ui.Overlay
	decoder                        *fec.Decoder // nil without parity

	before                   *verity.Report // what was found first
	left                     *verity.Report // what could not be repaired
	parityBefore, parityLeft []verity.Range // blocks of the parity area
	parityForeign            bool           // hardly anything there agrees with the image
	anyParity                bool           // make it anew all the same
	touchedData, touchedTree []verity.Range // blocks that were damaged at some time
}

// newMender lays overlays over data and hash, which it does not close.
func newMender(data, hash io.ReaderAt, p verity.Params, l verity.Layout, root []byte) (m *mender, err error) {
	p.Progress = nil
	m = &mender{params: p, layout: l, root: root, baseData: data, baseHash: hash}
	if m.data, err = ui.NewOverlay(data, p.DataBlockSize); err != nil {
		return nil, err
	}
	if m.hash, err = ui.NewOverlay(hash, p.HashBlockSize); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

// useParity adds the parity area that a describes, on a device that is not closed.
func (m *mender) useParity(parity io.ReaderAt, a fec.Area) (err error) {
	if m.fec, err = a.Params(); err != nil {
		return err
	}
	m.area, m.baseParity = a, shifted{parity, a.Offset}
	m.fec.Jobs = m.params.Jobs
	if m.parity, err = ui.NewOverlay(m.baseParity, m.fec.BlockSize); err != nil {
		return err
	}
	m.decoder, err = fec.NewDecoder(a.Stream(m.data, m.hash), m.parity, 0, m.fec)
	return err
}

// close drops the overlays.
func (m *mender) close() error {
	var errs []error
	for _, o := range []*ui.Overlay{m.data, m.hash, m.parity} {
		if o != nil {
			errs = append(errs, o.Close())
		}
	}
	return errors.Join(errs...)
}

// shifted reads another reader at offsets that are by bytes higher.
type shifted struct {
	io.ReaderAt
	by int64
}

// ReadAt reads at off plus the shift.
func (s shifted) ReadAt(p []byte, off int64) (int, error) { return s.ReaderAt.ReadAt(p, off+s.by) }

// run repairs what it can, given what a check of the files has found.
func (m *mender) run(ctx context.Context, r *verity.Report) (err error) {
	m.before, m.left = r, r
	if !r.RootOK {
		if r, err = m.mendTop(ctx, r); err != nil || !r.RootOK {
			return err
		}
	}
	for range m.layout.Levels() + 2 {
		was := r
		for _, step := range []func(context.Context, *verity.Report) (bool, error){m.rebuildTree, m.decode} {
			if r, err = m.step(ctx, r, step); err != nil {
				return err
			}
		}
		if r.OK() || !isLess(r, was) {
			break
		}
	}
	m.left = r
	return nil
}

// isLess reports whether a has less damage than b.
func isLess(a, b *verity.Report) bool {
	return total(a.Data)+total(a.Tree)+total(a.Unproven) < total(b.Data)+total(b.Tree)+total(b.Unproven) || b.More
}

func total(list []verity.Range) (n uint64) {
	for _, r := range list {
		n += r.Last - r.First + 1
	}
	return n
}

// check asks the root hash about the image as it is in the overlays.
func (m *mender) check(ctx context.Context) (*verity.Report, error) {
	return verity.Check(ctx, m.data, m.hash, m.params, m.root)
}

// step tries one way of repairing what r lists and keeps what the root hash proves.
func (m *mender) step(ctx context.Context, r *verity.Report, how func(context.Context, *verity.Report) (bool, error)) (*verity.Report, error) {
	if r.OK() {
		return r, nil
	}
	changed, err := how(ctx, r)
	if err != nil || !changed {
		return r, err
	}
	after, err := m.check(ctx)
	if err != nil {
		return nil, err
	}
	m.touchedData = merged(append(m.touchedData, r.Data...))
	m.touchedTree = merged(append(m.touchedTree, r.Tree...))
	badData, badTree := r.Data, r.Tree
	if after.RootOK {
		badData = common(r.Data, merged(slices.Concat(after.Data, after.Unproven)))
		badTree = common(r.Tree, after.Tree)
	}
	if err := putBack(m.data, m.baseData, m.params.DataBlockSize, badData); err != nil {
		return nil, err
	}
	if err := putBack(m.hash, m.baseHash, m.params.HashBlockSize, badTree); err != nil {
		return nil, err
	}
	if !after.RootOK || isLess(r, after) { // it was worse with the guesses
		return m.check(ctx)
	}
	return after, nil
}

// putBack gives blocks the bytes that they have in the file.
func putBack(o *ui.Overlay, base io.ReaderAt, size int, blocks []verity.Range) error {
	buf := make([]byte, size)
	for _, r := range blocks {
		for b := r.First; b <= r.Last; b++ {
			off := int64(b) * int64(size)
			if n, err := base.ReadAt(buf, off); n < size {
				return ui.Failf("reading a damaged block at offset %d: %w", off, err)
			}
			if _, err := o.WriteAt(buf, off); err != nil {
				return err
			}
		}
	}
	return nil
}

// mendTop recovers the block that the root hash is of, without which nothing else is
// known.
func (m *mender) mendTop(ctx context.Context, r *verity.Report) (*verity.Report, error) {
	if m.decoder == nil {
		return r, nil
	}
	hasher, err := verity.NewHasher(m.params)
	if err != nil {
		return nil, err
	}
	top := uint64(0) // of a tree without levels
	if m.layout.Levels() > 0 {
		top = m.layout.DataBlocks()
	}
	sum := make([]byte, m.layout.DigestSize())
	bad := func(block uint64, data []byte) bool {
		if block != top {
			return false
		}
		hasher.SumBlocks(sum, data, len(data))
		return !bytes.Equal(sum, m.root)
	}
	result, err := m.decoder.Repair(ctx, m.area.StreamWriter(m.data, m.hash), []fec.Range{{First: top, Last: top}}, bad)
	if err != nil || len(result.Repaired) == 0 {
		return r, err
	}
	if r, err = m.check(ctx); err != nil {
		return nil, err
	}
	found := *r // what a check would have found if it knew of parity
	if m.layout.Levels() == 0 {
		m.touchedData = []verity.Range{{}}
		found.Data = m.touchedData
	} else {
		m.touchedTree = []verity.Range{{First: m.layout.HashStart(), Last: m.layout.HashStart()}}
		found.Tree = merged(slices.Concat(m.touchedTree, r.Tree))
	}
	m.before = &found
	return r, nil
}

// decode repairs the blocks that r lists from the parity.
func (m *mender) decode(ctx context.Context, r *verity.Report) (bool, error) {
	list := m.inStream(r)
	if m.decoder == nil || len(list) == 0 {
		return false, nil
	}
	judge, err := newBlockJudge(m)
	if err != nil {
		return false, err
	}
	result, err := m.decoder.Repair(ctx, m.area.StreamWriter(m.data, m.hash), list, judge.isBad)
	return err == nil && len(result.Repaired) > 0, err
}

// inStream numbers the damaged blocks as the parity does: data first, then the tree.
func (m *mender) inStream(r *verity.Report) []fec.Range {
	var list []fec.Range
	for _, d := range r.Data {
		list = append(list, fec.Range(d))
	}
	move := m.params.DataBlocks - m.params.HashStartBlock // may wrap around, and back below
	for _, d := range r.Tree {
		list = append(list, fec.Range{First: d.First + move, Last: d.Last + move})
	}
	return list
}
