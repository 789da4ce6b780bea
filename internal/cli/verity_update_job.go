package cli

import (
	"bytes"
	"context"
	"errors"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// updateJob is one run of `verity update`.
type updateJob struct {
	o                       verityUpdateOptions
	data, hash, parity, old *ui.Input // parity and old: nil if not given
	params                  verity.Params
	layout                  verity.Layout
	area                    fec.Area
	fec                     fec.Params // Roots is 0 without parity

	files    *imageFiles
	journal  imageJournal
	root     []byte // that the old tree must have; nil: any
	rootFile rootFile

	changed []verity.Range
	tree    *ui.Overlay // the new tree over the old one
	result  *verity.Updated
	way     parityWay
	written [numAreas]int64 // bytes that are, or would be, changed
}

// parityWay is how parity is brought up to date.
type parityWay string

const (
	noParity           parityWay = "none"
	parityByDifference parityWay = "difference"
	parityByCodewords  parityWay = "codewords"
)

// open opens all files and finds the geometry.
func (j *updateJob) open(ctx context.Context, s ui.Streams) (err error) {
	o := j.o
	if j.data, err = openSized(ctx, "DATA", o.data); err != nil {
		return err
	}
	if j.hash, err = openSized(ctx, "HASH", o.hash); err != nil {
		return err
	}
	if j.params, j.layout, err = o.describe(j.data, j.hash); err != nil {
		return err
	}
	if err := fits(j.data, j.hash, j.layout, o.tail); err != nil {
		if j.data.Size() <= j.layout.DataBytes()-int64(j.params.DataBlockSize) {
			err = ui.Hint(err, "an update does not change the number of blocks: verity format --like %s makes a new tree", j.hash.Name())
		}
		return err
	}
	if o.fec.device != "" {
		if err := j.openFEC(ctx); err != nil {
			return err
		}
	}
	if o.changedFrom != "" {
		if err := j.openOld(ctx); err != nil {
			return err
		}
	}
	j.warnOfGrowth(s)
	j.files = newImageFiles(j.data, j.hash, j.parity)
	j.journal = newImageJournal(o.journal, j.files)
	return j.openRoot(ctx)
}

// openFEC opens the FEC device and works out what the parity covers.
func (j *updateJob) openFEC(ctx context.Context) (err error) {
	if j.parity, err = openSized(ctx, "the FEC device", j.o.fec.device); err != nil {
		return err
	}
	if j.area, err = placeParity(j.o.fec, j.parity, j.data, j.hash, j.params, j.layout); err != nil {
		return err
	}
	j.fec, err = j.area.Params()
	j.fec.Jobs = j.o.jobs
	return err
}

// openOld opens the image as it was.
func (j *updateJob) openOld(ctx context.Context) (err error) {
	if j.old, err = openSized(ctx, "--changed-from", j.o.changedFrom); err != nil {
		return err
	}
	for _, in := range []*ui.Input{j.data, j.hash, j.parity} {
		if in != nil && ui.IsSameFile(in.Info(), j.old.Info()) {
			return ui.Usagef("--changed-from %s is a file of the image itself, not the image as it was", j.old.Name())
		}
	}
	if err := fits(j.old, j.hash, j.layout, j.o.tail); err != nil {
		return ui.Hint(err, "--changed-from is the image that the tree was made of; verity format --like %s makes a tree of another one", j.hash.Name())
	}
	return nil
}

// warnOfGrowth says that there is more data than the tree covers, where that is not
// the tree itself or something else that was put there.
func (j *updateJob) warnOfGrowth(s ui.Streams) {
	more := j.data.Size() - j.layout.DataBytes()
	alone := !ui.IsSameFile(j.data.Info(), j.hash.Info()) && !j.area.WithData
	if alone && j.o.geometry.dataBlocks == nil && more >= int64(j.params.DataBlockSize) {
		ui.Warnf(s.Err, "%s has %d bytes behind the %d blocks that the tree covers: verity format --like %s covers them too",
			j.data.Name(), more, j.layout.DataBlocks(), j.hash.Name())
	}
}

func (j *updateJob) close() error {
	var errs []error
	for _, in := range []*ui.Input{j.data, j.hash, j.parity, j.old} {
		if in != nil {
			errs = append(errs, in.Close())
		}
	}
	if j.files != nil {
		errs = append(errs, j.files.close())
	}
	if j.tree != nil {
		errs = append(errs, j.tree.Close())
	}
	return errors.Join(append(errs, j.rootFile.close())...)
}

// plan makes the new tree, beside the old one.
func (j *updateJob) plan(ctx context.Context, s ui.Streams) (err error) {
	if j.tree, err = ui.NewOverlay(j.hash, j.params.HashBlockSize); err != nil {
		return err
	}
	blocks := uint64(0)
	for _, r := range j.changed {
		blocks += r.Last - r.First + 1
	}
	progress := ui.NewProgress(s.Err, j.o.progress, "hash", int64(blocks)*int64(j.params.DataBlockSize))
	defer progress.Close()
	p := j.params
	p.Progress = progress.Add
	o := verity.UpdateOptions{Root: j.root}
	if j.old != nil {
		o.OldData = zeroExtended{j.old}
	}
	if j.result, err = verity.Update(ctx, zeroExtended{j.data}, j.hash, j.tree, p, j.changed, o); err != nil {
		return j.explain(err)
	}
	progress.Finish()
	if j.way = j.chooseWay(); j.way == noParity || j.result.ListedBlocks == 0 {
		return nil
	}
	return j.checkParity(ctx)
}

// explain says what to do about a tree that is not what it should be.
func (j *updateJob) explain(err error) error {
	var root *verity.RootError
	var mismatch *verity.MismatchError
	switch {
	case errors.As(err, &root):
		return ui.Hint(ui.Corruptf("the root hash does not match: %x was given, the tree has %x", root.Want, root.Got),
			"the tree is another one, or has been updated since, or is damaged at the top")
	case !errors.As(err, &mismatch):
		return err
	case len(mismatch.Tree) == 0:
		return ui.Hint(err, "--changed-from must be the very image that the tree was made of")
	}
	return ui.Hint(err, "the tree is damaged, or the flags say another geometry than it has; verity repair mends the tree of the old image")
}

// manyChanged is the part of all blocks from which on it is cheaper to make parity
// anew than to add the difference.
const manyChanged = 8

// chooseWay decides how parity is brought up to date. The difference is right only if
// parity and tree are of the old image, so not where the tree is ahead of it.
func (j *updateJob) chooseWay() parityWay {
	switch {
	case j.parity == nil:
		return noParity
	case j.old == nil, j.o.fecRewrite, j.result.KnownBlocks > 0, j.result.ListedBlocks > j.params.DataBlocks/manyChanged:
		return parityByCodewords
	}
	return parityByDifference
}

// checkParity refuses an area that does not look like the parity of the old image: with
// another number of roots or another offset it would be overwritten, whatever it is, and
// parity that is out of date all over would stay wrong.
func (j *updateJob) checkParity(ctx context.Context) error {
	c := j.changes()
	if j.old == nil || j.result.KnownBlocks > 0 {
		c.Old = nil // the tree is ahead of it, and so may be the parity
	}
	compared, agree, err := fec.Sample(ctx, c, j.area.Offset, j.fec)
	if err != nil || agree*foreignParity >= compared {
		return err
	}
	return ui.Hint(ui.Corruptf("%s has other bytes than the parity of the image before the changes: %d of %d codewords agree", j.parity.Name(), agree, compared),
		"are --fec-roots and --fec-offset right, and all changes listed? If it is damaged or out of date, update without --fec-device and let verity repair --force make it anew")
}

// changes is what the parity is told: the image before and after.
func (j *updateJob) changes() fec.Changes {
	c := fec.Changes{Blocks: j.covered(), New: j.area.Stream(zeroExtended{j.data}, j.tree), Parity: j.parity}
	if j.old != nil {
		c.Old = j.area.Stream(zeroExtended{j.old}, j.hash)
	}
	return c
}

// covered lists what may have changed of what the parity covers: data first, then the
// tree.
func (j *updateJob) covered() []fec.Range {
	var list []fec.Range
	for _, r := range j.changed {
		list = append(list, fec.Range(r))
	}
	move := j.params.DataBlocks - j.params.HashStartBlock // may wrap around, and back below
	for _, r := range j.result.Path {
		list = append(list, fec.Range{First: r.First + move, Last: r.Last + move})
	}
	return list
}

// openRoot finds the root hash that the old tree must have.
func (j *updateJob) openRoot(ctx context.Context) (err error) {
	if err := j.rootFile.read(ctx, j.o.rootHashFile, j.o.force, j.files); err != nil {
		return err
	}
	if j.root = j.rootFile.held; j.o.root != "" {
		if j.root, err = parseRoot(j.o.root); err != nil {
			return err
		}
	}
	for _, root := range [][]byte{j.root, j.rootFile.held} {
		if root != nil {
			if err := checkRootSize(root, j.layout, j.params.Algorithm); err != nil {
				return err
			}
		}
	}
	if j.rootFile.held != nil && !bytes.Equal(j.root, j.rootFile.held) {
		return ui.Hint(ui.Failf("the root hash file %s holds another root hash than the one given", j.rootFile.path), "--force replaces it whatever it holds")
	}
	return nil
}
