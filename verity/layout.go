package verity

import (
	"math"
	"math/bits"
)

// maxLevels is the highest tree the kernel accepts (DM_VERITY_MAX_LEVELS).
const maxLevels = 63

// Layout is the geometry of one hash tree: how many blocks each level has and
// where it lies. All arithmetic on tree positions is here. A Layout is
// immutable and may be used from many goroutines.
type Layout struct {
	dataBlocks    uint64
	dataBlockSize int
	hashBlockSize int
	hashStart     uint64 // hash blocks
	digestSize    int
	digestStride  int   // bytes from one digest in a hash block to the next
	perBlockBits  uint8 // log2 of the digests in a hash block
	levels        []levelExtent
}

// levelExtent is one level of the tree on the hash device, in hash blocks.
type levelExtent struct{ start, blocks uint64 }

// NewLayout computes the geometry of the tree that p describes. It refuses
// parameters that [Params.Validate] refuses: among them sizes whose bytes do
// not fit an int64. Rules: verity.rst of the kernel, section "Hash Tree".
func NewLayout(p Params) (Layout, error) {
	l, err := newFormat(p)
	if err != nil {
		return Layout{}, err
	}
	if p.DataBlocks == 0 {
		return Layout{}, badParams("0 data blocks")
	}
	if _, ok := mulInt64(p.DataBlocks, p.DataBlockSize); !ok {
		return Layout{}, badParams("%d data blocks of %d bytes: size overflows", p.DataBlocks, p.DataBlockSize)
	}
	l.dataBlocks = p.DataBlocks
	for n := 0; (p.DataBlocks-1)>>(uint(l.perBlockBits)*uint(n)) != 0; n++ {
		if n == maxLevels {
			return Layout{}, badParams("%d data blocks need more than %d tree levels", p.DataBlocks, maxLevels)
		}
		l.levels = append(l.levels, levelExtent{blocks: l.above(n)})
	}
	if !l.place() {
		return Layout{}, badParams("tree of %d data blocks at hash block %d: end overflows", p.DataBlocks, p.HashStartBlock)
	}
	return l, nil
}

// newFormat fills in what does not depend on the number of data blocks.
func newFormat(p Params) (Layout, error) {
	a, err := p.validateFormat()
	if err != nil {
		return Layout{}, err
	}
	if _, ok := mulInt64(p.HashStartBlock, p.HashBlockSize); !ok {
		return Layout{}, badParams("hash start block %d of %d bytes: offset overflows", p.HashStartBlock, p.HashBlockSize)
	}
	l := Layout{
		dataBlockSize: p.DataBlockSize,
		hashBlockSize: p.HashBlockSize,
		hashStart:     p.HashStartBlock,
		digestSize:    a.Size,
		digestStride:  a.Size,
		perBlockBits:  uint8(bits.Len(uint(p.HashBlockSize/a.Size)) - 1),
	}
	if p.HashType != 0 {
		l.digestStride = p.HashBlockSize >> l.perBlockBits
	}
	return l, nil
}

// newOpenLayout is for data of unknown size: a single level at the start of the
// tree, as long as offsets can be.
func newOpenLayout(p Params) (Layout, error) {
	l, err := newFormat(p)
	if err != nil {
		return l, err
	}
	room := math.MaxInt64/uint64(l.hashBlockSize) - l.hashStart
	if room == 0 {
		return l, badParams("tree at hash block %d: end overflows", p.HashStartBlock)
	}
	l.levels = []levelExtent{{start: l.hashStart, blocks: room}}
	return l, nil
}

// above is the number of blocks of a level: what the data blocks fill when
// every block has perBlock^(level+1) of them under it.
func (l *Layout) above(level int) uint64 {
	return (l.dataBlocks-1)>>(uint(l.perBlockBits)*uint(level+1)) + 1
}

