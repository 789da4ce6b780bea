package multihash

import (
	"crypto/sha256"
	"hash"
	"sync"
)

// digests holds hashes of crypto/sha256 between calls.
var digests = sync.Pool{New: func() any { return sha256.New() }}

// sumGeneric hashes one block after the other.
func (h *SHA256) sumGeneric(dst, blocks []byte, blockSize int) {
	d := digests.Get().(hash.Hash)
	defer digests.Put(d)
	for len(blocks) > 0 {
		d.Reset()
		if len(h.prefix) > 0 {
			d.Write(h.prefix)
		}
		d.Write(blocks[:blockSize])
		if len(h.suffix) > 0 {
			d.Write(h.suffix)
		}
		d.Sum(dst[:0])
		dst, blocks = dst[Size:], blocks[blockSize:]
	}
}
