package crypt

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"
)

// ivLMK is the "loop-AES multi-key" IV: the MD5 state, without the padding at the
// end of MD5, after the plaintext of the sector from byte 16 on and the sector
// number; in version 3 of loop-AES a secret seed goes in first. A volume has
// version 3 when its key does not divide into the keys of the mode; one key more
// is at the end then, the seed.
var ivLMK = ivMode{
	name: "lmk", note: "one key more at the end is a seed", unit: lmkUnit,
	fits: fitsLMK, extraKey: lmkSeed, new: newLMK,
}

// fitsLMK: decryption has to find the plaintext but for the first block before it has
// the IV, which is possible in cbc only. In other modes the kernel cannot read what it
// wrote.
func fitsLMK(m *cipherMode) bool {
	return (m.chain == "cbc" || m.chain == "cts(cbc") && m.cipher.blockSize >= m.ivSize
}

const (
	lmkUnit   = 512  // bytes of a sector
	lmkDigits = 4024 // that many bits are hashed
)

func lmkSeed(_ *cipherMode, length, count int) (size, start int) {
	if length%count == 0 {
		return 0, length
	}
	size = length / (count + 1)
	return size, size * count
}

func newLMK(c ivConfig) (ivGenerator, error) {
	if !fitsLMK(c.mode) || c.essiv {
		return nil, fmt.Errorf("crypt: iv mode lmk: works with cbc only, not with %s: %w", c.mode.tableName(), ErrUnsupported)
	}
	g := &lmk{mode: c.keyed, seeded: len(c.extra) > 0}
	if copy(g.seed[:md5.Size], c.extra) < md5.Size && g.seeded {
		return nil, fmt.Errorf("crypt: iv mode lmk: seed of %d bytes in the key, want %d: %w", len(c.extra), md5.Size, ErrKeySize)
	}
	return g, nil
}

type lmk struct {
	mode   sectorMode
	seeded bool
	seed   [md5.BlockSize]byte // zeros after the first md5.Size bytes
}

// generate does nothing: the IVs depend on the data.
func (g *lmk) generate([]byte, int, ivNumbers) {}

func (g *lmk) encryptRun(dst, src, ivs []byte, n ivNumbers) {
	g.hash(ivs, src, n)
	g.mode.encrypt(dst, src, ivs, lmkUnit)
}

// decryptRun decrypts with IVs of zeros. What the true IV is follows from the
// plaintext; in cbc it is XORed into the first block of that.
func (g *lmk) decryptRun(dst, src, ivs []byte, n ivNumbers) {
	size := len(ivs) / (len(src) / lmkUnit)
	clear(ivs)
	g.mode.decrypt(dst, src, ivs, lmkUnit)
	g.hash(ivs, dst, n)
	for ; len(dst) > 0; dst, ivs = dst[lmkUnit:], ivs[size:] {
		subtle.XORBytes(dst[:size], dst[:size], ivs)
	}
}

// hash writes the IVs of the sectors with the plaintext plain.
func (g *lmk) hash(ivs, plain []byte, n ivNumbers) {
	h := lmkHashers.Get().(*lmkHasher)
	defer lmkHashers.Put(h)
	size := len(ivs) / (len(plain) / lmkUnit)
	for i := 0; len(plain) > 0; i++ {
		h.md5.Reset()
		if g.seeded {
			h.md5.Write(g.seed[:])
		}
		h.sum(ivs[:size], plain[:lmkUnit], n.at(i))
		plain, ivs = plain[lmkUnit:], ivs[size:]
	}
}

func (g *lmk) wipe() { clear(g.seed[:]) }

// lmkHasher is an MD5 with room for what goes in and out.
type lmkHasher struct {
	md5   hash.Hash
	block [md5.BlockSize]byte
	state [128]byte
}

var lmkHashers = sync.Pool{New: func() any { return &lmkHasher{md5: md5.New()} }}

// sum writes the IV of one sector. It hands whole blocks to MD5, so that no
// plaintext stays in its buffer.
func (h *lmkHasher) sum(iv, plain []byte, number uint64) {
	whole := lmkUnit - md5.BlockSize + 16 // 16 more bytes make the last block
	h.md5.Write(plain[16:whole])
	tail := h.block[copy(h.block[:], plain[whole:]):]
	binary.LittleEndian.PutUint32(tail, uint32(number))
	binary.LittleEndian.PutUint32(tail[4:], uint32(number>>32)&0xffffff|1<<31)
	binary.LittleEndian.PutUint32(tail[8:], lmkDigits)
	clear(tail[12:])
	h.md5.Write(h.block[:])
	clear(h.block[:])

	// The state, in the form in which crypto/md5 saves it: 4 bytes that name the
	// form, then the four words of MD5, big-endian.
	state, err := h.md5.(encoding.BinaryAppender).AppendBinary(h.state[:0])
	if err != nil || len(state) > len(h.state) || string(state[:4]) != "md5\x01" {
		panic("crypt: crypto/md5 saves its state in another form")
	}
	var words [md5.Size]byte
	for i := 0; i < len(words); i += 4 {
		binary.LittleEndian.PutUint32(words[i:], binary.BigEndian.Uint32(state[4+i:]))
	}
	copy(iv, words[:])
}
