// Package xts is AES in XTS mode (IEEE Std 1619-2007, NIST SP 800-38E) for
// whole runs of disk sectors.
//
// Disk encryption works on many equal sectors, each with its own initial
// value (IV, in the standard the data unit sequence number). One call of this
// package takes as many of them as the caller has, so that the work between
// the AES operations is done in bulk:
//
//	c, err := xts.New(key) // 32, 48 or 64 bytes: data key, then tweak key
//	if err != nil {
//		return err
//	}
//	// 4096-byte sectors 100, 101, …, as dm-crypt's aes-xts-plain64 has them
//	c.Decrypt(plain, image, xts.Run{SectorSize: 4096, First: 800, Step: 8})
//
// [Cipher.EncryptIVs] takes any other IVs, 16 bytes a sector. [Blocks] is the block
// cipher alone on many blocks, for other modes.
//
// What it does not do: ciphertext stealing. Sectors are a multiple of 16
// bytes. It does not authenticate either; XTS cannot.
package xts

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"sync"
)

const (
	// BlockSize is the size in bytes of a cipher block and of an IV; sector
	// sizes are multiples of it.
	BlockSize = 16

	// MaxSectorSize is the largest sector in bytes, the 2^20 blocks that
	// NIST SP 800-38E allows.
	MaxSectorSize = 1 << 20 * BlockSize

	// maxCall bounds one call of an implementation in bytes: assembly cannot
	// be preempted. A single larger sector comes alone, and is cut up there.
	maxCall = 64 << 10

	// maxBatch bounds the sectors of one call; a multiple of what assembly
	// encrypts tweaks in.
	maxBatch = 128
)

// ErrKeySize is wrapped by the error of a key of the wrong length.
var ErrKeySize = errors.New("wrong key size")

// KeySizes returns the lengths of key in bytes that New takes: two AES-128,
// AES-192 or AES-256 keys.
func KeySizes() []int { return []int{32, 48, 64} }

// Cipher encrypts and decrypts with one key. Its methods may be called
// concurrently, except Wipe.
type Cipher struct {
	impl  impl
	keys  roundKeys    // of an implementation in assembly
	data  cipher.Block // of the generic one
	tweak cipher.Block
}

// New returns a Cipher for key with the best implementation for this machine.
// The key is 32, 48 or 64 bytes: the data key and the tweak key, one after the
// other. It is not kept. Equal halves are accepted, as the Linux kernel
// accepts them outside of FIPS mode; do not make such keys. The error wraps
// [ErrKeySize].
func New(key []byte) (*Cipher, error) {
	return newCipher(key, available()[0])
}

// NewImpl is New with the implementation chosen by name, one of
// [Implementations].
func NewImpl(key []byte, name string) (*Cipher, error) {
	i, err := lookup(name)
	if err != nil {
		return nil, err
	}
	return newCipher(key, i)
}

func newCipher(key []byte, i impl) (*Cipher, error) {
	switch len(key) {
	case 32, 48, 64:
	default:
		return nil, fmt.Errorf("xts: key of %d bytes, want 32, 48 or 64: %w", len(key), ErrKeySize)
	}
	if i != implGeneric {
		c := &Cipher{impl: i}
		c.keys.expand(key)
		return c, nil
	}
	half := len(key) / 2
	data, err := aes.NewCipher(key[:half])
	if err != nil {
		return nil, fmt.Errorf("xts: %w", err)
	}
	tweak, err := aes.NewCipher(key[half:])
	if err != nil {
		return nil, fmt.Errorf("xts: %w", err)
	}
	return &Cipher{impl: i, data: data, tweak: tweak}, nil
}

// NewFromBlocks returns a Cipher over two keyed block ciphers of 16-byte
// blocks, for XTS with a cipher other than AES: data encrypts the sectors,
// tweak their IVs. Both must be safe for concurrent use, as those of the
// standard library are.
func NewFromBlocks(data, tweak cipher.Block) (*Cipher, error) {
	for _, b := range []cipher.Block{data, tweak} {
		if b.BlockSize() != BlockSize {
			return nil, fmt.Errorf("xts: cipher with blocks of %d bytes, want %d", b.BlockSize(), BlockSize)
		}
	}
	return &Cipher{impl: implGeneric, data: data, tweak: tweak}, nil
}

// Implementation returns the name of the implementation in use.
func (c *Cipher) Implementation() string { return c.impl.String() }

// Wipe makes c forget its key; any other call afterwards panics. The round keys of
// implementations in assembly are overwritten. Those of the generic one are inside
// crypto/aes and cannot be reached: they stay in memory until the garbage
// collector reuses it. Wipe must not run concurrently with another method.
func (c *Cipher) Wipe() { *c = Cipher{} }

