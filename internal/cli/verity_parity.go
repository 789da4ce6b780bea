package cli

import (
	"context"
	"errors"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// parityCheck finds out which damage parity can undo: it repairs in overlays, never
// in the files, and asks the root hash again.
type parityCheck struct {
	*mender

	device *ui.Input
}

// openParity opens the FEC device of an image. The caller closes the result.
func openParity(ctx context.Context, f fecFlags, data, hash *ui.Input, p verity.Params, l verity.Layout, root []byte) (*parityCheck, error) {
	device, err := openSized(ctx, "the FEC device", f.device)
	if err != nil {
		return nil, err
	}
	c := &parityCheck{device: device}
	area, err := placeParity(f, device, data, hash, p, l)
	if err == nil {
		c.mender, err = newMender(zeroExtended{data}, hash, p, l, root)
	}
	if err == nil {
		err = c.useParity(device, area)
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *parityCheck) close() error {
	err := c.device.Close()
	if c.mender != nil {
		err = errors.Join(err, c.mender.close())
	}
	return err
}

// placeParity works out what the parity covers, and that all of it is there.
func placeParity(f fecFlags, parity, data, hash *ui.Input, p verity.Params, l verity.Layout) (fec.Area, error) {
	if p.DataBlockSize != p.HashBlockSize {
		return fec.Area{}, ui.Usagef("--fec-device: data blocks of %d and hash blocks of %d bytes must be of one size", p.DataBlockSize, p.HashBlockSize)
	}
	area := fec.Area{
		BlockSize: p.DataBlockSize, Roots: f.roots, DataBlocks: p.DataBlocks,
		HashStart: p.HashStartBlock, HashBlocks: l.HashBlocks(), HashDeviceBytes: hash.Size(), Offset: f.offset,
		WithData: ui.IsSameFile(parity.Info(), data.Info()), WithHash: ui.IsSameFile(parity.Info(), hash.Info()),
	}
	params, err := area.Params()
	if err != nil {
		return area, &ui.Error{Code: ui.ExitWrongUse, Err: err}
	}
	if need := f.offset + params.ParityBytes(); parity.Size() < need {
		return area, ui.Failf("%s has %d bytes, %d fewer than the parity needs, which ends at offset %d", parity.Name(), parity.Size(), need-parity.Size(), need)
	}
	return area, nil
}
