package crypt

import (
	"encoding/binary"
	"math/bits"
	"sync"

	"golang.org/x/crypto/poly1305" //lint:ignore SA1019 Adiantum hashes with it
	"lukechampine.com/adiantum"
	"lukechampine.com/adiantum/hbsh"
)

// Adiantum (Crowley and Biggers, IACR ToSC 2018(4)) is one block of the length of
// the sector, with the IV of 32 bytes as tweak. The kernel spells its cipher as two
// words, "xchacha12,aes"; the sectors of dm-crypt are no longer than 4096 bytes.

func adiantum12() cipherMode { return adiantumOf("xchacha12,aes", 12, adiantum.New) }

func adiantum20() cipherMode { return adiantumOf("xchacha20,aes", 20, adiantum.New20) }

func adiantumOf(name string, rounds int, newHBSH func(key []byte) *hbsh.HBSH) cipherMode {
	return cipherMode{
		chain: "adiantum",
		cipher: blockCipher{
			name:      name,
			blockSize: adiantumBlock,
			note:      "lukechampine.com/adiantum; constant time but for AES, as crypto/aes",
		},
		keySizes:     []int{32},
		ivSize:       adiantumTweak,
		apiBlockSize: adiantumBlock,
		new: func(key []byte, _ string) (sectorMode, error) {
			return newAdiantum(key, rounds, newHBSH), nil
		},
	}
}

const (
	adiantumBlock = 16 // bytes of the block inside
	adiantumTweak = 32 // bytes
)

// adiantumMode is the library's cipher without a tweak and the tweak in front and
// behind. The library allocates for tweaks of more than 24 bytes, and cannot be
// called concurrently.
//
// Adiantum adds a hash to the last block before the inner encryption and
// subtracts another after it. Both hashes are sums modulo 2^128 of a hash of the
// message and one of its length and the tweak. So the difference that the tweak
// makes can be added before the library is called, and subtracted afterwards.
type adiantumMode struct {
	scratches sync.Pool
	key       []byte   // the library's
	tweakKey  [32]byte // K_T, of Poly1305, the second half zeros
}

type adiantumScratch struct {
	hbsh   hbsh.HBSH
	hashed [adiantumBlock + adiantumTweak]byte // length of the message in bits, tweak
	sum    [16]byte
}

func newAdiantum(key []byte, rounds int, newHBSH func(key []byte) *hbsh.HBSH) *adiantumMode {
	m := &adiantumMode{key: append([]byte(nil), key...)}
	// Subkeys are cut from the key stream with the nonce 1: first the 32 bytes of
	// AES, then K_T.
	stream := xchachaBlock(key, 1, rounds)
	copy(m.tweakKey[:16], stream[32:48])
	shared := newHBSH(m.key)
	m.scratches.New = func() any { return &adiantumScratch{hbsh: *shared} }
	return m
}

func (m *adiantumMode) encrypt(dst, src, ivs []byte, size int) {
	s := m.scratches.Get().(*adiantumScratch)
	defer m.scratches.Put(s)
	empty := m.hashEmpty(s, size)
	for ; len(src) > 0; dst, src, ivs = dst[size:], src[size:], ivs[adiantumTweak:] {
		block := dst[:copy(dst[:size], src)]
		last := block[size-adiantumBlock:]
		tweak := m.hash(s, ivs).minus(empty)
		loadUint128(last).plus(tweak).store(last)
		s.hbsh.Encrypt(block, nil)
		loadUint128(last).minus(tweak).store(last)
	}
	clear(s.sum[:]) // tells K_T to whoever knows the tweak
}

func (m *adiantumMode) decrypt(dst, src, ivs []byte, size int) {
	s := m.scratches.Get().(*adiantumScratch)
	defer m.scratches.Put(s)
	empty := m.hashEmpty(s, size)
	for ; len(src) > 0; dst, src, ivs = dst[size:], src[size:], ivs[adiantumTweak:] {
		block := dst[:copy(dst[:size], src)]
		last := block[size-adiantumBlock:]
		tweak := m.hash(s, ivs).minus(empty)
		loadUint128(last).plus(tweak).store(last)
		s.hbsh.Decrypt(block, nil)
		loadUint128(last).minus(tweak).store(last)
	}
	clear(s.sum[:]) // tells K_T to whoever knows the tweak
}

// hashEmpty returns the hash that the library adds in sectors of size bytes,
// that of an empty tweak, and readies s for such sectors.
func (m *adiantumMode) hashEmpty(s *adiantumScratch, size int) uint128 {
	binary.LittleEndian.PutUint64(s.hashed[:], uint64(size-adiantumBlock)*8)
	poly1305.Sum(&s.sum, s.hashed[:16], &m.tweakKey)
	return loadUint128(s.sum[:])
}

// hash returns the hash of the tweak at the front of ivs.
func (m *adiantumMode) hash(s *adiantumScratch, ivs []byte) uint128 {
	copy(s.hashed[16:], ivs)
	poly1305.Sum(&s.sum, s.hashed[:], &m.tweakKey)
	return loadUint128(s.sum[:])
}

// wipe overwrites the key, also the library's: they are the same memory.
func (m *adiantumMode) wipe() {
	clear(m.key)
	clear(m.tweakKey[:])
}

// uint128 is a number modulo 2^128.
type uint128 struct{ lo, hi uint64 }

// loadUint128 reads 16 bytes, little-endian.
func loadUint128(p []byte) uint128 {
	return uint128{binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:])}
}

func (u uint128) store(p []byte) {
	binary.LittleEndian.PutUint64(p, u.lo)
	binary.LittleEndian.PutUint64(p[8:], u.hi)
}

func (u uint128) plus(v uint128) uint128 {
	lo, carry := bits.Add64(u.lo, v.lo, 0)
	hi, _ := bits.Add64(u.hi, v.hi, carry)
	return uint128{lo, hi}
}

func (u uint128) minus(v uint128) uint128 {
	lo, borrow := bits.Sub64(u.lo, v.lo, 0)
	hi, _ := bits.Sub64(u.hi, v.hi, borrow)
	return uint128{lo, hi}
}
