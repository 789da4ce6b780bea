package verity

// Sizes of the work that is handed out.
const (
	// chunkBytes is what one goroutine reads and hashes at a time: large enough
	// that system calls and scheduling do not count, small enough to stay in
	// the cache of a core between reading and hashing.
	chunkBytes    = 512 << 10
	minChunkBytes = 128 << 10
	// bufferBudget bounds the chunks in flight, so that memory stays small on
	// machines with very many cores and with very large blocks.
	bufferBudget = 24 << 20
)

// chunkPlan is how large the chunks of whole blocks are, and how many are worked
// on at the same time: two for each job, so that one is read while another is
// hashed.
func chunkPlan(blockSize, jobs int) (size, count int) {
	size = chunkBytes
	for size > minChunkBytes && bufferBudget/size/2 < jobs {
		size /= 2
	}
	size = max(size, blockSize)
	count = bufferBudget / size
	if jobs <= count/2 {
		count = 2 * jobs
	}
	return size, count
}

// grow gives b the length n; it makes a new one only when b is too small.
func grow(b *[]byte, n int) []byte {
	if cap(*b) < n {
		*b = make([]byte, n)
	}
	*b = (*b)[:n]
	return *b
}

// gate bounds how many goroutines hash at the same time.
type gate chan struct{}

func (g gate) enter() { g <- struct{}{} }
func (g gate) leave() { <-g }

// chunk is a run of blocks of one level on its way from the reader to the tree.
type chunk struct {
	src    *source // nil: buf was filled by the owner
	first  uint64  // block of src
	count  int     // blocks
	hole   bool    // all of it is zero and need not be read
	buf    []byte
	hasher *dataHasher

	digests []byte
	blocks  []byte // of the tree, when chunks cover whole ones
	sums    []byte // their digests
	err     error
}

// chunkHasher hashes chunks on all cores and feeds a tree with their digests in
// order.
type chunkHasher struct {
	ring        *ring[chunk]
	gate        gate
	layout      *Layout
	blockSize   int
	chunkBlocks int
	tree        *treeBuilder
	level       int  // that the digests go to
	packs       bool // each chunk fills whole blocks of level
	progress    func(bytes int64)
}

// newChunkHasher makes a hasher for blocks of blockSize bytes whose digests
// belong into level of the tree.
func newChunkHasher(l *Layout, p Params, blockSize int, tree *treeBuilder, level int) (*chunkHasher, error) {
	size, count := chunkPlan(blockSize, p.jobs())
	h := &chunkHasher{
		gate:        make(gate, p.jobs()),
		layout:      l,
		blockSize:   blockSize,
		chunkBlocks: size / blockSize,
		tree:        tree,
		level:       level,
	}
	perBlock := l.DigestsPerBlock()
	h.packs = !tree.open && level < len(tree.runs) && h.chunkBlocks%perBlock == 0
	if level == 0 {
		h.progress = p.Progress
	}
	p.DataBlockSize = blockSize
	hashers, err := newDataHashers(p, count)
	if err != nil {
		return nil, err
	}
	chunks := make([]*chunk, len(hashers))
	for i, dh := range hashers {
		c := &chunk{hasher: dh, digests: make([]byte, h.chunkBlocks*l.digestSize)}
		if h.packs {
			n := h.chunkBlocks / perBlock
			c.blocks = make([]byte, n*l.hashBlockSize)
			c.sums = make([]byte, n*l.digestSize)
		}
		chunks[i] = c
	}
	h.ring = newRing(chunks, h.run, h.collect)
	return h, nil
}

// run reads and hashes one chunk; it is what the goroutines do.
func (h *chunkHasher) run(c *chunk) {
	if c.src != nil && !c.hole {
		data := grow(&c.buf, c.count*h.blockSize)
		if c.err = c.src.read(data, c.first); c.err != nil {
			return
		}
	}
	h.gate.enter()
	defer h.gate.leave()
	digests := c.digests[:c.count*h.layout.digestSize]
	if c.hole {
		c.hasher.sumZeros(digests)
	} else {
		c.hasher.sum(digests, c.buf[:c.count*h.blockSize])
	}
	if h.packs {
		blocks := c.blocks[:h.treeBlocks(c)*h.layout.hashBlockSize]
		clear(blocks)
		h.layout.pack(blocks, 0, digests)
		c.hasher.SumBlocks(c.sums, blocks, h.layout.hashBlockSize)
	}
}

// collect gives a finished chunk to the tree.
func (h *chunkHasher) collect(c *chunk) error {
	if c.err != nil {
		return c.err
	}
	if h.progress != nil {
		h.progress(int64(c.count) * int64(h.blockSize))
	}
	if !h.packs {
		return h.tree.add(h.level, c.digests[:c.count*h.layout.digestSize])
	}
	n := h.treeBlocks(c)
	return h.tree.addBlocks(h.level, c.blocks[:n*h.layout.hashBlockSize], c.sums[:n*h.layout.digestSize], c.count)
}

// treeBlocks is how many blocks of the tree the digests of c fill.
func (h *chunkHasher) treeBlocks(c *chunk) int {
	perBlock := h.layout.DigestsPerBlock()
	return (c.count + perBlock - 1) / perBlock
}
