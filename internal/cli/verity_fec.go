package cli

import (
	"context"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity/fec"
)

const (
	defaultFECRoots = 2
	minFECRoots     = 2
	maxFECRoots     = 24
	fecOffsetUnit   = 512
)

// fecFlags say where parity goes and how much of it there is.
type fecFlags struct {
	device string // "": none
	roots  int
	offset int64 // bytes
}

func fecFlagList() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "fec-device", Usage: "write Reed-Solomon parity to `FILE`"},
		&urfave.IntFlag{Name: "fec-roots", Usage: "parity `BYTES` of each 255: 2 to 24 (default: 2)"},
		ui.SizeFlag("fec-offset", "where the parity begins in the FEC device, in `BYTES` (default: 0)"),
	}
}

func fecFlagsOf(c *urfave.Context) (fecFlags, error) {
	f := fecFlags{device: c.String("fec-device"), roots: defaultFECRoots, offset: ui.SizeOf(c, "fec-offset", 0)}
	if c.IsSet("fec-roots") {
		f.roots = c.Int("fec-roots")
	}
	if f.roots < minFECRoots || f.roots > maxFECRoots {
		return f, ui.Usagef("--fec-roots %d: %d to %d", f.roots, minFECRoots, maxFECRoots)
	}
	if f.offset%fecOffsetUnit != 0 {
		return f, ui.Usagef("--fec-offset %d: not a multiple of %d", f.offset, fecOffsetUnit)
	}
	if f.device == "" && c.IsSet("fec-offset") {
		return f, ui.Usagef("--fec-offset says nothing without --fec-device")
	}
	if f.device == "-" {
		return f, ui.Usagef("--fec-device cannot be -")
	}
	return f, nil
}

// parityArea settles what the parity covers (see [fec.Area]), once the hash area has
// its length.
func (j *verityJob) parityArea() (area fec.Area, err error) {
	shared := j.parity == j.hash
	if shared {
		if err := j.hash.Grow(j.o.fec.offset); err != nil { // what lies between is covered too
			return area, err
		}
	}
	area = fec.Area{
		BlockSize: j.params.DataBlockSize, Roots: j.o.fec.roots, DataBlocks: j.params.DataBlocks,
		HashStart: j.params.HashStartBlock, HashBlocks: j.layout.HashBlocks(), HashDeviceBytes: j.layout.HashEndOffset(),
		Offset: j.o.fec.offset, WithHash: shared, WithData: ui.IsSameFile(j.in.Info(), ui.StatFile(j.o.fec.device)),
	}
	if patch, ok := j.hash.(*ui.Patch); ok {
		area.HashDeviceBytes = patch.Size()
	}
	if j.fec, err = area.Params(); err != nil {
		err = &ui.Error{Code: ui.ExitWrongUse, Err: err}
	}
	return area, err
}

// encodeParity writes the parity of data and tree.
func (j *verityJob) encodeParity(ctx context.Context, s ui.Streams) (err error) {
	area, err := j.parityArea()
	if err != nil {
		return err
	}
	progress := ui.NewProgress(s.Err, j.o.progress, "parity", j.fec.CoveredBytes())
	defer progress.Close()
	p := j.fec
	p.Jobs, p.Progress = j.o.jobs, progress.Add
	covered := area.Stream(zeroExtended{j.in}, j.hash)
	if err := fec.Encode(ctx, covered, j.parity, j.o.fec.offset, p); err != nil {
		return fmt.Errorf("writing parity to %s: %w", j.parity.Path(), err)
	}
	progress.Finish()
	return j.parity.Grow(j.o.fec.offset + j.fec.ParityBytes())
}
