package crypt

import (
	"crypto/cipher"
	"fmt"

	"github.com/dmimg/dmimg/crypt/xts"
)

// aesXTS is AES in the XTS mode (IEEE 1619), with the implementations that
// package xts has for it.
func aesXTS() cipherMode {
	return xtsOf(aesCipher).withAES(func(key []byte, implementation string) (sectorMode, error) {
		if implementation == "" {
			implementation = xts.Implementations()[0]
		}
		c, err := xts.NewImpl(key, implementation)
		if err != nil {
			return nil, fmt.Errorf("crypt: %w", err)
		}
		return aesXTSMode{xtsMode{c}}, nil
	})
}

// aesXTSMode is xtsMode for AES.
type aesXTSMode struct{ xtsMode }

func (m aesXTSMode) implementation() string { return m.c.Implementation() }

// xtsOf is the XTS mode of any cipher with blocks of 16 bytes. The key holds
// two of the cipher's keys: first that of the data, then that of the tweaks.
func xtsOf(b blockCipher) cipherMode {
	m := cipherMode{
		chain:        "xts",
		cipher:       b,
		ivSize:       xts.BlockSize,
		apiBlockSize: b.blockSize,
		new: func(key []byte, _ string) (sectorMode, error) {
			half := len(key) / 2
			pair, err := newBlocks(b, key[:half], key[half:])
			if err != nil {
				return nil, err
			}
			return newXTS(xts.NewFromBlocks(pair[0], pair[1]))
		},
	}
	for _, size := range b.keySizes {
		m.keySizes = append(m.keySizes, 2*size)
	}
	return m
}

func newXTS(c *xts.Cipher, err error) (sectorMode, error) {
	if err != nil {
		return nil, fmt.Errorf("crypt: %w", err)
	}
	return xtsMode{c}, nil
}

// newBlocks keys the cipher once for each key.
func newBlocks(b blockCipher, keys ...[]byte) ([]cipher.Block, error) {
	blocks := make([]cipher.Block, len(keys))
	for i, key := range keys {
		block, err := b.new(key)
		if err != nil {
			return nil, fmt.Errorf("crypt: keying %s: %w", b.name, err)
		}
		blocks[i] = block
	}
	return blocks, nil
}

type xtsMode struct{ c *xts.Cipher }

func (m xtsMode) encrypt(dst, src, ivs []byte, size int) { m.c.EncryptIVs(dst, src, ivs, size) }
func (m xtsMode) decrypt(dst, src, ivs []byte, size int) { m.c.DecryptIVs(dst, src, ivs, size) }
func (m xtsMode) wipe()                                  { m.c.Wipe() }
