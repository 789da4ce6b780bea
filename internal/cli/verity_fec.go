package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

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

// encodeParity writes the parity of data and tree. Like veritysetup it covers the
// data blocks, then the hash device from the tree on to its end, or to the parity
// if that is on the hash device too.
func (j *verityJob) encodeParity(ctx context.Context, s ui.Streams) error {
	blockSize := int64(j.params.DataBlockSize)
	hashEnd := j.layout.HashEndOffset()
	if patch, ok := j.hash.(*ui.Patch); ok {
		hashEnd = patch.Size()
	}
	if j.parity == j.hash {
		hashEnd = j.o.fec.offset
	}
	hashBlocks := hashEnd/blockSize - int64(j.params.HashStartBlock)
	covered := fecStream{
		data: zeroExtended{j.in, j.in.Size()}, dataBytes: j.layout.DataBytes(),
		hash: j.hash, hashStart: j.layout.HashOffset(), hashBytes: hashBlocks * blockSize,
	}
	progress := ui.NewProgress(s.Err, j.o.progress, "parity", covered.dataBytes+covered.hashBytes)
	defer progress.Close()
	j.fec = fec.Params{
		Roots: j.o.fec.roots, BlockSize: int(blockSize), Blocks: j.params.DataBlocks + uint64(hashBlocks),
		Jobs: j.o.jobs, Progress: progress.Add,
	}
	if err := fec.Encode(ctx, covered, j.parity, j.o.fec.offset, j.fec); err != nil {
		return fmt.Errorf("writing parity to %s: %w", j.parity.Path(), err)
	}
	progress.Finish()
	return j.parity.Grow(j.o.fec.offset + j.fec.ParityBytes())
}

// fecStream is what parity covers: the data, then the hash device from the tree on.
type fecStream struct {
	data                 io.ReaderAt
	dataBytes            int64
	hash                 io.ReaderAt
	hashStart, hashBytes int64
}

// ReadAt reads from both parts as if they were one. Where the hash device is shorter
// than what is covered, there are zeros.
func (f fecStream) ReadAt(p []byte, off int64) (n int, err error) {
	if off < f.dataBytes {
		part := p[:min(int64(len(p)), f.dataBytes-off)]
		if n, err = f.data.ReadAt(part, off); n < len(part) {
			return n, err
		}
	}
	off += int64(n) - f.dataBytes
	if n == len(p) {
		return n, nil
	}
	if off >= f.hashBytes {
		return n, io.EOF
	}
	part := p[n : n+int(min(int64(len(p)-n), f.hashBytes-off))]
	m, err := f.hash.ReadAt(part, f.hashStart+off)
	if errors.Is(err, io.EOF) {
		clear(part[m:])
		m, err = len(part), nil
	}
	if n += m; n < len(p) && err == nil {
		err = io.EOF
	}
	return n, err
}
