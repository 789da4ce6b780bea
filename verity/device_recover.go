package verity

import "bytes"

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
	if d.options.Recover(mended, block, d.isBad) != nil {
		return false
	}
	r.hasher.SumBlocks(r.sum, mended, len(b))
	if !bytes.Equal(r.sum, want) {
		return false
	}
	copy(b, mended)
	d.status.recovered.Add(1)
	return true
}

// isBad judges a covered block for a RecoverFunc, with a reader of its own that
// recovers nothing itself.
func (d *Device) isBad(block uint64, data []byte) bool {
	r := d.readers.Get().(*deviceReader)
	r.plain = true
	defer func() {
		r.plain = false
		d.readers.Put(r)
	}()
	want := r.want[:d.layout.digestSize]
	if block < d.layout.dataBlocks {
		if r.expect(want, block) != nil {
			return false
		}
	} else if !r.expectNode(want, block) {
		return false
	}
	r.hasher.SumBlocks(r.sum, data, len(data))
	return !bytes.Equal(r.sum, want)
}

// expectNode fills want with the proven digest of a covered block of the tree. It
// fails for blocks behind the tree, and where no proof is to be had.
func (r *deviceReader) expectNode(want []byte, block uint64) bool {
	d, l := r.device, &r.device.layout
	for level := len(l.levels) - 1; level >= 0; level-- {
		first := l.covered(l.levels[level].start)
		if block < first || block >= first+l.levels[level].blocks {
			continue
		}
		if level == len(l.levels)-1 {
			copy(want, d.root)
			return true
		}
		above, slot := l.slot(block - first)
		if d.cache.digests(want, l.levels[level+1].start+above, slot) {
			return true
		}
		if r.prove(level+1, above) != nil {
			return false
		}
		l.unpack(want, r.block, slot)
		return true
	}
	return false
}
