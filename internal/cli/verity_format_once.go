package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// Limits of reading DATA only once for tree and parity. The parity of the tree is
// added when the tree is there, so that the parity is written twice: with many roots
// that costs more than reading twice. So does looking for the holes of a small file.
const (
	onceMaxRoots = 10
	onceMaxBlock = 4096 // the parity is made of pieces that are whole blocks up to this size
	onceMinBytes = 16 << 20
)

// readsOnce reports whether DATA is read only once for tree and parity. Sparse files
// are read twice, since then the holes are not read at all.
func (j *verityJob) readsOnce() bool {
	if j.parity == nil || j.in.IsStream() || j.o.fec.roots > onceMaxRoots || j.params.DataBlockSize > onceMaxBlock || j.layout.DataBytes() < onceMinBytes {
		return false
	}
	start, end, err := j.in.NextData(0)
	return err != nil || start == 0 && end >= min(j.in.Size(), j.layout.DataBytes())
}

// buildWithParity makes tree and parity in one pass over DATA. The parity is made first,
// as if there were no tree yet; what it reads is hashed on the way.
func (j *verityJob) buildWithParity(ctx context.Context, s ui.Streams) (err error) {
	if err := j.writeSuperblock(); err != nil {
		return err
	}
	area, err := j.parityArea()
	if err != nil {
		return err
	}
	data := zeroExtended{j.in}
	hashing := ui.NewProgress(s.Err, j.o.progress, "hash", j.layout.DataBytes())
	defer hashing.Close()
	j.params.Progress = hashing.Add
	w, err := verity.NewBlockWriter(j.hash, j.params)
	if err != nil {
		return err
	}
	p := j.fec
	p.Jobs = j.o.jobs
	if err := fec.Encode(ctx, area.DataStream(teeReaderAt{data, w}), j.parity, area.Offset, p); err != nil {
		return fmt.Errorf("hashing %s and writing parity to %s: %w", j.in.Name(), j.parity.Path(), err)
	}
	if j.root, err = w.Finish(ctx); err != nil {
		return err
	}
	hashing.Finish()
	if p.Blocks == j.params.DataBlocks {
		return j.parity.Grow(area.Offset + p.ParityBytes())
	}
	tree := fec.Changes{
		Blocks: []fec.Range{{First: j.params.DataBlocks, Last: p.Blocks - 1}},
		New:    area.Stream(data, j.hash), Old: area.DataStream(data), Parity: j.parity,
	}
	progress := ui.NewProgress(s.Err, j.o.progress, "parity", p.TouchedBytes(tree.Blocks))
	defer progress.Close()
	p.Progress = progress.Add
	if err := fec.Adjust(ctx, tree, j.parity, area.Offset, p); err != nil {
		return fmt.Errorf("writing parity to %s: %w", j.parity.Path(), err)
	}
	progress.Finish()
	return j.parity.Grow(area.Offset + p.ParityBytes())
}

// teeReaderAt writes what is read from one place to the same place of another one.
type teeReaderAt struct {
	from io.ReaderAt
	to   io.WriterAt
}

// ReadAt reads all of p or fails.
func (t teeReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if n, err := t.from.ReadAt(p, off); n < len(p) {
		return n, err
	}
	if _, err := t.to.WriteAt(p, off); err != nil {
		return 0, err
	}
	return len(p), nil
}
