package crypt

import "github.com/dmimg/dmimg/crypt/internal/aegis"

// aegis128Mode is AEGIS-128, with the IV of 16 bytes as its nonce.
func aegis128Mode(name apiName) *aeadMode {
	if name.String() != "aegis128" {
		return nil
	}
	return &aeadMode{
		name:         "aegis128",
		keySizes:     []int{aegis.KeySize},
		ivSize:       aegis.NonceSize,
		apiBlockSize: 1,
		tagSizes:     []int{8, 9, 10, 11, 12, 13, 14, 15, 16},
		note:         "own, here with " + aegis.Implementation() + "; constant time",
		new: func(key, _ []byte, tagSize int, _ string) (sectorAEAD, error) {
			return &messageMode{messageAEAD: aegisMessage{aegis.New(key)}, tagSize: tagSize}, nil
		},
	}
}

type aegisMessage struct{ c *aegis.Cipher }

func (m aegisMessage) seal(dst, src, tag, nonce, ad []byte) { m.c.Seal(dst, src, tag, nonce, ad) }

func (m aegisMessage) open(dst, src, tag, nonce, ad []byte) bool {
	return m.c.Open(dst, src, tag, nonce, ad)
}

func (m aegisMessage) wipe() { m.c.Wipe() }
