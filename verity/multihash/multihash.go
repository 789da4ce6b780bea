// Package multihash hashes many equal blocks at once, with SHA-256, SHA-384 or
// SHA-512.
//
// One SHA-256 leaves most of a processor idle, because every round waits for the
// one before. Blocks that do not depend on one another, such as those of a hash
// tree, can be hashed several at a time in the same instruction stream, two to
// eight times as fast on one core as with crypto/sha256:
//
//	h := multihash.NewSHA256(salt, nil)       // H(salt . block)
//	digests := make([]byte, n*h.Size())
//	h.SumBlocks(digests, blocks, 4096)        // n blocks of 4096 bytes
//
// A batch is one synchronous call on the caller's goroutine: nothing is queued,
// started or allocated. Spread batches over goroutines to use several cores. The
// digests are those of FIPS 180-4, equal to what the standard library computes for
// prefix, block and suffix behind each other. A batch pays from two blocks on; with
// 16 every implementation has what it needs.
//
// The package is of use to any program that has blocks to hash. It needs nothing
// else of this module, and where there is no assembly for a processor, or with the
// build tag purego, it gives the same digests at the speed of the standard library.
//
// What it does not do: messages of different lengths, and streaming.
package multihash

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"
)

// function is what there is to know about a hash function.
type function struct {
	name   string // as this package says it in errors
	piece  int    // bytes of the message that one step takes
	word   int    // bytes of a word of its state, which has eight
	size   int    // bytes of a digest
	length int    // bytes of the field at the end that says how long the message is
	new    func() hash.Hash
	fast   func() []impl // implementations in assembly that this machine can run, best first
	pool   sync.Pool     // what new made, between calls
}

// batch hashes messages of the form prefix, block, suffix, many in a call. The
// exported types differ in the function only.
type batch struct {
	f              *function
	impl           impl
	next           []impl // impl and what does blocks that are too few for it, or not its kind
	prefix, suffix []byte
	head           []byte    // what of prefix does not fill a piece
	state          [8]uint64 // after the pieces that prefix fills
}

func newBatch(f *function, prefix, suffix []byte, i impl) batch {
	b := batch{f: f, impl: i, next: f.from(i), prefix: bytes.Clone(prefix), suffix: bytes.Clone(suffix)}
	whole := len(prefix) / f.piece * f.piece
	b.head = b.prefix[whole:]
	b.state = f.stateAfter(b.prefix[:whole])
	return b
}

// stateAfter returns the state after whole pieces. The hashes of the standard
// library say it when asked to be stored: behind four bytes that name the
// function, in big-endian words.
func (f *function) stateAfter(pieces []byte) (state [8]uint64) {
	d := f.new()
	d.Write(pieces)
	stored, err := d.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil || len(stored) < 4+8*f.word {
		panic(fmt.Sprintf("multihash: internal error: no state of %s: %v", f.name, err))
	}
	for i := range state {
		state[i] = f.wordOf(stored[4+i*f.word:])
	}
	return state
}

// wordOf returns the word at the start of p, as the functions read messages.
func (f *function) wordOf(p []byte) uint64 {
	if f.word == 4 {
		return uint64(binary.BigEndian.Uint32(p))
	}
	return binary.BigEndian.Uint64(p)
}

// sum does what the SumBlocks methods say.
func (b *batch) sum(dst, blocks []byte, blockSize int) {
	if blockSize <= 0 || len(blocks)%blockSize != 0 || len(blocks)/blockSize > len(dst)/b.f.size {
		panic(fmt.Sprintf("multihash: %d bytes in blocks of %d do not fit digests of %d bytes", len(blocks), blockSize, len(dst)))
	}
	done := b.sumFast(dst, blocks, blockSize)
	b.sumGeneric(dst[done*b.f.size:], blocks[done*blockSize:], blockSize)
}

// sumGeneric hashes one block after the other.
func (b *batch) sumGeneric(dst, blocks []byte, blockSize int) {
	if len(blocks) == 0 {
		return
	}
	d, ok := b.f.pool.Get().(hash.Hash)
	if !ok {
		d = b.f.new()
	}
	defer b.f.pool.Put(d)
	for ; len(blocks) > 0; dst, blocks = dst[b.f.size:], blocks[blockSize:] {
		d.Reset()
		if len(b.prefix) > 0 {
			d.Write(b.prefix)
		}
		d.Write(blocks[:blockSize])
		if len(b.suffix) > 0 {
			d.Write(b.suffix)
		}
		d.Sum(dst[:0])
	}
}
