package crypt

import (
	"fmt"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"
)

// rfc7539Salt is the part of the nonce that IPsec's form keeps at the end of its
// key, in bytes (RFC 7634, 2).
const rfc7539Salt = 4

// rfc7539Mode is ChaCha20 with Poly1305 (RFC 7539, now RFC 8439), with the IV of
// 12 bytes as its nonce.
func rfc7539Mode(name apiName) *aeadMode {
	if name.String() != "rfc7539(chacha20,poly1305)" {
		return nil
	}
	return &aeadMode{
		name:         name.String(),
		keySizes:     []int{chacha20poly1305.KeySize},
		ivSize:       chacha20poly1305.NonceSize,
		apiBlockSize: 1,
		tagSizes:     []int{fullTag},
		note:         "x/crypto/chacha20poly1305; constant time",
		new: func(key, _ []byte, tagSize int, _ string) (sectorAEAD, error) {
			m, err := newRFC7539(key)
			return &messageMode{messageAEAD: m, tagSize: tagSize}, err
		},
	}
}

// rfc7539ESPMode is the same as IPsec uses it (RFC 7634): the nonce is the last 4
// bytes of the key and an IV of 8, and the IV is no part of the associated data.
func rfc7539ESPMode(name apiName) *aeadMode {
	if name.String() != "rfc7539esp(chacha20,poly1305)" {
		return nil
	}
	return &aeadMode{
		name:         name.String(),
		keySizes:     []int{chacha20poly1305.KeySize},
		saltSize:     rfc7539Salt,
		ivSize:       chacha20poly1305.NonceSize - rfc7539Salt,
		apiBlockSize: 1,
		tagSizes:     []int{fullTag},
		note:         "x/crypto/chacha20poly1305; constant time",
		new: func(key, _ []byte, tagSize int, _ string) (sectorAEAD, error) {
			split := len(key) - rfc7539Salt
			m, err := newRFC7539(key[:split])
			return &messageMode{messageAEAD: m, tagSize: tagSize, salt: slices.Clone(key[split:]), bareAD: true}, err
		},
	}
}

func newRFC7539(key []byte) (messageAEAD, error) {
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, fmt.Errorf("crypt: keying chacha20poly1305: %w", err)
	}
	return stdMessage{aead}, nil
}
