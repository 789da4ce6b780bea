package xts

import (
	"bytes"
	"slices"
	"sync"
)

// usable is what available returns. Implementations that a processor claims to have
// and gets wrong are left out: QEMU 7.2, when it emulates a processor, computes VAES
// on registers of 256 bits wrongly, and nobody would notice before reading the disk
// elsewhere. The check takes some microseconds, once.
var usable = sync.OnceValue(func() []impl {
	wrong := func(i impl) bool { return !sound(i) }
	return append(slices.DeleteFunc(archImpls(), wrong), implGeneric)
})

// sound reports whether i computes what the generic implementation computes, with
// blocks enough for all lanes and for a rest.
func sound(i impl) bool {
	const sectorSize = 33 * BlockSize
	text := make([]byte, 3*sectorSize)
	for j := range text {
		text[j] = byte(j * j >> 3)
	}
	for _, size := range []int{32, 48, 64} {
		key := text[size : 2*size]
		if !bytes.Equal(trial(i, key, text, sectorSize), trial(implGeneric, key, text, sectorSize)) {
			return false
		}
	}
	return true
}

// trial returns text and its inverse image by XTS, then the same by single blocks.
func trial(i impl, key, text []byte, sectorSize int) []byte {
	c, err := newCipher(key, i)
	if err != nil {
		return nil
	}
	b, err := newBlocks(key[:len(key)/2], i)
	if err != nil {
		return nil
	}
	n, r := len(text), Run{SectorSize: sectorSize, First: 1<<32 - 1}
	out := make([]byte, 4*n)
	c.Encrypt(out[:n], text, r)
	c.Decrypt(out[n:2*n], text, r)
	b.Encrypt(out[2*n:3*n], text)
	b.Decrypt(out[3*n:], text)
	return out
}
