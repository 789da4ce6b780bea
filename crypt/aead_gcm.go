package crypt

import (
	"crypto/cipher"
	"fmt"
	"slices"
)

// rfc4106Salt is the part of the nonce that IPsec's form of GCM keeps at the end
// of its key, in bytes (RFC 4106, 8.1).
const rfc4106Salt = 4

// gcmMode is Galois/Counter Mode (NIST SP 800-38D) of any block cipher, with the
// IV of 12 bytes as its nonce.
func gcmMode(name apiName) *aeadMode {
	arg, ok := name.inside("gcm")
	b := blockOf(arg)
	if !ok || b == nil {
		return nil
	}
	return &aeadMode{
		name:         name.String(),
		keySizes:     b.keySizes,
		ivSize:       12,
		apiBlockSize: 1,
		tagSizes:     []int{4, 8, 12, 13, 14, 15, 16},
		note:         gcmNote(b),
		new: func(key, _ []byte, tagSize int, _ string) (sectorAEAD, error) {
			m, err := newGCM(b, key, tagSize)
			return &messageMode{messageAEAD: m, tagSize: tagSize}, err
		},
	}
}

// rfc4106Mode is GCM as IPsec uses it: the nonce is the last 4 bytes of the key
// and an IV of 8, and the IV is no part of the associated data.
func rfc4106Mode(name apiName) *aeadMode {
	arg, ok := name.inside("rfc4106")
	if !ok {
		return nil
	}
	m := gcmMode(arg)
	if m == nil {
		return nil
	}
	b := blockOf(arg.args[0])
	m.name = name.String()
	m.saltSize, m.ivSize = rfc4106Salt, 8
	m.tagSizes = []int{8, 12, 16}
	m.new = func(key, _ []byte, tagSize int, _ string) (sectorAEAD, error) {
		split := len(key) - rfc4106Salt
		m, err := newGCM(b, key[:split], tagSize)
		return &messageMode{messageAEAD: m, tagSize: tagSize, salt: slices.Clone(key[split:]), bareAD: true}, err
	}
	return m
}

func gcmNote(b *blockCipher) string {
	if b.name == aesCipher.name {
		return "crypto/cipher; constant time where the processor has AES and carry-less multiplication"
	}
	return "crypto/cipher, plain Go; not constant time: tables in GHASH; " + b.note
}

func newGCM(b *blockCipher, key []byte, tagSize int) (messageAEAD, error) {
	blocks, err := newBlocks(*b, key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(blocks[0])
	if err != nil {
		return nil, fmt.Errorf("crypt: keying gcm(%s): %w", b.name, err)
	}
	if tagSize == fullTag {
		return stdMessage{aead}, nil
	}
	return cutMessage{aead, tagSize}, nil
}
