package verity

import (
	"bytes"
	"sync"
)

// RecoverFunc puts the content of a block, as parity has it, into b. Blocks are
// counted as dm-verity's parity covers them: the data blocks from 0 on, then the
// blocks of the hash device from HashStartBlock on; both have one size. bad
// tells it of any of them whether data is certainly not its content; it returns
// false where nothing is known, may be called concurrently, and does not keep
// data. An error means that the block cannot be recovered; b is then undefined.
// It is called concurrently. See verity/fec, whose Decoder does this.
type RecoverFunc func(b []byte, block uint64, bad func(block uint64, data []byte) bool) error

// covered is the number that a block of the hash device has for a RecoverFunc.
func (l *Layout) covered(number uint64) uint64 {
	return l.dataBlocks + number - l.hashStart
}

// readLost reads a data block that its device cannot deliver, which is why.
func (r *deviceReader) readLost(b []byte, block uint64, why error) (int, error) {
	if r.device.options.Recover == nil {
		return 0, why
	}
	want := r.want[:r.device.layout.digestSize]
	if err := r.expect(want, block); err != nil {
		return 0, err
	}
	if !r.recoverBlock(b, block, want) {
		return 0, why
	}
	return len(b), nil
}

// recoverBlock puts the recovered content of a covered block into b if it has the
// digest want, which is proven. Otherwise b stays as it is.
func (r *deviceReader) recoverBlock(b []byte, block uint64, want []byte) bool {
	d := r.device
	if d.options.Recover == nil || r.plain {
		return false
	}
	mended := grow(&r.mended, len(b))
	j := blockJudge{device: d}
	for range 2 {
		if d.options.Recover(mended, block, j.isBad) == nil {
			r.hasher.SumBlocks(r.sum, mended, len(b))
			if bytes.Equal(r.sum, want) {
				copy(b, mended)
				d.status.recovered.Add(1)
				return true
			}
		}
		if r.nested || !j.learn() {
			return false
		}
	}
	return false
}

// ShouldBeZero reports whether the tree proves that a data block is all zeros.
func (d *Device) ShouldBeZero(block uint64) bool {
	if block >= d.layout.dataBlocks {
		return false
	}
	r := d.readers.Get().(*deviceReader)
	r.plain = true
	defer func() {
		r.plain = false
		d.readers.Put(r)
	}()
	return r.expect(r.zero, block) == nil && bytes.Equal(r.zero, d.zero)
}

// blockJudge judges covered blocks for a RecoverFunc, with readers of its own that
// recover nothing themselves.
type blockJudge struct {
	device *Device

	mu      sync.Mutex
	unknown map[treeBlock]struct{} // whose digests would have been needed
}

// treeBlock is the place of a block in the tree.
type treeBlock struct {
	level int
	index uint64
}

// isBad is for a RecoverFunc.
func (j *blockJudge) isBad(block uint64, data []byte) bool {
	d := j.device
	r := d.readers.Get().(*deviceReader)
	r.plain = true
	defer func() {
		r.plain = false
		d.readers.Put(r)
	}()
	want := r.want[:d.layout.digestSize]
	above, ok := r.expectCovered(want, block)
	if !ok {
		if above.level >= 0 {
			j.mu.Lock()
			defer j.mu.Unlock()
			if j.unknown == nil {
				j.unknown = make(map[treeBlock]struct{})
			}
			j.unknown[above] = struct{}{}
		}
		return false
	}
	r.hasher.SumBlocks(r.sum, data, len(data))
	return !bytes.Equal(r.sum, want)
}

// learn tries to recover the tree blocks that stood in the way, and reports
// whether there is more to judge by now. It goes no deeper than that: what a tree
// block needs to be recovered must be there.
func (j *blockJudge) learn() (more bool) {
	r := j.device.readers.Get().(*deviceReader)
	r.nested = true
	defer func() {
		r.nested = false
		j.device.readers.Put(r)
	}()
	for t := range j.unknown {
		more = r.prove(t.level, t.index) == nil || more
	}
	clear(j.unknown)
	return more
}

// expectCovered fills want with the proven digest of a covered block. Where no
// proof is to be had, ok is false and above is the tree block that has the
// digest, or has level -1 for blocks behind the tree.
func (r *deviceReader) expectCovered(want []byte, block uint64) (above treeBlock, ok bool) {
	l := &r.device.layout
	if block < l.dataBlocks {
		index, _ := l.slot(block)
		return treeBlock{0, index}, r.expect(want, block) == nil
	}
	for level := range l.levels {
		if first := l.covered(l.levels[level].start); block >= first && block < first+l.levels[level].blocks {
			return r.expectNode(want, level, block-first)
		}
	}
	return treeBlock{level: -1}, false
}

// expectNode is expectCovered for a block of the tree.
func (r *deviceReader) expectNode(want []byte, level int, index uint64) (above treeBlock, ok bool) {
	d, l := r.device, &r.device.layout
	if level == len(l.levels)-1 {
		copy(want, d.root)
		return treeBlock{}, true
	}
	parent, slot := l.slot(index)
	above = treeBlock{level + 1, parent}
	if d.cache.digests(want, l.levels[level+1].start+parent, slot) {
		return above, true
	}
	if r.prove(level+1, parent) != nil {
		return above, false
	}
	l.unpack(want, r.block, slot)
	return above, true
}
