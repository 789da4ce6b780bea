package verity

import "bytes"

// isZero reports whether b is all zero. A first byte that is not zero answers
// at once, so that the question costs nothing on dense data.
func isZero(b []byte) bool {
	const stride = 8
	for i := range min(len(b), stride) {
		if b[i] != 0 {
			return false
		}
	}
	return len(b) <= stride || bytes.Equal(b[stride:], b[:len(b)-stride])
}

// dataHasher hashes the data blocks of one tree. It knows the digest of a zero
// block, so that the empty parts of an image cost a comparison only. Use one
// per goroutine; the zero digest may be shared.
type dataHasher struct {
	BatchHasher
	blockSize  int
	zeroDigest []byte
}

// newDataHashers makes n hashers for the data blocks of p.
func newDataHashers(p Params, n int) ([]*dataHasher, error) {
	var zeroDigest []byte
	all := make([]*dataHasher, n)
	for i := range all {
		h, err := NewHasher(p)
		if err != nil {
			return nil, err
		}
		if zeroDigest == nil {
			zeroDigest = make([]byte, h.Size())
			h.SumBlocks(zeroDigest, make([]byte, p.DataBlockSize), p.DataBlockSize)
		}
		all[i] = &dataHasher{BatchHasher: h, blockSize: p.DataBlockSize, zeroDigest: zeroDigest}
	}
	return all, nil
}

// sum puts the digests of data, whole blocks, into dst one after the other.
func (h *dataHasher) sum(dst, data []byte) {
	for len(data) > 0 {
		if isZero(data[:h.blockSize]) {
			copy(dst, h.zeroDigest)
			dst, data = dst[h.Size():], data[h.blockSize:]
			continue
		}
		n := h.blockSize
		for n < len(data) && !isZero(data[n:n+h.blockSize]) {
			n += h.blockSize
		}
		h.SumBlocks(dst, data[:n], h.blockSize)
		dst, data = dst[n/h.blockSize*h.Size():], data[n:]
	}
}

// sumZeros fills dst with the digests of zero blocks.
func (h *dataHasher) sumZeros(dst []byte) {
	for len(dst) > 0 {
		dst = dst[copy(dst, h.zeroDigest):]
	}
}
