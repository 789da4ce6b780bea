package verity

import (
	"bytes"
	"fmt"
	"io"
)

// runBytes is how much of a level is gathered before it is written.
const runBytes = 256 << 10

// treeBuilder takes the digests of one level in order and writes the tree
// above. Each level has a buffer of blocks: when it is full it is hashed and
// written in one go, and the digests go to the level above, so that memory
// stays constant and the upper levels grow while the data is still being read.
type treeBuilder struct {
	layout *Layout
	out    io.WriterAt
	hasher BatchHasher
	runs   []treeRun
	root   []byte
	// open is set while the number of data blocks is unknown: only level 0 is
	// written, at the start of the tree, and nothing goes up. root is the digest
	// of the first data block then.
	open bool
}

// treeRun is the part of a level that is not written yet.
type treeRun struct {
	buf    []byte // whole blocks; zero where no digest is yet
	sums   []byte // room for the digests of the blocks in buf
	slots  int    // digests in buf
	hashed int    // blocks at the start of buf whose digests went up already
	at     uint64 // index in its level of the first block in buf
}

// newTreeBuilder makes a builder for all levels of l from lowest on.
func newTreeBuilder(l *Layout, out io.WriterAt, p Params, lowest int) (*treeBuilder, error) {
	h, err := NewHasher(p)
	if err != nil {
		return nil, err
	}
	b := &treeBuilder{layout: l, out: out, hasher: h, runs: make([]treeRun, len(l.levels))}
	for i := lowest; i < len(b.runs); i++ {
		blocks := int(min(l.levels[i].blocks, uint64(max(1, runBytes/l.hashBlockSize))))
		b.runs[i].buf = make([]byte, blocks*l.hashBlockSize)
		b.runs[i].sums = make([]byte, blocks*l.digestSize)
	}
	return b, nil
}

// add appends digests of blocks of level-1 to level. Above the highest level
// there is only the root hash.
func (b *treeBuilder) add(level int, digests []byte) error {
	if level == len(b.runs) {
		b.root = append(b.root[:0], digests...)
		return nil
	}
	if b.open && b.root == nil {
		b.root = bytes.Clone(digests[:b.layout.digestSize])
	}
	run := &b.runs[level]
	room := len(run.buf) / b.layout.hashBlockSize << b.layout.perBlockBits
	for len(digests) > 0 {
		n := min(room-run.slots, len(digests)/b.layout.digestSize)
		b.layout.pack(run.buf, run.slots, digests[:n*b.layout.digestSize])
		run.slots += n
		digests = digests[n*b.layout.digestSize:]
		if run.slots == room {
			if err := b.flush(level); err != nil {
				return err
			}
		}
	}
	return nil
}

// addBlocks appends finished blocks, which hold the given number of digests, to
// level, and their own digests to the level above. Every call but the last must
// bring full blocks.
func (b *treeBuilder) addBlocks(level int, blocks, sums []byte, slots int) error {
	run := &b.runs[level]
	size := b.layout.hashBlockSize
	for len(blocks) > 0 {
		used := run.slots >> b.layout.perBlockBits
		n := min(len(run.buf)/size-used, len(blocks)/size)
		copy(run.buf[used*size:], blocks[:n*size])
		filled := min(n<<b.layout.perBlockBits, slots)
		run.slots += filled
		run.hashed += n
		if err := b.add(level+1, sums[:n*b.layout.digestSize]); err != nil {
			return err
		}
		blocks, sums, slots = blocks[n*size:], sums[n*b.layout.digestSize:], slots-filled
		if run.hashed == len(run.buf)/size {
			if err := b.flush(level); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush hashes and writes what a level has gathered. Only the last block of a
// level may be partly filled.
func (b *treeBuilder) flush(level int) error {
	run := &b.runs[level]
	size := b.layout.hashBlockSize
	n := (run.slots + 1<<b.layout.perBlockBits - 1) >> b.layout.perBlockBits
	if n == 0 {
		return nil
	}
	blocks := run.buf[:n*size]
	off := b.layout.nodeOffset(level, run.at)
	if _, err := b.out.WriteAt(blocks, off); err != nil {
		return fmt.Errorf("writing hash at offset %d: %w", off, err)
	}
	sums := run.sums[:(n-run.hashed)*b.layout.digestSize]
	if !b.open {
		b.hasher.SumBlocks(sums, blocks[run.hashed*size:], size)
	}
	clear(blocks)
	run.at += uint64(n)
	run.slots, run.hashed = 0, 0
	if b.open || len(sums) == 0 {
		return nil
	}
	return b.add(level+1, sums)
}

// finish writes what is left, from level lowest up, and returns the root hash.
func (b *treeBuilder) finish(lowest int) ([]byte, error) {
	for level := lowest; level < len(b.runs); level++ {
		if err := b.flush(level); err != nil {
			return nil, err
		}
		if run := &b.runs[level]; run.at != b.layout.levels[level].blocks {
			panic(fmt.Sprintf("verity: internal error: level %d has %d of %d blocks", level, run.at, b.layout.levels[level].blocks))
		}
	}
	return b.root, nil
}
