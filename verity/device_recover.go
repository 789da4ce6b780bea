package verity

import (
	"bytes"
	"errors"
	"sync"
)

// RecoverFunc puts the content of a block, as parity has it, into b. Blocks are
// counted as dm-verity's parity covers them: the data blocks from 0 on, then the
// blocks of the hash device from HashStartBlock on; both have one size. bad
// tells it of any of them whether data is certainly not its content; it returns
// false where nothing is known, may be called concurrently, and does not keep
// data. An error means that the block is not recovered; b is then undefined. If it
// wraps [ErrLost], trying again is of no use. It is called concurrently. See
// verity/fec, whose Decoder does this.
type RecoverFunc func(b []byte, block uint64, bad func(block uint64, data []byte) bool) error

// ErrLost is wrapped by the errors of a [RecoverFunc] about blocks that nothing can
// recover.
var ErrLost = errors.New("damaged beyond recovery")

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
	if d.options.Recover == nil || r.plain || d.hopeless.has(block) {
		return false
	}
	mended := grow(&r.mended, len(b))
	err := d.options.Recover(mended, block, d.isBad)
	if err == nil {
		r.hasher.SumBlocks(r.sum, mended, len(b))
		if bytes.Equal(r.sum, want) {
			copy(b, mended)
			d.status.recovered.Add(1)
			return true
		}
	}
	if lost := err == nil || errors.Is(err, ErrLost); lost && block >= d.layout.dataBlocks {
		d.hopeless.add(block)
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

// isBad judges a covered block for a RecoverFunc, with a reader of its own that
// recovers nothing itself. As for the kernel, what lies under a damaged block of the
// tree cannot be judged.
func (d *Device) isBad(block uint64, data []byte) bool {
	r := d.readers.Get().(*deviceReader)
	r.plain = true
	defer func() {
		r.plain = false
		d.readers.Put(r)
	}()
	want := r.want[:d.layout.digestSize]
	if !r.expectCovered(want, block) {
		return false
	}
	r.hasher.SumBlocks(r.sum, data, len(data))
	return !bytes.Equal(r.sum, want)
}

// expectCovered fills want with the proven digest of a covered block; false if no
// proof is to be had.
func (r *deviceReader) expectCovered(want []byte, block uint64) bool {
	l := &r.device.layout
	if block < l.dataBlocks {
		return r.expect(want, block) == nil
	}
	for level := range l.levels {
		if first := l.covered(l.levels[level].start); block >= first && block < first+l.levels[level].blocks {
			return r.expectNode(want, level, block-first)
		}
	}
	return false // it lies behind the tree
}

// expectNode is expectCovered for a block of the tree.
func (r *deviceReader) expectNode(want []byte, level int, index uint64) bool {
	d, l := r.device, &r.device.layout
	if level == len(l.levels)-1 {
		copy(want, d.root)
		return true
	}
	parent, slot := l.slot(index)
	if d.cache.digests(want, l.levels[level+1].start+parent, slot) {
		return true
	}
	if r.prove(level+1, parent) != nil {
		return false
	}
	l.unpack(want, r.block, slot)
	return true
}

// hopelessSet remembers tree blocks that cannot be recovered, so that each is tried
// once and not for every block of data below it. Its memory is bounded.
type hopelessSet struct {
	mu     sync.Mutex
	blocks map[uint64]struct{} // numbers as covered
}

const hopelessMax = 1 << 12

func (s *hopelessSet) has(block uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.blocks[block]
	return ok
}

func (s *hopelessSet) add(block uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blocks == nil {
		s.blocks = make(map[uint64]struct{})
	}
	if len(s.blocks) < hopelessMax {
		s.blocks[block] = struct{}{}
	}
}