// place gives each level its position, the highest first. It reports whether
// the end of the tree fits an int64 of bytes. Block numbers cannot overflow: both
// the start and the number of data blocks are below 2^54.
func (l *Layout) place() bool {
	at := l.hashStart
	for i := len(l.levels) - 1; i >= 0; i-- {
		l.levels[i].start = at
		at += l.levels[i].blocks
	}
	_, ok := mulInt64(at, l.hashBlockSize)
	return ok
}

// mulInt64 multiplies a block number by a block size. It reports whether the
// product is a valid file offset.
func mulInt64(blocks uint64, size int) (int64, bool) {
	hi, lo := bits.Mul64(blocks, uint64(size))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	return int64(lo), true
}

// Levels is the number of tree levels; 0 for an image of one block.
func (l Layout) Levels() int { return len(l.levels) }

// LevelStart is the first block of a level, in hash blocks from the start of
// the hash device. Level 0 holds the digests of the data blocks. It panics
// unless 0 <= level < [Layout.Levels].
func (l Layout) LevelStart(level int) uint64 { return l.levels[level].start }

// LevelBlocks is the number of hash blocks of a level, see [Layout.LevelStart].
func (l Layout) LevelBlocks(level int) uint64 { return l.levels[level].blocks }

// HashStart is the first block of the tree, in hash blocks from the start of
// the hash device.
func (l Layout) HashStart() uint64 { return l.hashStart }

// HashBlocks is the number of hash blocks of all levels together.
func (l Layout) HashBlocks() uint64 { return l.HashEnd() - l.hashStart }

// HashEnd is the block after the tree, in hash blocks from the start of the
// hash device.
func (l Layout) HashEnd() uint64 {
	if len(l.levels) == 0 {
		return l.hashStart
	}
	return l.levels[0].start + l.levels[0].blocks
}

// HashOffset is where the tree starts, in bytes from the start of the hash
// device.
func (l Layout) HashOffset() int64 { return l.hashOffset(l.hashStart) }

// HashEndOffset is where the tree ends, in bytes from the start of the hash
// device: the size a hash device must have.
func (l Layout) HashEndOffset() int64 { return l.hashOffset(l.HashEnd()) }

// DataBlocks is the number of data blocks.
func (l Layout) DataBlocks() uint64 { return l.dataBlocks }

// DataBytes is the size of the data in bytes: the size a data device must have,
// and the first byte where a hash area in the same file may begin.
func (l Layout) DataBytes() int64 { return int64(l.dataBlocks) * int64(l.dataBlockSize) }

// DigestSize is the length of one digest in bytes.
func (l Layout) DigestSize() int { return l.digestSize }

// DigestsPerBlock is how many digests a hash block holds: a power of two.
func (l Layout) DigestsPerBlock() int { return 1 << l.perBlockBits }

// hashOffset is the byte offset of a hash block inside the hash device.
func (l *Layout) hashOffset(block uint64) int64 { return int64(block) * int64(l.hashBlockSize) }

// validateRoot checks the length of a root hash.
func (l *Layout) validateRoot(root []byte) error {
	if len(root) != l.digestSize {
		return badParams("root hash of %d bytes: digests have %d", len(root), l.digestSize)
	}
	return nil
}

// nodeOffset is the byte offset of the index-th block of a level, on the data
// device for level -1 and on the hash device otherwise.
func (l *Layout) nodeOffset(level int, index uint64) int64 {
	if level < 0 {
		return int64(index) * int64(l.dataBlockSize)
	}
	return l.hashOffset(l.levels[level].start + index)
}

// nodes is the number of blocks of a level; level -1 is the data.
func (l *Layout) nodes(level int) uint64 {
	if level < 0 {
		return l.dataBlocks
	}
	return l.levels[level].blocks
}

// nodeSize is the size in bytes of the blocks of a level.
func (l *Layout) nodeSize(level int) int {
	if level < 0 {
		return l.dataBlockSize
	}
	return l.hashBlockSize
}

// children is the range of blocks of level-1 whose digests are in count blocks
// of level from index on.
func (l *Layout) children(level int, index, count uint64) (first, n uint64) {
	first = index << l.perBlockBits
	end := l.nodes(level - 1)
	if last := index + count; last < l.nodes(level) {
		end = last << l.perBlockBits
	}
	return first, end - first
}

