package verity

import "fmt"

const (
	// updateBudget bounds the chunks in flight; the path above them needs memory too.
	updateBudget = 16 << 20
	// A list of less than shortList bytes is dealt with in smaller chunks, and
	// holes are not asked for: that would cost more than it saves, on some file
	// systems as much as going through the rest of the file.
	shortList = 64 << 20
)

// updateHasher reads and hashes changed data on all cores and hands the digests
// over in order.
type updateHasher struct {
	ring      *ring[updateChunk]
	blocks    int // that a chunk holds at most
	data, old *source
	dataHoles *holeMap
	oldHoles  *holeMap
	gate      gate
}

// updateChunk is some changed blocks on their way from the reader to the tree.
type updateChunk struct {
	pieces  []updatePiece
	count   int // blocks in all pieces
	buf     []byte
	sums    []byte
	oldSums []byte // empty without old data
	hasher  *dataHasher
	err     error
}

// updatePiece is a run of changed blocks.
type updatePiece struct {
	first         uint64
	count         int
	hole, oldHole bool
}

func (u *updater) newUpdateHasher(p Params, o UpdateOptions) (*updateHasher, error) {
	size, count := chunkPlan(p.DataBlockSize, p.jobs())
	count = min(count, updateBudget/size)
	h := &updateHasher{data: u.nodes.data, dataHoles: new(holeMap), oldHoles: new(holeMap), gate: u.gate}
	long := u.result.ListedBlocks >= uint64(shortList/p.DataBlockSize)
	if long {
		h.dataHoles = newHoleMap(h.data.r)
	} else {
		size = max(minChunkBytes, p.DataBlockSize)
	}
	h.blocks = size / p.DataBlockSize
	if o.OldData != nil {
		h.old = dataSource(o.OldData, u.layout)
		h.old.what = "old data"
		if long {
			h.oldHoles = newHoleMap(o.OldData)
		}
		if err := h.old.probe(); err != nil {
			return nil, err
		}
	}
	hashers, err := newDataHashers(p, count)
	if err != nil {
		return nil, err
	}
	chunks := make([]*updateChunk, count)
	for i, dh := range hashers {
		chunks[i] = &updateChunk{hasher: dh}
	}
	h.ring = newRing(chunks, h.run, u.collectChunk)
	return h, nil
}

// hashChanged runs all changed blocks through u.data.
func (u *updater) hashChanged() error {
	h := u.data
	var c *updateChunk
	for _, r := range u.changed {
		for first := r.First; first <= r.Last; {
			if c == nil {
				next, err := h.ring.next()
				if err == nil {
					err = u.ctx.Err()
				}
				if err != nil {
					return err
				}
				c = next
				c.pieces, c.count = c.pieces[:0], 0
			}
			n := int(min(r.Last-first+1, uint64(h.blocks-c.count)))
			c.pieces = append(c.pieces, h.piece(first, n))
			c.count += n
			first += uint64(n)
			if c.count == h.blocks {
				h.ring.start()
				c = nil
			}
		}
	}
	if c != nil {
		h.ring.start()
	}
	return u.ctx.Err()
}

// piece looks up whether blocks are known to be zero.
func (h *updateHasher) piece(first uint64, count int) updatePiece {
	off, n := h.data.offset(first), int64(count)*int64(h.data.blockSize)
	return updatePiece{
		first: first, count: count, hole: h.dataHoles.covers(off, n),
		oldHole: h.old != nil && h.oldHoles.covers(off, n),
	}
}

// run reads and hashes one chunk; it is what the goroutines do.
func (h *updateHasher) run(c *updateChunk) {
	if c.sums, c.err = h.sum(c, h.data, c.sums); c.err != nil || h.old == nil {
		return
	}
	c.oldSums, c.err = h.sum(c, h.old, c.oldSums)
}

// sum hashes the blocks of c as they are in src.
func (h *updateHasher) sum(c *updateChunk, src *source, sums []byte) ([]byte, error) {
	size := src.blockSize
	buf := grow(&c.buf, c.count*size)
	for _, p := range c.pieces {
		part := buf[:p.count*size]
		buf = buf[p.count*size:]
		if src == h.data && p.hole || src == h.old && p.oldHole {
			clear(part)
		} else if err := src.read(part, p.first); err != nil {
			return sums, err
		}
	}
	grow(&sums, c.count*c.hasher.Size())
	h.gate.enter()
	defer h.gate.leave()
	c.hasher.sum(sums, c.buf)
	return sums, nil
}

// collectChunk gives the digests of a finished chunk to level 0.
func (u *updater) collectChunk(c *updateChunk) error {
	if c.err != nil {
		return c.err
	}
	size := u.layout.digestSize
	at := 0
	for _, p := range c.pieces {
		for i := range p.count {
			child := pathChild{index: p.first + uint64(i), sum: c.sums[at : at+size]}
			if len(c.oldSums) > 0 {
				child.old = c.oldSums[at : at+size]
			}
			if err := u.addLowest(child); err != nil {
				return err
			}
			at += size
		}
	}
	u.progress(int64(c.count) * int64(u.layout.dataBlockSize))
	if len(c.sums) != at {
		panic(fmt.Sprintf("verity: internal error: %d digests of %d blocks", len(c.sums)/size, c.count))
	}
	return nil
}
