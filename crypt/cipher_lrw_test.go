package crypt

import (
	"bytes"
	"math/big"
	"testing"
)

// lrwProduct multiplies two elements of GF(2^128) given as big-endian numbers,
// by the school method.
func lrwProduct(a, b *big.Int) *big.Int {
	product := new(big.Int)
	for i := range a.BitLen() {
		if a.Bit(i) == 1 {
			product.Xor(product, new(big.Int).Lsh(b, uint(i)))
		}
	}
	polynomial := new(big.Int).SetBit(big.NewInt(0x87), 128, 1)
	for n := product.BitLen(); n > 128; n = product.BitLen() {
		product.Xor(product, new(big.Int).Lsh(polynomial, uint(n-129)))
	}
	return product
}

// TestLRWMasks compares the masks with I×K computed block by block, also where
// the block number carries into its high half and wraps around.
func TestLRWMasks(t *testing.T) {
	t.Parallel()
	key := patterned(16)
	var m lrwMode
	m.multiply(key)
	one := big.NewInt(1)
	modulus := new(big.Int).Lsh(one, 128)
	for _, first := range []string{
		"00000000000000000000000000000000",
		"00000000000000000000000000000001",
		"0000000000000000fffffffffffffff0",
		"00000000ffffffffffffffffffffffff",
		"7ffffffffffffffffffffffffffffffe",
		"fffffffffffffffffffffffffffffff9",
		"0123456789abcdeffedcba9876543210",
	} {
		iv := decodeHex(t, first)
		masks := make([]byte, 20*lrwBlock)
		m.expand(masks, iv)
		number := new(big.Int).SetBytes(iv)
		for i := 0; i < len(masks); i += lrwBlock {
			want := lrwProduct(number, new(big.Int).SetBytes(key)).FillBytes(make([]byte, 16))
			if got := masks[i : i+lrwBlock]; !bytes.Equal(got, want) {
				t.Errorf("mask of block %s+%d = %x, want %x", first, i/lrwBlock, got, want)
			}
			number.Add(number, one).Mod(number, modulus)
		}
	}
}
