package verity

import "sync/atomic"

// Shape of the bitmap of check_at_most_once.
const (
	oncePageBits  = 18 // log2 of the blocks in one page of the bitmap
	oncePageWords = 1 << oncePageBits / 64
	oncePages     = 1 << 10 // 32 MiB of bitmap at most
)

// onceMap remembers which data blocks were verified. Its memory is bounded:
// blocks too far from the start are never remembered, and so verified each
// time. Safe for concurrent use.
type onceMap struct {
	pages []atomic.Pointer[[oncePageWords]atomic.Uint64]
}

func newOnceMap(blocks uint64) *onceMap {
	n := min((blocks-1)>>oncePageBits+1, oncePages)
	return &onceMap{pages: make([]atomic.Pointer[[oncePageWords]atomic.Uint64], n)}
}

// has reports whether a block was verified before.
func (m *onceMap) has(block uint64) bool {
	if block>>oncePageBits >= uint64(len(m.pages)) {
		return false
	}
	page := m.pages[block>>oncePageBits].Load()
	return page != nil && page[block/64%oncePageWords].Load()&(1<<(block%64)) != 0
}

// add remembers a block.
func (m *onceMap) add(block uint64) {
	if block>>oncePageBits >= uint64(len(m.pages)) {
		return
	}
	p := &m.pages[block>>oncePageBits]
	if p.Load() == nil {
		p.CompareAndSwap(nil, new([oncePageWords]atomic.Uint64))
	}
	p.Load()[block/64%oncePageWords].Or(1 << (block % 64))
}
