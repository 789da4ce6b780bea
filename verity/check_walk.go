package verity

import (
	"bytes"
	"io"
)

// nodeReader reads the blocks of a tree by level and index; level -1 is the
// data.
type nodeReader struct {
	layout *Layout
	data   *source
	levels []*source
}

func newNodeReader(l *Layout, data, hash io.ReaderAt) *nodeReader {
	r := &nodeReader{layout: l, data: dataSource(data, l)}
	for level := range l.levels {
		r.levels = append(r.levels, hashSource(hash, l, level))
	}
	return r
}

// probe reports data or a tree that is cut short.
func (r *nodeReader) probe() error {
	if err := r.data.probe(); err != nil || len(r.levels) == 0 {
		return err
	}
	return r.levels[0].probe() // level 0 is the last one on disk
}

// read fills buf with blocks of a level from index on.
func (r *nodeReader) read(level int, index uint64, buf []byte) error {
	if level < 0 {
		return r.data.read(buf, index)
	}
	return r.levels[level].read(buf, index)
}

// lower is how a walker goes on below the blocks it has read. A walker is its
// own, and does all in one goroutine; the checker spreads the work.
type lower interface {
	// verify checks blocks of a level against their digests, and all below.
	verify(level int, first uint64, want []byte) error
	// sums hashes blocks of a level as they are stored.
	sums(level int, first uint64, out []byte) error
	// estimate guesses for blocks of a level what their digests should be,
	// judging by all that is below.
	estimate(level int, first uint64, g guesses) error
	// settle waits until nothing is at work any more.
	settle() error
}

// walker checks a part of the tree. It belongs to one goroutine at a time.
type walker struct {
	nodes  *nodeReader
	layout *Layout
	hasher *dataHasher
	gate   gate
	below  lower
	hole   bool              // the data of the part is zero and need not be read
	lost   func(bytes int64) // told of data that is not looked at; may be nil
	found  findings
	levels []walkLevel // by level+1
}

// walkLevel is the memory that a walker keeps for one level.
type walkLevel struct {
	blocks, sums []byte
	want         []byte  // digests for the level below
	guesses      guesses // of the level below
}

func newWalker(nodes *nodeReader, h *dataHasher, g gate) *walker {
	l := nodes.layout
	return &walker{
		nodes: nodes, layout: l, hasher: h, gate: g,
		found:  findings{tree: make([]rangeList, len(l.levels))},
		levels: make([]walkLevel, len(l.levels)+1),
	}
}

// settle implements lower.
func (w *walker) settle() error { return nil }

// read returns count blocks of a level with their digests. Both stay valid
// until the level is read again.
func (w *walker) read(level int, first uint64, count int) (blocks, sums []byte, err error) {
	lv := &w.levels[level+1]
	sums = grow(&lv.sums, count*w.layout.digestSize)
	if level < 0 && w.hole {
		w.hasher.sumZeros(sums)
		return nil, sums, nil
	}
	blocks = grow(&lv.blocks, count*w.layout.nodeSize(level))
	if err := w.nodes.read(level, first, blocks); err != nil {
		return nil, nil, err
	}
	w.gate.enter()
	defer w.gate.leave()
	if level < 0 {
		w.hasher.sum(sums, blocks)
	} else {
		w.hasher.SumBlocks(sums, blocks, w.layout.hashBlockSize)
	}
	return blocks, sums, nil
}

// load returns a single block with its digest; the caller owns both.
func (w *walker) load(level int, index uint64) (block, sum []byte, err error) {
	blocks, sums, err := w.read(level, index, 1)
	return bytes.Clone(blocks), bytes.Clone(sums), err
}

// verify implements lower.
func (w *walker) verify(level int, first uint64, want []byte) error {
	size, blockSize := w.layout.digestSize, w.layout.nodeSize(level)
	n := len(want) / size
	blocks, sums, err := w.read(level, first, n)
	if err != nil {
		return err
	}
	for i := 0; i < n; i++ {
		good := i
		for good < n && bytes.Equal(sums[good*size:][:size], want[good*size:][:size]) {
			good++
		}
		if level >= 0 && good > i {
			err = w.descend(level, first+uint64(i), blocks[i*blockSize:good*blockSize])
		}
		if i = good; err == nil && i < n {
			if level < 0 {
				w.found.data.add(first+uint64(i), 1)
			} else {
				err = w.restore(level, first+uint64(i), want[i*size:][:size], blocks[i*blockSize:][:blockSize])
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// descend goes on below good blocks of the tree.
func (w *walker) descend(level int, first uint64, blocks []byte) error {
	size := w.layout.hashBlockSize
	count := uint64(len(blocks) / size)
	child, n := w.layout.children(level, first, count)
	want := grow(&w.levels[level+1].want, int(n)*w.layout.digestSize)
	w.layout.unpack(want, blocks, 0)
	for i := range count {
		_, slots := w.layout.children(level, first+i, 1)
		if !w.layout.spareIsZero(blocks[int(i)*size:][:size], int(slots)) {
			w.found.tree[level].add(first+i, 1)
		}
	}
	return w.below.verify(level-1, child, want)
}

// lose notes a tree block that is damaged for good, with all below it.
func (w *walker) lose(level int, index uint64) {
	w.found.tree[level].add(index, 1)
	first, n := w.layout.dataUnder(level, index, 1)
	w.found.unproven.add(first, n)
	if w.lost != nil {
		w.lost(int64(n) * int64(w.layout.dataBlockSize))
	}
}

// sums implements lower.
func (w *walker) sums(level int, first uint64, out []byte) error {
	_, sums, err := w.read(level, first, len(out)/w.layout.digestSize)
	copy(out, sums)
	return err
}
