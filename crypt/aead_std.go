package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
	"sync"
)

// fullTag is the tag of the AEADs that come as a [cipher.AEAD], in bytes.
const fullTag = 16

// stdMessage is a [cipher.AEAD] with tags of 16 bytes, which are not cut.
type stdMessage struct{ aead cipher.AEAD }

// sealScratch is room for a sector and its tag, which a cipher.AEAD wants side
// by side.
type sealScratch [maxUnit + fullTag]byte

var sealScratches = sync.Pool{New: func() any { return new(sealScratch) }}

func (m stdMessage) seal(dst, src, tag, nonce, ad []byte) {
	s := sealScratches.Get().(*sealScratch)
	defer sealScratches.Put(s)
	sealed := m.aead.Seal(s[:0], nonce, src, ad)
	copy(tag, sealed[copy(dst, sealed[:len(src)]):])
}

func (m stdMessage) open(dst, src, tag, nonce, ad []byte) bool {
	s := sealScratches.Get().(*sealScratch)
	defer sealScratches.Put(s)
	sealed := append(append(s[:0], src...), tag...)
	_, err := m.aead.Open(dst[:0:len(src)], nonce, sealed, ad)
	if err != nil {
		clear(dst[:len(src)])
	}
	return err == nil
}

// cutMessage is a [cipher.AEAD] whose encryption XORs a key stream in, as GCM's
// does, with tags that are cut to fewer bytes. The standard library has no
// Open for those below 12 bytes: here the tag is made again and compared.
type cutMessage struct {
	aead cipher.AEAD
	size int // bytes of a tag
}

func (m cutMessage) seal(dst, src, tag, nonce, ad []byte) {
	s := sealScratches.Get().(*sealScratch)
	defer sealScratches.Put(s)
	sealed := m.aead.Seal(s[:0], nonce, src, ad)
	copy(tag[:m.size], sealed[copy(dst, sealed[:len(src)]):])
}

func (m cutMessage) open(dst, src, tag, nonce, ad []byte) bool {
	plain := sealScratches.Get().(*sealScratch)
	defer sealScratches.Put(plain)
	again := sealScratches.Get().(*sealScratch)
	defer sealScratches.Put(again)
	n := len(src)
	m.aead.Seal(plain[:0], nonce, src, ad) // sealing the ciphertext decrypts it
	sum := m.aead.Seal(again[:0], nonce, plain[:n], ad)[n:]
	ok := subtle.ConstantTimeCompare(sum[:m.size], tag) == 1
	if ok {
		copy(dst, plain[:n])
	} else {
		clear(dst[:n])
	}
	clear(plain[:n])
	return ok
}
