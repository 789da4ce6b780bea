package cli

import (
	"context"
	"errors"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// kernelPage is the page size of most machines; dm-verity takes no larger data block.
const kernelPage = 4096

// verityJob is one run of `verity format`.
type verityJob struct {
	o      verityFormatOptions
	in     *ui.Input
	params verity.Params
	uuid   [16]byte
	layout verity.Layout // known before the tree only if DATA has a size
	root   []byte

	signature []byte     // what signatureFile holds
	streamed  int64      // bytes that DATA had, if it was a stream
	fec       fec.Params // Blocks is settled when the tree is there

	targets      []ui.Target // all outputs, each once
	hash         ui.Target
	parity       ui.Target // nil without FEC; may be hash
	rootFile     *ui.Output
	manifestFile *ui.Output
}

// prepare settles all parameters and opens the outputs.
func (j *verityJob) prepare(ctx context.Context, s ui.Streams) error {
	j.loosenTail()
	if err := j.settle(ctx); err != nil {
		return err
	}
	if err := j.readSignature(ctx, s); err != nil {
		return err
	}
	for _, check := range []func() error{j.checkRecorded, j.checkAreas, j.checkManifest, j.checkEmit} {
		if err := check(); err != nil {
			return err
		}
	}
	if err := j.openTargets(); err != nil {
		return errors.Join(err, j.close())
	}
	return nil
}

// settle fills params from flags, --like, --seed and the size of DATA.
func (j *verityJob) settle(ctx context.Context) error {
	g := j.o.geometry
	like, err := readLike(ctx, j.o)
	if err != nil {
		return err
	}
	g.fillFrom(like)
	j.uuid, g.salt = identity(j.o, like)
	if j.params, err = g.params(); err != nil {
		return err
	}
	j.params.Jobs = j.o.jobs
	if err := j.countBlocks(); err != nil {
		return err
	}
	trial := j.params
	trial.DataBlocks = max(1, trial.DataBlocks)
	j.layout, err = verity.NewLayout(trial)
	return wrongFlags(err)
}

// countBlocks finds the number of data blocks, unless DATA is a stream.
func (j *verityJob) countBlocks() (err error) {
	p := &j.params
	if p.DataBlocks > 0 {
		need, err := dataBytes(p.DataBlocks, p.DataBlockSize)
		if err == nil && !j.in.IsStream() && need > j.in.Size() {
			err = ui.Failf("%s has %s: too short for %d blocks of %d bytes", j.in.Name(), ui.FormatSize(j.in.Size()), p.DataBlocks, p.DataBlockSize)
		}
		return err
	}
	if !j.in.IsStream() {
		p.DataBlocks, err = wholeBlocks(j.in.Name(), j.in.Size(), p.DataBlockSize, j.o.tail)
	}
	return err
}
