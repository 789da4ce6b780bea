package verity

import "sync"

// Shape of the cache.
const (
	defaultCacheBytes = 16 << 20
	cacheWays         = 8
)

// blockCache keeps proven hash blocks, by their number on the hash device. It
// is a set-associative cache: memory is bounded, grows only as blocks come in,
// and nothing is allocated once it is full. Safe for concurrent use.
type blockCache struct {
	layout *Layout
	sets   []cacheSet
	ways   int
}

// cacheSet holds the blocks whose numbers fall on it.
type cacheSet struct {
	mu     sync.Mutex
	keys   [cacheWays]uint64 // block number + 1; 0: empty
	blocks [cacheWays][]byte
	used   [cacheWays]bool // since the hand last came by
	hand   uint8
}

// newBlockCache makes a cache of at most size bytes of blocks; 0 means the
// default. It always has room for one block.
func newBlockCache(l *Layout, size int) *blockCache {
	if size == 0 {
		size = defaultCacheBytes
	}
	room := max(1, size/l.hashBlockSize)
	c := &blockCache{layout: l, ways: min(room, cacheWays)}
	sets := uint64(room / c.ways)
	enough := (l.HashBlocks() + cacheWays - 1) / cacheWays // for the whole tree
	c.sets = make([]cacheSet, max(1, min(sets, enough)))
	return c
}

// set is where a block belongs. Neighbours go to different sets, so that a whole
// tree, or any run of blocks, fills all sets alike.
func (c *blockCache) set(block uint64) *cacheSet {
	return &c.sets[block%uint64(len(c.sets))]
}

// digests fills out with the digests in a block from a slot on. It reports
// whether the block was there.
func (c *blockCache) digests(out []byte, block uint64, slot int) bool {
	s := c.set(block)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range c.ways {
		if s.keys[i] == block+1 {
			s.used[i] = true
			c.layout.unpack(out, s.blocks[i], slot)
			return true
		}
	}
	return false
}

// put remembers a copy of a proven block. It takes the place of one that was
// not used lately.
func (c *blockCache) put(block uint64, content []byte) {
	s := c.set(block)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range c.ways {
		if s.keys[i] == block+1 {
			return
		}
	}
	i := s.victim(c.ways)
	if s.blocks[i] == nil {
		s.blocks[i] = make([]byte, c.layout.hashBlockSize)
	}
	copy(s.blocks[i], content)
	s.keys[i], s.used[i] = block+1, true
}

// victim is the next place that is empty or was not used since the hand passed
// it last.
func (s *cacheSet) victim(ways int) int {
	for {
		i := int(s.hand)
		s.hand = uint8((i + 1) % ways)
		if s.keys[i] == 0 || !s.used[i] {
			return i
		}
		s.used[i] = false
	}
}
