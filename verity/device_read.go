package verity

import (
	"bytes"
	"errors"
)

// readBlocks is how many bytes are read in one go; digests are fetched for at
// most one tree block of them at a time.
const readBytes = 128 << 10

// deviceReader is the memory of one read in progress. It belongs to one
// goroutine.
type deviceReader struct {
	device *Device
	hasher *dataHasher
	want   []byte // digests that data blocks should have
	sums   []byte // and those they have
	digest []byte // one of each, for blocks of the tree
	sum    []byte
	zero   []byte // digest of a block that may be zero
	block  []byte // one hash block
	mended []byte // one block recovered from parity
	plain  bool   // recover nothing: this reader judges blocks for a recovery
	bounce []byte // one data block, for reads that do not cover it
}

func newDeviceReader(d *Device, p Params) *deviceReader {
	l := &d.layout
	h, err := NewHasher(p)
	if err != nil {
		panic("verity: internal error: " + err.Error()) // NewDevice made one before
	}
	n := max(1, readBytes/l.dataBlockSize) * l.digestSize
	return &deviceReader{
		device: d,
		hasher: &dataHasher{BatchHasher: h, blockSize: l.dataBlockSize, zeroDigest: d.zero},
		want:   make([]byte, n), sums: make([]byte, n),
		digest: make([]byte, l.digestSize), sum: make([]byte, l.digestSize),
		zero: make([]byte, l.digestSize),
	}
}

// readAt fills b, which lies inside the data, and returns how much of it is
// proven.
func (r *deviceReader) readAt(b []byte, off int64) (n int, err error) {
	size := int64(r.device.layout.dataBlockSize)
	for len(b) > n && err == nil {
		at := off + int64(n)
		block, skip := uint64(at/size), at%size
		rest := b[n:]
		var done int
		if whole := int64(len(rest)) / size * size; skip == 0 && whole > 0 {
			done, err = r.readBlocks(rest[:min(whole, max(readBytes, size))], block)
		} else {
			bounce := grow(&r.bounce, int(size))
			if _, err = r.readBlocks(bounce, block); err == nil {
				done = copy(rest, bounce[skip:])
			}
		}
		n += done
	}
	return n, err
}

// readBlocks fills b with whole blocks from one on, and returns how many bytes
// are proven.
func (r *deviceReader) readBlocks(b []byte, first uint64) (int, error) {
	if r.device.options.IgnoreZeroBlocks {
		return r.readAroundZeros(b, first)
	}
	return r.readData(b, first)
}

// readData reads and verifies blocks. When it cannot read all of them it goes
// block by block, up to the one that cannot be read.
func (r *deviceReader) readData(b []byte, first uint64) (int, error) {
	size := r.device.layout.dataBlockSize
	err := r.device.nodes.data.read(b, first)
	if err == nil {
		return r.verify(b, first)
	}
	if len(b) == size {
		return r.readLost(b, first, err)
	}
	for n := 0; n < len(b); n += size {
		if _, err := r.readData(b[n:n+size], first+uint64(n/size)); err != nil {
			return n, err
		}
	}
	return len(b), nil
}

// verify compares blocks with their digests.
func (r *deviceReader) verify(b []byte, first uint64) (int, error) {
	d, l := r.device, &r.device.layout
	for n := 0; n < len(b); {
		count := l.siblings(first, uint64(len(b)-n)/uint64(l.dataBlockSize))
		run := b[n : n+int(count)*l.dataBlockSize]
		if !d.verified(first, count) {
			want := r.want[:int(count)*l.digestSize]
			if err := r.expect(want, first); err != nil {
				return n, err
			}
			sums := r.sums[:len(want)]
			r.hasher.sum(sums, run)
			if good := r.compare(run, sums, want, first); good < count {
				return n + int(good)*l.dataBlockSize, &CorruptError{Level: -1, Block: first + good}
			}
		}
		n += len(run)
		first += count
	}
	return len(b), nil
}

