package manifest

import (
	"math"
	"strings"

	"github.com/dmimg/dmimg/verity/fec"
)

// Bounds of the format of dm-verity (superblock of veritysetup).
const (
	minBlockSize = 512
	maxBlockSize = 512 << 10
	maxSalt      = 256 // bytes
	maxAlgorithm = 31  // bytes
	maxDigest    = 64  // bytes of a root hash
	sectorSize   = 512
	sumSize      = 32 // bytes of a SHA-256
)

// check refuses what no image can have. Whether the parts fit together (the blocks of
// the tree to those of the data, and so on) shows when it is made again.
func (m *Manifest) check() error {
	if n := len(m.RootHash); n == 0 || n > maxDigest {
		return malformed("root_hash of %d bytes", n)
	}
	if err := m.Data.check(); err != nil {
		return err
	}
	if err := m.Tree.check(m.Data.end()); err != nil {
		return err
	}
	if m.Parity != nil {
		if err := m.checkParity(); err != nil {
			return err
		}
	}
	if err := m.checkPartitionUUIDs(); err != nil {
		return err
	}
	if err := m.checkFiles(); err != nil {
		return err
	}
	return m.Emit.check()
}

// end is where the blocks end, or -1 where that is no offset.
func (d Data) end() int64 { return area(d.Blocks, d.BlockSize) }

// area is the size of blocks in bytes, -1 if it is none that a file can have.
func area(blocks uint64, size int) int64 {
	if size <= 0 || blocks > math.MaxInt64/uint64(size) {
		return -1
	}
	return int64(blocks) * int64(size)
}

func isBlockSize(n int) bool { return n >= minBlockSize && n <= maxBlockSize && n&(n-1) == 0 }

func (d Data) check() error {
	end := d.end()
	switch {
	case !isBlockSize(d.BlockSize):
		return malformed("data.block_size_bytes is %d: not a power of two from %d to %d", d.BlockSize, minBlockSize, maxBlockSize)
	case d.Blocks == 0 || end < 0:
		return malformed("data.blocks is %d", d.Blocks)
	case d.Tail != TailNone && d.Tail != TailPad && d.Tail != TailTruncate:
		return malformed("data.tail is %q: %s, %s or %s", d.Tail, TailNone, TailPad, TailTruncate)
	case d.Tail != TailPad && d.Bytes != end:
		return malformed("data.bytes is %d: %d blocks of %d bytes have %d", d.Bytes, d.Blocks, d.BlockSize, end)
	case d.Tail == TailPad && (d.Bytes >= end || d.Bytes <= end-int64(d.BlockSize)):
		return malformed("data.bytes is %d: that does not end in the last of %d blocks of %d bytes", d.Bytes, d.Blocks, d.BlockSize)
	}
	return nil
}

func (t *Tree) check(dataEnd int64) error {
	start, blocks := area(t.StartBlock, t.BlockSize), area(t.Blocks, t.BlockSize)
	switch {
	case t.HashType != 0 && t.HashType != 1:
		return malformed("tree.hash_type is %d: 0 or 1", t.HashType)
	case !isAlgorithm(t.Algorithm):
		return malformed("tree.algorithm is %q", t.Algorithm)
	case len(t.Salt) > maxSalt:
		return malformed("tree.salt has %d bytes, at most %d", len(t.Salt), maxSalt)
	case t.Superblock != (t.UUID != nil):
		return malformed("tree.uuid: superblocks have one, and nothing else does")
	case !isBlockSize(t.BlockSize):
		return malformed("tree.block_size_bytes is %d: not a power of two from %d to %d", t.BlockSize, minBlockSize, maxBlockSize)
	case t.Offset < 0 || t.Offset%sectorSize != 0:
		return malformed("tree.offset_bytes is %d: not a multiple of %d", t.Offset, sectorSize)
	case start < 0 || blocks < 0 || start > math.MaxInt64-blocks || start < t.Offset:
		return malformed("tree of %d blocks at block %d, offset %d", t.Blocks, t.StartBlock, t.Offset)
	case t.In == InData && t.Offset < dataEnd:
		return malformed("tree.offset_bytes is %d: the data in the same file ends at %d", t.Offset, dataEnd)
	case len(t.SHA256) != sumSize:
		return malformed("tree.sha256 has %d bytes, want %d", len(t.SHA256), sumSize)
	}
	return checkPlace("tree", t.In, t.File, InFile, InData)
}

func isAlgorithm(name string) bool {
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' || c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return name != "" && len(name) <= maxAlgorithm
}

// end is where the tree ends in its file.
func (t *Tree) end() int64 { return area(t.StartBlock+t.Blocks, t.BlockSize) }

func (m *Manifest) checkParity() error {
	p := m.Parity
	params := fec.Params{Roots: p.Roots, BlockSize: m.Tree.BlockSize, Blocks: p.CoveredBlocks}
	if m.Data.BlockSize != m.Tree.BlockSize {
		return malformed("fec: data blocks of %d and hash blocks of %d bytes must be of one size", m.Data.BlockSize, m.Tree.BlockSize)
	}
	if err := params.Validate(); err != nil {
		return malformed("fec: %w", err)
	}
	switch {
	case p.CoveredBlocks < m.Data.Blocks:
		return malformed("fec.covered_blocks is %d: the data alone has %d", p.CoveredBlocks, m.Data.Blocks)
	case p.Bytes != params.ParityBytes():
		return malformed("fec.bytes is %d, want %d", p.Bytes, params.ParityBytes())
	case p.Offset < 0 || p.Offset%sectorSize != 0 || p.Offset > math.MaxInt64-p.Bytes:
		return malformed("fec.offset_bytes is %d: not a multiple of %d", p.Offset, sectorSize)
	case (p.In == InData || p.In == InTree && m.Tree.In == InData) && p.Offset < m.Data.end():
		return malformed("fec.offset_bytes is %d: the data in the same file ends at %d", p.Offset, m.Data.end())
	case (p.In == InTree || p.In == InData && m.Tree.In == InData) && p.Offset < m.Tree.end():
		return malformed("fec.offset_bytes is %d: the tree in the same file ends at %d", p.Offset, m.Tree.end())
	case len(p.SHA256) != sumSize:
		return malformed("fec.sha256 has %d bytes, want %d", len(p.SHA256), sumSize)
	}
	return checkPlace("fec", p.In, p.File, InFile, InData, InTree)
}

func checkPlace(what, in string, file *File, places ...string) error {
	known := false
	for _, place := range places {
		known = known || in == place
	}
	if !known {
		return malformed("%s.in is %q: %s", what, in, strings.Join(places, ", "))
	}
	if (in == InFile) != (file != nil) {
		return malformed("%s.file: an area in %q has no file of its own, and any other has", what, in)
	}
	return nil
}

func (m *Manifest) checkPartitionUUIDs() error {
	want, ok := PartitionUUIDsOf(m.RootHash)
	switch {
	case m.PartitionUUIDs == nil:
		return nil
	case !ok || m.Tree.In == InData:
		return malformed("partition_uuids: an image of this kind has none")
	case *m.PartitionUUIDs != want:
		return malformed("partition_uuids: those of this root hash are %s and %s", want.Data, want.Tree)
	}
	return nil
}
