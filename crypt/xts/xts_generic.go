package xts

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// maskSize is how many bytes are masked with tweaks at once: large enough that
// the two passes of XOR cost little beside the cipher, and within a quarter of
// the smallest first-level cache together with the data.
const maskSize = 4096

// The generic implementation works on pieces of up to maskSize bytes, of one
// sector or of several. It lays out the tweaks of all blocks of the piece, XORs
// them in with one vectorised pass, runs the block cipher over the piece, and
// XORs them in again. The calls of the cipher do not depend on one another, so
// the processor overlaps them, which a loop that alternates XOR and cipher does
// not achieve. Nothing here branches on or indexes by secret data.

func encryptSectorsGeneric(c *Cipher, dst, src, tweaks []byte, sectorSize int, s *scratch) {
	encryptBlocks(c.tweak, tweaks)
	masks := masker{tweaks: tweaks, sectorSize: sectorSize}
	for len(src) > 0 {
		mask := s.masks[:min(len(src), maskSize)]
		masks.fill(mask)
		piece := dst[:len(mask)]
		subtle.XORBytes(piece, src, mask)
		encryptBlocks(c.data, piece)
		subtle.XORBytes(piece, piece, mask)
		dst, src = dst[len(mask):], src[len(mask):]
	}
}

func decryptSectorsGeneric(c *Cipher, dst, src, tweaks []byte, sectorSize int, s *scratch) {
	encryptBlocks(c.tweak, tweaks)
	masks := masker{tweaks: tweaks, sectorSize: sectorSize}
	for len(src) > 0 {
		mask := s.masks[:min(len(src), maskSize)]
		masks.fill(mask)
		piece := dst[:len(mask)]
		subtle.XORBytes(piece, src, mask)
		decryptBlocks(c.data, piece)
		subtle.XORBytes(piece, piece, mask)
		dst, src = dst[len(mask):], src[len(mask):]
	}
}

// masker gives the tweaks of the blocks of a run in order.
type masker struct {
	tweaks     []byte // first tweaks of the sectors to come
	sectorSize int    // bytes
	next       tweak  // of the next block
	left       int    // bytes of the current sector from the next block on
}

// fill writes the tweaks of the next blocks into mask.
func (m *masker) fill(mask []byte) {
	for len(mask) > 0 {
		if m.left == 0 {
			m.next, m.left = loadTweak(m.tweaks), m.sectorSize
			m.tweaks = m.tweaks[BlockSize:]
		}
		n := min(m.left, len(mask))
		m.next = m.next.expand(mask[:n])
		mask, m.left = mask[n:], m.left-n
	}
}

// encryptBlocks encrypts every block of p in place.
func encryptBlocks(b cipher.Block, p []byte) {
	for len(p) >= BlockSize {
		block := p[:BlockSize:BlockSize]
		b.Encrypt(block, block)
		p = p[BlockSize:]
	}
}

// decryptBlocks decrypts every block of p in place.
func decryptBlocks(b cipher.Block, p []byte) {
	for len(p) >= BlockSize {
		block := p[:BlockSize:BlockSize]
		b.Decrypt(block, block)
		p = p[BlockSize:]
	}
}

// tweak is an element of GF(2^128), the coefficients of x^0 to x^63 in lo.
type tweak struct{ lo, hi uint64 }

func loadTweak(p []byte) tweak {
	return tweak{binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:])}
}

// expand fills masks with t, t×x, t×x², … and returns the element that
// follows (IEEE 1619, 5.2: the polynomial is x^128 + x^7 + x^2 + x + 1).
func (t tweak) expand(masks []byte) tweak {
	for len(masks) >= BlockSize {
		t.store(masks)
		t = t.double()
		masks = masks[BlockSize:]
	}
	return t
}

func (t tweak) store(p []byte) {
	putUint64(p, t.lo)
	putUint64(p[8:], t.hi)
}

// double returns t×x.
func (t tweak) double() tweak {
	carry := uint64(int64(t.hi) >> 63)
	return tweak{lo: t.lo<<1 ^ carry&0x87, hi: t.hi<<1 | t.lo>>63}
}

func putUint64(p []byte, v uint64) { binary.LittleEndian.PutUint64(p, v) }
