package cli

import (
	"context"
	"errors"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// verityImage is an image with a root hash to ask, opened for reading.
type verityImage struct {
	data, hash *ui.Input
	params     verity.Params
	layout     verity.Layout
	root       []byte
	parity     *parityCheck // nil without --fec-device
}

// open opens all files of an image and finds its geometry. The caller closes it.
func (o verityVerifyOptions) open(ctx context.Context) (_ *verityImage, err error) {
	i := new(verityImage)
	defer func() {
		if err != nil {
			err = errors.Join(err, i.close())
		}
	}()
	if i.root, err = readRoot(ctx, o.root, o.rootHashFile); err != nil {
		return nil, err
	}
	if i.data, err = openSized(ctx, "DATA", o.data); err != nil {
		return nil, err
	}
	if i.hash, err = openSized(ctx, "HASH", o.hash); err != nil {
		return nil, err
	}
	if i.params, i.layout, err = o.describe(i.data, i.hash); err != nil {
		return nil, err
	}
	if err := checkRootSize(i.root, i.layout, i.params.Algorithm); err != nil {
		return nil, err
	}
	if err := fits(i.data, i.hash, i.layout, o.tail); err != nil {
		return nil, err
	}
	if o.fec.device != "" {
		i.parity, err = openParity(ctx, o.fec, i.data, i.hash, i.params, i.layout, i.root)
	}
	return i, err
}

func (i *verityImage) close() error {
	var errs []error
	for _, in := range []*ui.Input{i.data, i.hash} {
		if in != nil {
			errs = append(errs, in.Close())
		}
	}
	if i.parity != nil {
		errs = append(errs, i.parity.close())
	}
	return errors.Join(errs...)
}

// check compares all of the image with the root hash.
func (i *verityImage) check(ctx context.Context, s ui.Streams, mode ui.ProgressMode) (*verity.Report, error) {
	progress := ui.NewProgress(s.Err, mode, "verify", i.layout.DataBytes())
	defer progress.Close()
	p := i.params
	p.Progress = progress.Add
	report, err := verity.Check(ctx, zeroExtended{i.data}, i.hash, p, i.root)
	if err == nil {
		progress.Finish()
	}
	return report, err
}

// mend lets m repair what it can of the damage in r.
func (i *verityImage) mend(ctx context.Context, s ui.Streams, mode ui.ProgressMode, m *mender, r *verity.Report) error {
	if err := m.run(ctx, r); err != nil || i.parity == nil {
		return err
	}
	progress := ui.NewProgress(s.Err, mode, "parity", m.fec.CoveredBytes())
	defer progress.Close()
	err := m.mendParity(ctx, progress.Add)
	if err == nil {
		progress.Finish()
	}
	return err
}

// describe finds the parameters and the layout of the tree.
func (o verityVerifyOptions) describe(data, hash *ui.Input) (verity.Params, verity.Layout, error) {
	p, sb, err := o.geometry.readGeometry(hash)
	if err == nil && p.DataBlocks == 0 {
		p.DataBlocks, err = wholeBlocks(data.Name(), data.Size(), p.DataBlockSize, o.tail)
	}
	if err != nil {
		return p, verity.Layout{}, err
	}
	p.Jobs = o.jobs
	l, err := verity.NewLayout(p)
	if sb == nil {
		err = wrongFlags(err)
	} else if err != nil {
		err = ui.Failf("%s: superblock: %w", hash.Name(), err)
	}
	return p, l, err
}

// verityVerifyOptionsOf reads the arguments and the flags of verityImageFlags.
func verityVerifyOptionsOf(c *urfave.Context) (o verityVerifyOptions, err error) {
	o = verityVerifyOptions{
		data: c.Args().Get(0), hash: c.Args().Get(1), root: c.Args().Get(2),
		rootHashFile: c.String("root-hash-file"),
		json:         c.Bool("json"), progress: ui.ProgressOf(c), jobs: ui.JobsOf(c),
	}
	if c.Bool("pad") {
		o.tail = verity.TailPad
	}
	if o.geometry, err = verityGeometryOf(c); err != nil {
		return o, err
	}
	o.fec, err = fecFlagsOf(c)
	return o, err
}

// verityImageFlags are the flags that say what image it is, and how to ask it.
func verityImageFlags(fecUsage string) []urfave.Flag {
	return append(append(verityGeometryFlags(), tailFlags()[0]),
		&urfave.StringFlag{Name: "root-hash-file", Usage: "read the root hash from `FILE` instead of ROOT"},
		&urfave.StringFlag{Name: "fec-device", Usage: fecUsage},
		fecFlagList()[1], fecFlagList()[2], ui.ForceFlag(), ui.JSONFlag(), ui.ProgressFlag(), ui.JobsFlag())
}