// compare is how many blocks of run, from first on, may be returned, some of
// them recovered.
func (r *deviceReader) compare(run, sums, want []byte, first uint64) (good uint64) {
	d, size := r.device, r.device.layout.digestSize
	for ; len(sums) > 0; sums, want = sums[size:], want[size:] {
		block := run[int(good)*d.layout.dataBlockSize:][:d.layout.dataBlockSize]
		switch ok := bytes.Equal(sums[:size], want[:size]); {
		case ok && d.once != nil:
			d.once.add(first + good) // never what was recovered: the device still holds the damage
		case !ok && !r.recoverBlock(block, first+good, want[:size]):
			d.status.corrupted.Store(true)
			if !d.options.IgnoreCorruption {
				return good
			}
		}
		good++
	}
	return good
}

// verified reports whether all of count blocks need not be verified again.
func (d *Device) verified(first, count uint64) bool {
	if d.once == nil {
		return false
	}
	for i := range count {
		if !d.once.has(first + i) {
			return false
		}
	}
	return true
}

// readAroundZeros is readBlocks for IgnoreZeroBlocks: it asks the tree first and
// reads only what is not zero.
func (r *deviceReader) readAroundZeros(b []byte, first uint64) (int, error) {
	size := r.device.layout.dataBlockSize
	for n := 0; n < len(b); {
		start, end := n, n
		zero, err := false, error(nil)
		for end < len(b) && !zero && err == nil {
			if zero, err = r.shouldBeZero(first + uint64(end/size)); !zero && err == nil {
				end += size
			}
		}
		if end > start {
			if n, err := r.readData(b[start:end], first+uint64(start/size)); err != nil {
				return start + n, err
			}
		}
		if err != nil {
			return end, err
		}
		n = end
		if zero {
			clear(b[end : end+size])
			n += size
		}
	}
	return len(b), nil
}

// shouldBeZero reports whether the digest of a block is that of a zero block.
func (r *deviceReader) shouldBeZero(block uint64) (bool, error) {
	if r.device.verified(block, 1) {
		return false, nil
	}
	if err := r.expect(r.zero, block); err != nil {
		return false, err
	}
	return bytes.Equal(r.zero, r.device.zero), nil
}

// expect fills want with the proven digests of data blocks that are siblings.
func (r *deviceReader) expect(want []byte, first uint64) error {
	d, l := r.device, &r.device.layout
	if len(l.levels) == 0 {
		copy(want, d.root)
		return nil
	}
	index, slot := l.slot(first)
	if d.cache.digests(want, l.levels[0].start+index, slot) {
		return nil
	}
	if err := r.prove(0, index); err != nil {
		return err
	}
	l.unpack(want, r.block, slot)
	return nil
}

// prove puts the block of the tree with this index on level target into r.block,
// after proving it from the lowest block above it that is still cached, or from
// the root hash.
func (r *deviceReader) prove(target int, index uint64) error {
	d, l := r.device, &r.device.layout
	at := func(level int) uint64 { return index >> (uint(level-target) * uint(l.perBlockBits)) }
	level := target
	for ; level < len(l.levels)-1; level++ {
		above, slot := l.slot(at(level))
		if d.cache.digests(r.digest, l.levels[level+1].start+above, slot) {
			break
		}
	}
	if level == len(l.levels)-1 {
		copy(r.digest, d.root)
	}
	for ; ; level-- {
		if err := r.proveBlock(level, at(level)); err != nil || level == target {
			return err
		}
		_, slot := l.slot(at(level - 1))
		l.unpack(r.digest, r.block, slot)
	}
}

// proveBlock reads a tree block into r.block, compares it with r.digest and
// remembers it.
func (r *deviceReader) proveBlock(level int, index uint64) error {
	d, l := r.device, &r.device.layout
	block := grow(&r.block, l.hashBlockSize)
	number := l.levels[level].start + index
	err := d.nodes.read(level, index, block)
	if err == nil {
		r.hasher.SumBlocks(r.sum, block, l.hashBlockSize)
		if !bytes.Equal(r.sum, r.digest) {
			err = &CorruptError{Level: level, Block: number}
		}
	}
	switch {
	case err == nil || r.recoverBlock(block, l.covered(number), r.digest):
		d.cache.put(number, block)
	case r.plain || !errors.Is(err, ErrCorrupt):
		return err
	default:
		d.status.corrupted.Store(true)
		if !d.options.IgnoreCorruption {
			return err
		}
	}
	return nil
}
