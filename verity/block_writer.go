package verity

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// BlockWriter makes a hash tree from data whose blocks come in any order, from
// several goroutines at once: from a pass over the data that is made for another
// reason. It puts the digests in their places on the hash device as they come and
// makes the levels above at the end, so that memory stays small. It reads the
// lowest level again, a hundredth of the data. A BlockWriter that is given up
// needs no closing; a tree half written is left behind then.
type BlockWriter struct {
	params  Params
	layout  Layout
	hash    ReadWriterAt
	blocks  atomic.Uint64 // that have come
	workers sync.Pool     // of *blockWorker
	root    []byte        // of a tree without levels
}

// blockWorker is what one WriteAt needs.
type blockWorker struct {
	hasher *dataHasher
	sums   []byte
	leaf   []byte // one block of the lowest level
}

// NewBlockWriter makes a BlockWriter that puts the tree of p.DataBlocks blocks on
// hash, which must allow concurrent writes to different places. Errors wrap
// [ErrBadParams].
func NewBlockWriter(hash ReadWriterAt, p Params) (*BlockWriter, error) {
	l, err := NewLayout(p)
	if err != nil {
		return nil, err
	}
	hashers, err := newDataHashers(p, 1)
	if err != nil {
		return nil, err
	}
	p.Salt = bytes.Clone(p.Salt)
	w := &BlockWriter{params: p, layout: l, hash: hash}
	w.workers.New = func() any {
		h, err := NewHasher(p)
		if err != nil {
			panic("verity: internal error: " + err.Error()) // the first one was made
		}
		return &blockWorker{
			hasher: &dataHasher{BatchHasher: h, blockSize: p.DataBlockSize, zeroDigest: hashers[0].zeroDigest},
			leaf:   make([]byte, l.hashBlockSize),
		}
	}
	return w, nil
}

// WriteAt takes whole blocks of data, from byte off of the data on. It may be
// called concurrently. Every block must come exactly once; only their number is
// checked, in Finish. Errors wrap [ErrBadParams], or come from the hash device.
func (w *BlockWriter) WriteAt(b []byte, off int64) (int, error) {
	size := int64(w.layout.dataBlockSize)
	if off < 0 || off%size != 0 || int64(len(b))%size != 0 || int64(len(b)) > w.layout.DataBytes()-off {
		return 0, badParams("%d bytes at offset %d: not whole blocks of the %d bytes of data", len(b), off, w.layout.DataBytes())
	}
	worker := w.workers.Get().(*blockWorker)
	defer w.workers.Put(worker)
	first, count := uint64(off/size), uint64(int64(len(b))/size)
	sums := grow(&worker.sums, int(count)*w.layout.digestSize)
	worker.hasher.sum(sums, b)
	if len(w.layout.levels) == 0 {
		if len(sums) > 0 {
			w.root = bytes.Clone(sums) // of the only block
		}
	} else if err := w.place(worker.leaf, first, sums); err != nil {
		return 0, fmt.Errorf("verity: building tree: %w", err)
	}
	w.blocks.Add(count)
	w.params.progress(int64(len(b)))
	return len(b), nil
}

// place writes the digests of blocks from first on into the lowest level, and
// behind the last digest of a tree block the zeros that fill it up.
func (w *BlockWriter) place(leaf []byte, first uint64, sums []byte) error {
	l := &w.layout
	for len(sums) > 0 {
		index, slot := l.slot(first)
		n := l.siblings(first, uint64(len(sums)/l.digestSize))
		begin, end := l.digestOffset(slot), l.hashBlockSize
		if last := slot + int(n); last < l.DigestsPerBlock() && first+n < l.dataBlocks {
			end = l.digestOffset(last)
		}
		clear(leaf[begin:end])
		l.pack(leaf, slot, sums[:int(n)*l.digestSize])
		at := l.nodeOffset(0, index) + int64(begin)
		if _, err := w.hash.WriteAt(leaf[begin:end], at); err != nil {
			return fmt.Errorf("writing hash at offset %d: %w", at, err)
		}
		sums, first = sums[int(n)*l.digestSize:], first+n
	}
	return nil
}

// Finish makes the rest of the tree and returns the root hash, once all WriteAt
// have returned. If blocks are missing, or there were too many, the error wraps
// io.ErrShortWrite.
func (w *BlockWriter) Finish(ctx context.Context) ([]byte, error) {
	if n := w.blocks.Load(); n != w.layout.dataBlocks {
		return nil, fmt.Errorf("verity: building tree: %d of %d blocks were written: %w", n, w.layout.dataBlocks, io.ErrShortWrite)
	}
	if len(w.layout.levels) == 0 {
		return w.root, nil
	}
	p := w.params
	p.Progress = nil
	root, err := buildAbove(ctx, hashSource(w.hash, &w.layout, 0), w.hash, &w.layout, p, 1)
	if err != nil {
		return nil, fmt.Errorf("verity: building tree: %w", err)
	}
	return root, nil
}
