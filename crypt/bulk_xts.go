package crypt

import (
	"crypto/subtle"
	"encoding/binary"
)

// bulkXTSOf is xtsOf for a cipher that takes many blocks at once: the tweaks of all
// sectors of a run are encrypted in one call, and so are the blocks of each sector.
func bulkXTSOf(b blockCipher) cipherMode {
	m := xtsOf(b)
	m.new = func(key []byte, _ string) (sectorMode, error) {
		half := len(key) / 2
		pair, err := newBulk(b, key[:half], key[half:])
		if err != nil {
			return nil, err
		}
		return bulkXTS{data: pair[0], tweak: pair[1]}, nil
	}
	return m
}

type bulkXTS struct{ data, tweak bulkCipher }

func (m bulkXTS) encrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	masks := s[:size]
	m.tweak.EncryptBlocks(ivs, ivs)
	for ; len(src) > 0; dst, src, ivs = dst[size:], src[size:], ivs[xtsBlock:] {
		expandTweak(masks, ivs)
		subtle.XORBytes(dst[:size], src[:size], masks)
		m.data.EncryptBlocks(dst[:size], dst[:size])
		subtle.XORBytes(dst[:size], dst[:size], masks)
	}
}

func (m bulkXTS) decrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	masks := s[:size]
	m.tweak.EncryptBlocks(ivs, ivs)
	for ; len(src) > 0; dst, src, ivs = dst[size:], src[size:], ivs[xtsBlock:] {
		expandTweak(masks, ivs)
		subtle.XORBytes(dst[:size], src[:size], masks)
		m.data.DecryptBlocks(dst[:size], dst[:size])
		subtle.XORBytes(dst[:size], dst[:size], masks)
	}
}

func (m bulkXTS) wipe() {
	m.data.Wipe()
	m.tweak.Wipe()
}

const xtsBlock = 16 // bytes

// expandTweak fills masks with T, T×x, T×x², … for the encrypted tweak T (IEEE 1619,
// 5.2: the polynomial is x^128 + x^7 + x^2 + x + 1, the coefficient of x^0 the lowest
// bit of the first byte).
func expandTweak(masks, tweak []byte) {
	lo, hi := binary.LittleEndian.Uint64(tweak), binary.LittleEndian.Uint64(tweak[8:])
	for i := 0; i+xtsBlock <= len(masks); i += xtsBlock {
		binary.LittleEndian.PutUint64(masks[i:], lo)
		binary.LittleEndian.PutUint64(masks[i+8:], hi)
		carry := uint64(int64(hi) >> 63)
		lo, hi = lo<<1^carry&0x87, hi<<1|lo>>63
	}
}