// Run says how the sectors of one call are numbered. Sector i has the IV
// First + i×Step, modulo 2^64, as 64 bits little-endian followed by zeros; that
// is dm-crypt's plain64, and what golang.org/x/crypto/xts calls sectorNum.
type Run struct {
	SectorSize int    // bytes, a multiple of 16 up to MaxSectorSize
	First      uint64 // number of the first sector
	Step       uint64 // from one sector to the next; 0 means 1
}

// Encrypt encrypts the run of sectors in src into dst. len(src) is a multiple
// of r.SectorSize, dst at least as long, and the two are the same memory or do
// not overlap. Other lengths panic.
func (c *Cipher) Encrypt(dst, src []byte, r Run) {
	checkRun(dst, src, r.SectorSize)
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	for len(src) > 0 {
		n := s.batch(len(src), r.SectorSize)
		c.encryptSectors(dst[:n], src[:n], s.number(&r, n), r.SectorSize, s)
		dst, src = dst[n:], src[n:]
	}
}

// Decrypt is the inverse of Encrypt.
func (c *Cipher) Decrypt(dst, src []byte, r Run) {
	checkRun(dst, src, r.SectorSize)
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	for len(src) > 0 {
		n := s.batch(len(src), r.SectorSize)
		c.decryptSectors(dst[:n], src[:n], s.number(&r, n), r.SectorSize, s)
		dst, src = dst[n:], src[n:]
	}
}

// EncryptIVs encrypts the run of sectors in src into dst; ivs holds the 16-byte
// IV of each, one after the other, and is not changed. The rules for dst and
// src are those of [Cipher.Encrypt]; any other length of ivs panics.
func (c *Cipher) EncryptIVs(dst, src, ivs []byte, sectorSize int) {
	checkRun(dst, src, sectorSize)
	checkIVs(src, ivs, sectorSize)
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	for len(src) > 0 {
		n := s.batch(len(src), sectorSize)
		tweaks := s.tweaks[:copy(s.tweaks[:n/sectorSize*BlockSize], ivs)]
		c.encryptSectors(dst[:n], src[:n], tweaks, sectorSize, s)
		dst, src, ivs = dst[n:], src[n:], ivs[len(tweaks):]
	}
}

// DecryptIVs is the inverse of EncryptIVs.
func (c *Cipher) DecryptIVs(dst, src, ivs []byte, sectorSize int) {
	checkRun(dst, src, sectorSize)
	checkIVs(src, ivs, sectorSize)
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	for len(src) > 0 {
		n := s.batch(len(src), sectorSize)
		tweaks := s.tweaks[:copy(s.tweaks[:n/sectorSize*BlockSize], ivs)]
		c.decryptSectors(dst[:n], src[:n], tweaks, sectorSize, s)
		dst, src, ivs = dst[n:], src[n:], ivs[len(tweaks):]
	}
}

// scratch is what a call needs besides its arguments. It holds IVs and tweaks,
// never keys or plaintext.
type scratch struct {
	tweaks [(maxBatch + 1) * BlockSize]byte // IVs of a batch, then its first tweaks; assembly reads one more
	masks  [maskSize]byte                   // tweaks of consecutive blocks
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// batch returns how many of the size bytes that are left go into one call.
func (s *scratch) batch(size, sectorSize int) int {
	sectors := max(1, min(maxBatch, maxCall/sectorSize))
	return min(size, sectors*sectorSize)
}

// number writes the IVs of the next n bytes of r and moves r behind them.
func (s *scratch) number(r *Run, n int) []byte {
	ivs := s.tweaks[:n/r.SectorSize*BlockSize]
	clear(ivs)
	step := max(r.Step, 1)
	for i := 0; i < len(ivs); i += BlockSize {
		putUint64(ivs[i:], r.First)
		r.First += step
	}
	return ivs
}

func checkRun(dst, src []byte, sectorSize int) {
	switch {
	case sectorSize < BlockSize || sectorSize > MaxSectorSize || sectorSize%BlockSize != 0:
		panic("xts: sector size is not a multiple of 16 bytes up to 16 MiB")
	case len(src)%sectorSize != 0:
		panic("xts: input not full sectors")
	case len(dst) < len(src):
		panic("xts: output smaller than input")
	}
}

func checkIVs(src, ivs []byte, sectorSize int) {
	if len(ivs) != len(src)/sectorSize*BlockSize {
		panic("xts: not one IV of 16 bytes for each sector")
	}
}
