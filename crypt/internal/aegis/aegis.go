package aegis

import (
	"crypto/subtle"
	"encoding/binary"
)

const (
	KeySize   = 16 // bytes
	NonceSize = 16 // bytes
	TagSize   = 16 // bytes; a tag may be cut to fewer

	blockSize = 16       // bytes that one update takes up
	maxCall   = 64 << 10 // bytes for one call of assembly
)

// Cipher is AEGIS-128 with a key. Its methods but Wipe may be called concurrently.
type Cipher struct {
	key  block
	impl impl
}

// New returns the cipher with the first [KeySize] bytes of key, which it does not
// keep but copies, in the best implementation here.
func New(key []byte) *Cipher { return newImpl(key, available()[0]) }

func newImpl(key []byte, i impl) *Cipher { return &Cipher{loadBlock(key), i} }

// Wipe overwrites the key. The cipher cannot be used afterwards.
func (c *Cipher) Wipe() { c.key = block{} }

// Seal encrypts src to dst, which has its length and is the same memory or apart,
// and writes len(tag) bytes of the tag, at most [TagSize]. nonce has [NonceSize]
// bytes.
func (c *Cipher) Seal(dst, src, tag, nonce, ad []byte) {
	s := c.start(nonce, ad)
	whole := len(src) &^ (blockSize - 1)
	for at := 0; at < whole; at += maxCall {
		end := min(at+maxCall, whole)
		c.seal(&s, dst[at:end], src[at:end])
	}
	if whole < len(src) {
		m := loadPart(src[whole:])
		s.part(dst[whole:], src[whole:])
		c.absorbBlock(&s, m, 1)
	}
	sum := c.finish(&s, len(ad), len(src))
	copy(tag, sum[:])
}

// Open decrypts src to dst and reports whether the tag, of which there may be
// fewer than [TagSize] bytes, is right. If it is not, dst is cleared.
func (c *Cipher) Open(dst, src, tag, nonce, ad []byte) bool {
	s := c.start(nonce, ad)
	length := len(src)
	whole := length &^ (blockSize - 1)
	for at := 0; at < whole; at += maxCall {
		end := min(at+maxCall, whole)
		c.open(&s, dst[at:end], src[at:end])
	}
	if whole < length {
		s.part(dst[whole:], src[whole:])
		c.absorbBlock(&s, loadPart(dst[whole:length]), 1)
	}
	sum := c.finish(&s, len(ad), length)
	if subtle.ConstantTimeCompare(sum[:len(tag)], tag) == 1 {
		return true
	}
	clear(dst[:length])
	return false
}

// The two halves of the Fibonacci sequence modulo 256.
var fibonacci = [2]block{
	{0x0d08050302010100, 0x6279e99059372215},
	{0xf12fc26d55183ddb, 0xdd28b57342311120},
}

// start mixes key and nonce, then the associated data.
func (c *Cipher) start(nonce, ad []byte) state {
	iv := loadBlock(nonce).xor(c.key)
	s := state{iv, fibonacci[1], fibonacci[0], c.key.xor(fibonacci[0]), c.key.xor(fibonacci[1])}
	for range 5 {
		c.absorbBlock(&s, c.key, 1)
		c.absorbBlock(&s, iv, 1)
	}
	for ; len(ad) >= blockSize; ad = ad[blockSize:] {
		c.absorbBlock(&s, loadBlock(ad), 1)
	}
	if len(ad) > 0 {
		c.absorbBlock(&s, loadPart(ad), 1)
	}
	return s
}

// finish returns the tag for associated data and message of so many bytes.
func (c *Cipher) finish(s *state, ad, message int) (tag [TagSize]byte) {
	c.absorbBlock(s, s[3].xor(block{uint64(ad) * 8, uint64(message) * 8}), 7)
	s[0].xor(s[1]).xor(s[2]).xor(s[3]).xor(s[4]).store(tag[:])
	return tag
}

// loadPart loads less than a block, filled up with zeros.
func loadPart(p []byte) block {
	var b [blockSize]byte
	copy(b[:], p)
	return loadBlock(b[:])
}

// part encrypts or decrypts the last bytes of a message, less than a block.
func (s *state) part(dst, src []byte) {
	var key [blockSize]byte
	s.stream().store(key[:])
	subtle.XORBytes(dst[:len(src)], src, key[:])
}

// block is 16 bytes as two words.
type block [2]uint64

func loadBlock(p []byte) block {
	return block{binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:])}
}

func (a block) store(p []byte) {
	binary.LittleEndian.PutUint64(p, a[0])
	binary.LittleEndian.PutUint64(p[8:], a[1])
}

func (a block) xor(b block) block { return block{a[0] ^ b[0], a[1] ^ b[1]} }

func (a block) and(b block) block { return block{a[0] & b[0], a[1] & b[1]} }
