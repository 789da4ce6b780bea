//go:build !purego

package multihash

import (
	"encoding/binary"

	"github.com/klauspost/cpuid/v2"
)

// requiredSHANI are the processor features that the Requires lines of
// sha256_amd64.s name; a test compares the two.
var requiredSHANI = []cpuid.FeatureID{cpuid.SSE2, cpuid.SSSE3, cpuid.SSE4, cpuid.SHA}

// archImpls returns the implementations in assembly that this machine can run,
// best first. Three messages fill the SHA unit of AMD's processors since Zen 4
// (a round instruction each cycle); those of Intel's are full with two.
func archImpls() []impl {
	if !cpuid.CPU.Supports(requiredSHANI...) {
		return nil
	}
	if cpuid.CPU.VendorID == cpuid.AMD {
		return []impl{implSHANI3, implSHANI2}
	}
	return []impl{implSHANI2, implSHANI3}
}

// midstate is a state of SHA-256 as the SHA extensions take it: F, E, B, A, then
// H, G, D, C, each in the lanes of one register from the lowest on.
type midstate [8]uint32

// initial is the state that FIPS 180-4, 5.3.3 begins with.
var initial = midstate{0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667, 0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372}

// blocksNI2 feeds count ≥ 1 blocks of 64 bytes from p0 and p1 to two states and
// prefetches what lies ahead bytes further on.
//
//go:noescape
func blocksNI2(state *[2]midstate, p0, p1 *byte, count, ahead int)

// blocksNI3 is blocksNI2 for three messages.
//
//go:noescape
func blocksNI3(state *[3]midstate, p0, p1, p2 *byte, count, ahead int)

// midstate returns the state after the whole blocks of p.
func (i impl) midstate(p []byte) midstate {
	states := [2]midstate{initial, initial}
	if n := len(p) / BlockSize; n > 0 && i != implGeneric {
		blocksNI2(&states, &p[0], &p[0], n, 0)
	}
	return states[0]
}

// put writes the state as a digest.
func (s *midstate) put(dst []byte) {
	_ = dst[Size-1]
	for i, v := range [8]uint32{s[3], s[2], s[7], s[6], s[1], s[0], s[5], s[4]} {
		binary.BigEndian.PutUint32(dst[4*i:], v)
	}
}

// maxSuffix bounds the suffix that the assembly path takes: with the rest of a
// block and the padding it must fit into ending.
const maxSuffix = 256

// ending is the last bytes of a message: the rest of the block behind its whole
// 64-byte pieces, the suffix, and the padding.
type ending [6 * BlockSize]byte

// shape is where the 64-byte pieces of a message lie.
type shape struct {
	blockSize int
	skip      int // bytes of the block that the first piece takes beside head; 0 without head
	whole     int // pieces that lie whole in the block
	rest      int // bytes of the block that come after those
	last      int // pieces of the ending
}

// shape works out the pieces and writes the part of the ending that is the same
// for all blocks. It fails for messages that only the generic way takes.
func (h *SHA256) shape(blockSize int, end *ending) (shape, bool) {
	s := shape{blockSize: blockSize}
	if len(h.head) > 0 {
		s.skip = BlockSize - len(h.head)
	}
	if blockSize < BlockSize || len(h.suffix) > maxSuffix {
		return s, false
	}
	s.whole = (blockSize - s.skip) / BlockSize
	s.rest = (blockSize - s.skip) % BlockSize
	n := s.rest + copy(end[s.rest:], h.suffix)
	end[n] = 0x80
	s.last = (n + 1 + 8 + BlockSize - 1) / BlockSize
	bits := uint64(len(h.prefix)+blockSize+len(h.suffix)) * 8
	binary.BigEndian.PutUint64(end[s.last*BlockSize-8:], bits)
	return s, true
}

// sumBlocks hashes as many blocks at a time as the implementation has in flight.
func (h *SHA256) sumBlocks(dst, blocks []byte, blockSize int) {
	var end ending
	s, ok := h.shape(blockSize, &end)
	if !ok || h.impl == implGeneric {
		h.sumGeneric(dst, blocks, blockSize)
		return
	}
	raceRead(blocks)
	raceWrite(dst[:len(blocks)/blockSize*Size])
	if h.impl == implSHANI3 {
		ends := [3]ending{end, end, end}
		for ; len(blocks) >= 3*blockSize; blocks, dst = blocks[3*blockSize:], dst[3*Size:] {
			h.sum3(dst, blocks, s, &ends)
		}
	}
	ends := [2]ending{end, end}
	for ; len(blocks) >= 2*blockSize; blocks, dst = blocks[2*blockSize:], dst[2*Size:] {
		h.sum2(dst, blocks, s, &ends)
	}
	if len(blocks) > 0 {
		h.sumGeneric(dst, blocks, blockSize)
	}
}

// sum2 hashes two blocks.
func (h *SHA256) sum2(dst, blocks []byte, s shape, ends *[2]ending) {
	states := [2]midstate{h.state, h.state}
	b0, b1 := blocks[:s.blockSize], blocks[s.blockSize:2*s.blockSize]
	if s.skip > 0 {
		var heads [2][BlockSize]byte
		for i, b := range [2][]byte{b0, b1} {
			copy(heads[i][copy(heads[i][:], h.head):], b)
		}
		blocksNI2(&states, &heads[0][0], &heads[1][0], 1, 0)
	}
	if s.whole > 0 {
		blocksNI2(&states, &b0[s.skip], &b1[s.skip], s.whole, 2*s.blockSize)
	}
	copy(ends[0][:s.rest], b0[s.blockSize-s.rest:])
	copy(ends[1][:s.rest], b1[s.blockSize-s.rest:])
	blocksNI2(&states, &ends[0][0], &ends[1][0], s.last, 0)
	for i := range states {
		states[i].put(dst[i*Size:])
	}
}

// sum3 hashes three blocks.
func (h *SHA256) sum3(dst, blocks []byte, s shape, ends *[3]ending) {
	states := [3]midstate{h.state, h.state, h.state}
	b0, b1, b2 := blocks[:s.blockSize], blocks[s.blockSize:2*s.blockSize], blocks[2*s.blockSize:3*s.blockSize]
	if s.skip > 0 {
		var heads [3][BlockSize]byte
		for i, b := range [3][]byte{b0, b1, b2} {
			copy(heads[i][copy(heads[i][:], h.head):], b)
		}
		blocksNI3(&states, &heads[0][0], &heads[1][0], &heads[2][0], 1, 0)
	}
	if s.whole > 0 {
		blocksNI3(&states, &b0[s.skip], &b1[s.skip], &b2[s.skip], s.whole, 3*s.blockSize)
	}
	copy(ends[0][:s.rest], b0[s.blockSize-s.rest:])
	copy(ends[1][:s.rest], b1[s.blockSize-s.rest:])
	copy(ends[2][:s.rest], b2[s.blockSize-s.rest:])
	blocksNI3(&states, &ends[0][0], &ends[1][0], &ends[2][0], s.last, 0)
	for i := range states {
		states[i].put(dst[i*Size:])
	}
}
