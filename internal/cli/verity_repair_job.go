package cli

import (
	"bytes"
	"context"
	"slices"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// repairJob is one run of `verity repair`.
type repairJob struct {
	o       verityRepairOptions
	image   *verityImage
	files   *imageFiles
	journal imageJournal

	mender   *mender
	repaired [numAreas][]verity.Range // what the mender made and the files do not have
}

// plan finds out what can be repaired.
func (j *repairJob) plan(ctx context.Context, s ui.Streams) (err error) {
	r, err := j.image.check(ctx, s, j.o.progress)
	if err != nil {
		return err
	}
	if p := j.image.parity; p != nil {
		j.mender = p.mender
	} else if j.mender, err = newMender(zeroExtended{j.image.data}, j.image.hash, j.image.params, j.image.layout, j.image.root); err != nil {
		return err
	}
	j.mender.anyParity = j.o.force
	if err := j.image.mend(ctx, s, j.o.progress, j.mender, r); err != nil {
		return err
	}
	return j.findChanges()
}

// closePlan drops what only the plan had; the image closes its parity's mender.
func (j *repairJob) closePlan() error {
	if j.image.parity != nil || j.mender == nil {
		return nil
	}
	return j.mender.close()
}

// findChanges lists the blocks that differ from those in the files and are proven.
// Where more is damaged than a check can list nothing is, for what is not listed
// would pass for proven.
func (j *repairJob) findChanges() error {
	m := j.mender
	if !m.left.RootOK || m.left.More {
		return nil
	}
	candidates := [numAreas][]verity.Range{
		dataArea:   without(m.touchedData, merged(slices.Concat(m.left.Data, m.left.Unproven))),
		treeArea:   without(m.touchedTree, m.left.Tree),
		parityArea: without(m.parityBefore, m.parityLeft),
	}
	for area, list := range candidates {
		for _, r := range list {
			for b := r.First; b <= r.Last; b++ {
				old, fresh, err := j.block(imageArea(area), b)
				if err != nil {
					return err
				}
				if !bytes.Equal(old, fresh) {
					j.repaired[area] = append(j.repaired[area], verity.Range{First: b, Last: b})
				}
			}
		}
		j.repaired[area] = merged(j.repaired[area])
	}
	return nil
}

// block reads a block as it is and as it should be.
func (j *repairJob) block(area imageArea, b uint64) (old, fresh []byte, err error) {
	m := j.mender
	base, overlay, size := m.baseData, m.data, m.params.DataBlockSize
	switch area {
	case treeArea:
		base, overlay, size = m.baseHash, m.hash, m.params.HashBlockSize
	case parityArea:
		base, overlay = m.baseParity, m.parity
	}
	both := make([]byte, 2*size)
	old, fresh = both[:size], both[size:]
	if n, err := base.ReadAt(old, int64(b)*int64(size)); n < size {
		return nil, nil, ui.Failf("reading damaged block %d: %w", b, err)
	}
	if n, err := overlay.ReadAt(fresh, int64(b)*int64(size)); n < size {
		return nil, nil, ui.Failf("reading repaired block %d: %w", b, err)
	}
	return old, fresh, nil
}

// offset is where a block is in its file, in bytes.
func (j *repairJob) offset(area imageArea, b uint64) int64 {
	switch area {
	case treeArea:
		return int64(b) * int64(j.mender.params.HashBlockSize)
	case parityArea:
		return j.mender.area.Offset + int64(b)*int64(j.mender.fec.BlockSize)
	}
	return int64(b) * int64(j.mender.params.DataBlockSize)
}

// fileOf is the file that an area is in.
func (j *repairJob) fileOf(area imageArea) int { return j.files.role[area] }

// carryOut makes the changes, where that was asked for.
func (j *repairJob) carryOut(ctx context.Context, s ui.Streams, out *ui.Output) error {
	switch {
	case j.o.dryRun:
		return nil
	case out == nil:
		return j.writeInPlace(ctx)
	case j.isProven():
		return j.writeCopy(ctx, s, out)
	}
	return nil
}

// without cuts the ranges of b out of those of a; both are sorted.
func without(a, b []verity.Range) []verity.Range {
	var list []verity.Range
	for _, r := range marked(a, common(a, b)) {
		if r.Repairable {
			list = append(list, verity.Range{First: r.FirstBlock, Last: r.LastBlock})
		}
	}
	return list
}