// dataUnder is the range of data blocks that count blocks of level from index
// on prove.
func (l *Layout) dataUnder(level int, index, count uint64) (first, n uint64) {
	first, n = index, count
	for ; level >= 0; level-- {
		first, n = l.children(level, first, n)
	}
	return first, n
}

// spanBytes is how much data one full block of level proves, capped at the size
// of the data.
func (l *Layout) spanBytes(level int) int64 {
	shift := uint(l.perBlockBits) * uint(level+1)
	if shift >= 63 || l.dataBlocks>>shift == 0 {
		return l.DataBytes()
	}
	return int64(l.dataBlockSize) << shift
}

// slot is where in the level above the digest of a block is: in which block,
// and as which digest of that block.
func (l *Layout) slot(index uint64) (block uint64, slot int) {
	return index >> l.perBlockBits, int(index & (1<<l.perBlockBits - 1))
}

// siblings is how many of count blocks from index on have their digests in the
// same block.
func (l *Layout) siblings(index, count uint64) uint64 {
	_, slot := l.slot(index)
	return min(count, uint64(l.DigestsPerBlock()-slot))
}

// digestOffset is where in a run of hash blocks the digest of a slot is, slots
// being counted through the run.
func (l *Layout) digestOffset(slot int) int {
	block, slot := slot>>l.perBlockBits, slot&(1<<l.perBlockBits-1)
	return block*l.hashBlockSize + slot*l.digestStride
}

// pack puts digests one after the other into blocks, hash blocks in memory,
// from a slot on. It leaves the bytes between them alone.
func (l *Layout) pack(blocks []byte, slot int, digests []byte) {
	if l.gapless() {
		copy(blocks[l.digestOffset(slot):], digests)
		return
	}
	for ; len(digests) > 0; slot++ {
		copy(blocks[l.digestOffset(slot):], digests[:l.digestSize])
		digests = digests[l.digestSize:]
	}
}

// gapless reports whether digests fill hash blocks without a byte between them.
func (l *Layout) gapless() bool { return l.digestSize<<l.perBlockBits == l.hashBlockSize }

// unpack is the reverse of pack: it fills digests from a slot on.
func (l *Layout) unpack(digests, blocks []byte, slot int) {
	if l.gapless() {
		copy(digests, blocks[l.digestOffset(slot):])
		return
	}
	for ; len(digests) > 0; slot++ {
		copy(digests[:l.digestSize], blocks[l.digestOffset(slot):])
		digests = digests[l.digestSize:]
	}
}

// spareIsZero reports whether the bytes of a hash block that hold none of its
// digests are all zero.
func (l *Layout) spareIsZero(block []byte, slots int) bool {
	if l.digestStride > l.digestSize {
		for slot := range slots {
			if !isZero(block[slot*l.digestStride+l.digestSize : (slot+1)*l.digestStride]) {
				return false
			}
		}
	}
	return isZero(block[slots*l.digestStride:])
}

// HashStart is the hash block where the tree starts when the hash area begins
// off bytes into the hash device: right there without a superblock, otherwise
// at the next whole block after the superblock. off must be a multiple of 512
// with a superblock, of the hash block size without. The error wraps
// [ErrBadParams].
func HashStart(off int64, superblock bool, hashBlockSize int) (uint64, error) {
	if err := validateBlockSize("hash", hashBlockSize); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, badParams("hash offset %d bytes is negative", off)
	}
	unit := uint64(hashBlockSize)
	if !superblock {
		if uint64(off)%unit != 0 {
			return 0, badParams("hash offset %d bytes: not a multiple of the hash block size %d", off, hashBlockSize)
		}
		return uint64(off) / unit, nil
	}
	if off%SuperblockSize != 0 {
		return 0, badParams("hash offset %d bytes: not a multiple of %d", off, SuperblockSize)
	}
	return (uint64(off) + SuperblockSize + unit - 1) / unit, nil
}
