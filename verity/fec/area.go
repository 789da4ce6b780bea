package fec

import (
	"io"
	"math"
)

// sectorSize is the granularity of a parity area's offset.
const sectorSize = 512

// Area says where a parity area lies and what else is on the devices, from
// which follows what it covers. All of it was established with veritysetup
// 2.6.1:
//
//   - The stream is DataBlocks blocks from the start of the data device, then
//     the hash device from HashStart on. The superblock, and whatever else
//     stands before HashStart, is not covered; nor is data behind DataBlocks.
//   - From the hash device it takes not only the tree but every whole block to
//     the end of the device, at the time when the parity is made: a hash file
//     that was longer than its tree, or a data file with the tree in the
//     middle, has the rest covered too. A partial block at the end is not.
//   - With the parity area on the hash device (WithHash; the same inode, by
//     whatever path) the stream ends at Offset instead, rounded down to a
//     block. If the device is shorter than that, veritysetup fails to read.
//   - Parity on the data device with the hashes elsewhere changes nothing in
//     what is covered.
//   - Data and hash block size must be equal.
//   - Offset must be a multiple of 512 ("Unsupported VERITY FEC offset"). The
//     parity area starts exactly there, with no header and no alignment to
//     blocks; but a table line gives fec_start in blocks, so the kernel can use
//     only areas for which [Area.StartBlock] has an answer.
//   - An area on the hash device must lie behind the tree, and one on the data
//     device behind the data; otherwise veritysetup reports an overlap.
//   - A longer file that the parity is written into keeps its length.
type Area struct {
	// BlockSize is the size of data blocks and of hash blocks, in bytes.
	BlockSize int
	// Roots is the number of parity bytes per codeword.
	Roots int
	// DataBlocks is the number of data blocks.
	DataBlocks uint64
	// HashStart is the block of the hash device where the tree begins, and
	// HashBlocks the number of blocks of all its levels (0 for one data block).
	HashStart, HashBlocks uint64
	// HashDeviceBytes is the length of the hash device in bytes, once the tree
	// is on it.
	HashDeviceBytes int64
	// Offset is the start of the parity area on its device in bytes.
	Offset int64
	// WithData and WithHash say that the parity area is on the data device or
	// on the hash device. Both are set if all three are one.
	WithData, WithHash bool
}

// Params returns the geometry of the parity for a, after checking that
// nothing overlaps and everything lies inside its device. Errors wrap
// [ErrBadParams].
func (a Area) Params() (Params, error) {
	p := Params{Roots: a.Roots, BlockSize: a.BlockSize, Blocks: a.DataBlocks}
	if err := p.Validate(); err != nil {
		return Params{}, err
	}
	blockSize := uint64(a.BlockSize)
	limit := math.MaxInt64 / blockSize
	if a.HashStart > limit || a.HashBlocks > limit-a.HashStart {
		return Params{}, badParams("tree of %d blocks at block %d", a.HashBlocks, a.HashStart)
	}
	if a.Offset < 0 || a.Offset%sectorSize != 0 {
		return Params{}, badParams("parity area at offset %d, must be a multiple of %d", a.Offset, sectorSize)
	}
	if a.WithData && uint64(a.Offset) < a.DataBlocks*blockSize {
		return Params{}, badParams("parity area at offset %d overlaps %d bytes of data", a.Offset, a.DataBlocks*blockSize)
	}
	end := uint64(max(0, a.HashDeviceBytes)) / blockSize
	treeEnd := a.HashStart + a.HashBlocks
	if a.WithHash {
		end = uint64(a.Offset) / blockSize
		if end < treeEnd {
			return Params{}, badParams("parity area at offset %d overlaps the hash area, which ends at %d", a.Offset, treeEnd*blockSize)
		}
	}
	switch {
	case end > a.HashStart && end >= treeEnd:
		p.Blocks += end - a.HashStart // both far below 2^63
	case a.HashBlocks > 0:
		return Params{}, badParams("hash area of %d blocks at block %d does not fit in a hash device of %d bytes",
			a.HashBlocks, a.HashStart, a.HashDeviceBytes)
	}
	if err := p.checkArea(a.Offset); err != nil {
		return Params{}, err
	}
	return p, nil
}

// StartBlock returns the table word fec_start, the offset of the parity area
// in blocks; ok is false if it does not start on a block, so that no table can
// name it.
func (a Area) StartBlock() (block uint64, ok bool) {
	return uint64(a.Offset) / uint64(a.BlockSize), a.Offset%int64(a.BlockSize) == 0
}

// Stream returns the covered stream of a, made of the data device and the hash
// device (which may be the same), for [Encode], [Check] and [NewDecoder]. It
// is as safe for concurrent use as the two are, and does not close them.
func (a Area) Stream(data, hash io.ReaderAt) io.ReaderAt {
	return &stream{
		data:      data,
		hash:      hash,
		dataBytes: int64(a.DataBlocks) * int64(a.BlockSize),
		hashStart: int64(a.HashStart) * int64(a.BlockSize),
	}
}

// DataStream is [Area.Stream] before there is anything on the hash device: it has
// zeros in its place. The parity of Stream is that of DataStream plus what
// [Adjust] adds for the blocks behind the data.
func (a Area) DataStream(data io.ReaderAt) io.ReaderAt { return a.Stream(data, zeroReader{}) }

// zeroReader is an endless device of zeros.
type zeroReader struct{}

func (zeroReader) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

// StreamWriter is like [Area.Stream] for writing repaired blocks back.
func (a Area) StreamWriter(data, hash io.WriterAt) io.WriterAt {
	return &streamWriter{
		data:      data,
		hash:      hash,
		dataBytes: int64(a.DataBlocks) * int64(a.BlockSize),
		hashStart: int64(a.HashStart) * int64(a.BlockSize),
	}
}
