package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// ccmBlock is the block of the ciphers that CCM is for, in bytes.
const ccmBlock = 16

// ccm is "counter with CBC-MAC" (NIST SP 800-38C, RFC 3610). Its time depends on
// lengths only, if that of the block cipher does.
type ccm struct {
	block   cipher.Block
	tagSize int // bytes: 4 to 16, even
}

// seal implements messageAEAD. nonce has 7 to 13 bytes; the message must be
// shorter than 256^(15-len(nonce)) bytes and ad than 65280.
func (c ccm) seal(dst, src, tag, nonce, ad []byte) {
	w := ccmScratches.get(nonce)
	defer ccmScratches.put(w)
	c.authenticate(w, src, nonce, ad)
	c.crypt(w, dst, src)
	subtle.XORBytes(tag[:c.tagSize], w.mac[:c.tagSize], w.first[:])
}

// open implements messageAEAD.
func (c ccm) open(dst, src, tag, nonce, ad []byte) bool {
	w := ccmScratches.get(nonce)
	defer ccmScratches.put(w)
	c.crypt(w, dst, src)
	c.authenticate(w, dst[:len(src)], nonce, ad)
	subtle.XORBytes(w.mac[:], w.mac[:], w.first[:])
	if subtle.ConstantTimeCompare(w.mac[:c.tagSize], tag) == 1 {
		return true
	}
	clear(dst[:len(src)])
	return false
}

// authenticate leaves the CBC-MAC of everything in w.mac.
func (c ccm) authenticate(w *ccmScratch, message, nonce, ad []byte) {
	flags := byte((c.tagSize-2)/2<<3 | (14 - len(nonce)))
	if len(ad) > 0 {
		flags |= 1 << 6
	}
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(message)))
	w.mac = [ccmBlock]byte{flags}
	rest := w.mac[1+copy(w.mac[1:], nonce):]
	copy(rest, length[8-len(rest):])
	c.block.Encrypt(w.mac[:], w.mac[:])
	if len(ad) > 0 {
		var head [ccmBlock]byte
		binary.BigEndian.PutUint16(head[:], uint16(len(ad)))
		n := copy(head[2:], ad)
		c.mix(w, head[:])
		c.mix(w, ad[n:])
	}
	c.mix(w, message)
}

// mix takes p, filled up with zeros to whole blocks, into the MAC.
func (c ccm) mix(w *ccmScratch, p []byte) {
	for len(p) > 0 {
		n := subtle.XORBytes(w.mac[:], w.mac[:], p)
		c.block.Encrypt(w.mac[:], w.mac[:])
		p = p[n:]
	}
}

// crypt encrypts or decrypts with the counters from 1 on, and leaves the
// encrypted counter 0, which masks the MAC, in w.first.
func (c ccm) crypt(w *ccmScratch, dst, src []byte) {
	w.first = w.counter
	c.block.Encrypt(w.first[:], w.first[:])
	counter := w.counter
	for len(src) > 0 {
		n := min(len(src), len(w.stream))
		whole := (n + ccmBlock - 1) / ccmBlock * ccmBlock
		advance(&counter)
		countUp(w.stream[:whole], counter[:])
		copy(counter[:], w.stream[whole-ccmBlock:whole])
		encryptBlocks(c.block, w.stream[:whole], w.stream[:whole], ccmBlock)
		subtle.XORBytes(dst[:n], src[:n], w.stream[:n])
		dst, src = dst[n:], src[n:]
	}
}

// advance adds one to a counter, whose field for it cannot overflow.
func advance(counter *[ccmBlock]byte) {
	low := counter[8:]
	binary.BigEndian.PutUint64(low, binary.BigEndian.Uint64(low)+1)
}
