package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"math/bits"
)

// lrwOf is the mode of Liskov, Rivest and Wagner as drafts of IEEE 1619 had it
// before XTS, for ciphers with blocks of 16 bytes. The key is one of the cipher
// and after it 16 bytes K. Block number I, which starts with the IV as one
// big-endian number and counts up, is encrypted as E(P ⊕ I×K) ⊕ I×K.
func lrwOf(b blockCipher) cipherMode {
	m := cipherMode{
		chain:        "lrw",
		cipher:       b,
		ivSize:       b.blockSize,
		apiBlockSize: b.blockSize,
		new: func(key []byte, implementation string) (sectorMode, error) {
			split := len(key) - lrwBlock
			block, err := newBlock(b, key[:split], implementation)
			if err != nil {
				return nil, err
			}
			m := &lrwMode{block: block}
			m.multiply(key[split:])
			return m, nil
		},
	}
	for _, size := range b.keySizes {
		m.keySizes = append(m.keySizes, size+lrwBlock)
	}
	return m.withBulkAES()
}

const lrwBlock = 16 // bytes

type lrwMode struct {
	block cipher.Block

	powers [128]lrwElement // K×x^i
	sums   [128]lrwElement // of powers[0] to powers[i]
}

// lrwElement is an element of GF(2^128), the coefficient of x^0 in the lowest
// bit of lo.
type lrwElement struct{ hi, lo uint64 }

func (e lrwElement) plus(f lrwElement) lrwElement { return lrwElement{e.hi ^ f.hi, e.lo ^ f.lo} }

// multiply fills the tables. The polynomial is x^128 + x^7 + x^2 + x + 1.
func (m *lrwMode) multiply(key []byte) {
	power := lrwElement{binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])}
	var sum lrwElement
	for i := range m.powers {
		sum = sum.plus(power)
		m.powers[i], m.sums[i] = power, sum
		carry := -(power.hi >> 63)
		power = lrwElement{power.hi<<1 | power.lo>>63, power.lo<<1 ^ carry&0x87}
	}
}

func (m *lrwMode) encrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	masks := s[:size]
	for ; len(src) > 0; dst, src, ivs = dst[size:], src[size:], ivs[lrwBlock:] {
		m.expand(masks, ivs)
		subtle.XORBytes(dst[:size], src[:size], masks)
		encryptRun(m.block, dst[:size], dst[:size], lrwBlock)
		subtle.XORBytes(dst[:size], dst[:size], masks)
	}
	clear(masks) // two of them tell K
}

func (m *lrwMode) decrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	masks := s[:size]
	for ; len(src) > 0; dst, src, ivs = dst[size:], src[size:], ivs[lrwBlock:] {
		m.expand(masks, ivs)
		subtle.XORBytes(dst[:size], src[:size], masks)
		decryptRun(m.block, dst[:size], dst[:size], lrwBlock)
		subtle.XORBytes(dst[:size], dst[:size], masks)
	}
	clear(masks) // two of them tell K
}

// expand writes I×K, (I+1)×K, … into masks, I being the number in iv. What is
// looked up depends on sector numbers only, which are no secret.
func (m *lrwMode) expand(masks, iv []byte) {
	hi, lo := binary.BigEndian.Uint64(iv), binary.BigEndian.Uint64(iv[8:])
	product := m.times(hi, lo)
	for i := 0; i < len(masks); i += lrwBlock {
		binary.BigEndian.PutUint64(masks[i:], product.hi)
		binary.BigEndian.PutUint64(masks[i+8:], product.lo)
		// Counting up flips the trailing ones and the zero before them.
		ones := bits.TrailingZeros64(^lo)
		lo++
		if lo == 0 {
			ones += bits.TrailingZeros64(^hi)
			hi++
		}
		product = product.plus(m.sums[min(ones, len(m.sums)-1)])
	}
}

// times returns K times the element hi:lo.
func (m *lrwMode) times(hi, lo uint64) lrwElement {
	var product lrwElement
	for ; lo != 0; lo &= lo - 1 {
		product = product.plus(m.powers[bits.TrailingZeros64(lo)])
	}
	for ; hi != 0; hi &= hi - 1 {
		product = product.plus(m.powers[64+bits.TrailingZeros64(hi)])
	}
	return product
}

// wipe overwrites the tables, which are made from the key.
func (m *lrwMode) wipe() {
	wipeBlock(m.block)
	*m = lrwMode{}
}
