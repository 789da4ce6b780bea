package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// run writes tree, superblock and parity.
func (j *verityJob) run(ctx context.Context, s ui.Streams) (err error) {
	if j.readsOnce() {
		err = j.buildWithParity(ctx, s)
	} else {
		err = j.buildThenEncode(ctx, s)
	}
	if err == nil && j.rootFile != nil {
		if _, err = io.WriteString(j.rootFile, hex.EncodeToString(j.root)); err != nil {
			err = fmt.Errorf("writing root hash file: %w", err)
		}
	}
	return err
}

// buildThenEncode makes the tree, and then the parity.
func (j *verityJob) buildThenEncode(ctx context.Context, s ui.Streams) (err error) {
	total := int64(0)
	if !j.in.IsStream() {
		total = j.layout.DataBytes()
	}
	progress := ui.NewProgress(s.Err, j.o.progress, "hash", total)
	defer progress.Close()
	j.params.Progress = progress.Add
	if j.in.IsStream() {
		err = j.buildFromStream(ctx)
	} else {
		j.root, err = verity.Build(ctx, zeroExtended{j.in}, j.hash, j.params)
	}
	if err != nil {
		return err
	}
	progress.Finish()
	if err := j.writeSuperblock(); err != nil || j.parity == nil {
		return err
	}
	return j.encodeParity(ctx, s)
}

// buildFromStream hashes DATA as it comes.
func (j *verityJob) buildFromStream(ctx context.Context) error {
	w, err := verity.NewWriterWithOptions(j.hash, j.params, verity.WriterOptions{Tail: j.o.tail})
	if err != nil {
		return wrongFlags(err)
	}
	length := int64(-1)
	if j.params.DataBlocks > 0 {
		length = int64(j.params.DataBlocks) * int64(j.params.DataBlockSize)
	}
	r, err := j.in.Reader(0, length)
	if err != nil {
		return err
	}
	n, err := io.Copy(w, r)
	j.streamed = n
	switch {
	case err != nil:
		return fmt.Errorf("hashing %s: %w", j.in.Name(), err)
	case length >= 0 && n < length:
		return ui.Failf("%s ended after %s: too short for %d blocks of %d bytes", j.in.Name(), ui.FormatSize(n), j.params.DataBlocks, j.params.DataBlockSize)
	}
	if _, err := wholeBlocks(j.in.Name(), n, j.params.DataBlockSize, j.o.tail); err != nil {
		return err
	}
	progress := j.params.Progress
	if j.root, j.params, err = w.Finish(ctx); err != nil {
		return err
	}
	j.params.Progress = progress
	j.layout, err = verity.NewLayout(j.params)
	return err
}

// writeSuperblock puts the header in front of the tree and gives the hash area its
// full length, which a tree without levels does not reach by itself.
func (j *verityJob) writeSuperblock() error {
	if !j.o.geometry.noSuperblock {
		err := verity.WriteSuperblock(j.hash, j.o.geometry.hashOffset, &verity.Superblock{
			HashType: uint32(j.params.HashType), UUID: j.uuid, Algorithm: j.params.Algorithm,
			DataBlockSize: uint32(j.params.DataBlockSize), HashBlockSize: uint32(j.params.HashBlockSize),
			DataBlocks: j.params.DataBlocks, Salt: j.params.Salt,
		})
		if err != nil {
			return err
		}
	}
	return j.hash.Grow(j.layout.HashEndOffset())
}
