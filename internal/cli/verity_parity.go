package cli

import (
	"context"
	"errors"
	"io"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// parityCheck finds out which damage parity can undo: it repairs in an overlay, never
// in the files, and asks the root hash again.
type parityCheck struct {
	params verity.Params
	layout verity.Layout
	root   []byte
	area   fec.Area
	fec    fec.Params
	parity *ui.Input
	stream *ui.Overlay // data, then the hash device from the tree on
	data   io.ReaderAt // the same, apart
	hash   io.ReaderAt
}

// openParity opens the FEC device of an image. The caller closes the result.
func openParity(ctx context.Context, f fecFlags, data, hash *ui.Input, p verity.Params, l verity.Layout, root []byte) (*parityCheck, error) {
	parity, err := openSized(ctx, "the FEC device", f.device)
	if err != nil {
		return nil, err
	}
	c := &parityCheck{params: p, layout: l, root: root, parity: parity}
	if err := c.place(f, data, hash); err != nil {
		return nil, errors.Join(err, parity.Close())
	}
	return c, nil
}

// place works out what the parity covers and lays the overlay over it.
func (c *parityCheck) place(f fecFlags, data, hash *ui.Input) (err error) {
	if c.params.DataBlockSize != c.params.HashBlockSize {
		return ui.Usagef("--fec-device: data blocks of %d and hash blocks of %d bytes must be of one size", c.params.DataBlockSize, c.params.HashBlockSize)
	}
	c.area = fec.Area{
		BlockSize: c.params.DataBlockSize, Roots: f.roots, DataBlocks: c.params.DataBlocks,
		HashStart: c.params.HashStartBlock, HashBlocks: c.layout.HashBlocks(), HashDeviceBytes: hash.Size(), Offset: f.offset,
		WithData: ui.IsSameFile(c.parity.Info(), data.Info()), WithHash: ui.IsSameFile(c.parity.Info(), hash.Info()),
	}
	if c.fec, err = c.area.Params(); err != nil {
		return &ui.Error{Code: ui.ExitWrongUse, Err: err}
	}
	c.fec.Jobs = c.params.Jobs
	if need := f.offset + c.fec.ParityBytes(); c.parity.Size() < need {
		return ui.Failf("%s has %d bytes, %d fewer than the parity needs, which ends at offset %d", c.parity.Name(), c.parity.Size(), need-c.parity.Size(), need)
	}
	if c.stream, err = ui.NewOverlay(c.area.Stream(zeroExtended{data}, hash), c.fec.BlockSize); err != nil {
		return err
	}
	c.data = c.stream
	c.hash = shifted{c.stream, c.layout.DataBytes() - c.layout.HashOffset()}
	return nil
}

func (c *parityCheck) close() error { return errors.Join(c.stream.Close(), c.parity.Close()) }

// shifted reads another reader at offsets that are by bytes higher.
type shifted struct {
	io.ReaderAt
	by int64
}

// ReadAt reads at off plus the shift.
func (s shifted) ReadAt(p []byte, off int64) (int, error) { return s.ReaderAt.ReadAt(p, off+s.by) }

// repair undoes in the overlay what parity can undo of the damage in r, and returns
// what is still damaged then. What a repaired tree reveals is repaired in turn.
func (c *parityCheck) repair(ctx context.Context, r *verity.Report) (*verity.Report, error) {
	decoder, err := fec.NewDecoder(c.stream, c.parity, c.area.Offset, c.fec)
	if err != nil {
		return nil, err
	}
	for range c.layout.Levels() + 2 {
		if r.OK() || !r.RootOK {
			break
		}
		result, err := decoder.Repair(ctx, c.stream, c.inStream(r), nil)
		if err != nil {
			return nil, err
		}
		if len(result.Repaired) == 0 {
			break
		}
		if r, err = verity.Check(ctx, c.data, c.hash, c.params, c.root); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// inStream numbers the damaged blocks as the parity does: data first, then the tree.
func (c *parityCheck) inStream(r *verity.Report) []fec.Range {
	var list []fec.Range
	for _, d := range r.Data {
		list = append(list, fec.Range(d))
	}
	move := c.params.DataBlocks - c.params.HashStartBlock // may wrap around, and back below
	for _, d := range r.Tree {
		list = append(list, fec.Range{First: d.First + move, Last: d.Last + move})
	}
	return list
}

// damagedParity lists the blocks of the parity area that are wrong, given what is
// still damaged under it. Rounds in which the code cannot tell count as wrong only
// when all that they cover is proven.
func (c *parityCheck) damagedParity(ctx context.Context, left *verity.Report) ([]verity.Range, error) {
	report, err := fec.Check(ctx, c.stream, c.parity, c.area.Offset, c.fec)
	if err != nil {
		return nil, err
	}
	var list []verity.Range
	for _, d := range report.Parity {
		list = append(list, verity.Range(d))
	}
	if left.OK() {
		roots := uint64(c.fec.Roots)
		for _, d := range report.Unclear {
			list = append(list, verity.Range{First: d.First * roots, Last: d.Last*roots + roots - 1})
		}
	}
	return merged(list), nil
}
