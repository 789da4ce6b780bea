package crypt

import (
	"crypto/hmac"
	"crypto/subtle"
	"fmt"
	"hash"
	"slices"
	"sync"

	"github.com/dmimg/dmimg/internal/hashes"
)

const authencName = "authenc"

// authencMode is authenc(mac,cipher), encrypt-then-MAC of any mode of the list
// and a MAC: hmac of a hash, or cmac of a block cipher. The cipher may have essiv
// around it. The MAC covers the sector number, the IV and the ciphertext, and may
// be cut; its key follows that of the cipher.
func authencMode(name apiName) (*aeadMode, error) {
	if len(name.args) != 2 {
		return nil, fmt.Errorf("crypt: cipher mode %q: %s: want a MAC and a cipher: %w", authencName, name, ErrSpec)
	}
	mac, err := lookupMAC(name.args[0])
	if err != nil {
		return nil, err
	}
	inner := name.args[1]
	var hashesOf []string // of the essivs inside, the outermost first
	for inner.name == ivESSIV.name && len(inner.args) == 2 {
		hashesOf = append(hashesOf, inner.args[1].String())
		inner = inner.args[0]
	}
	mode, err := lookupCipher(inner)
	if err != nil {
		return nil, err
	}
	if mode.ivSize == 0 { // Linux 6.12 stores tags of zeros then, and finds nothing out
		return nil, fmt.Errorf("crypt: cipher mode %q: %s: a cipher without iv: %w", authencName, name, ErrUnsupported)
	}
	m := &aeadMode{
		name:         name.String(),
		keySizes:     mode.keySizes,
		macKeySize:   mac.size,
		ivSize:       mode.ivSize,
		apiBlockSize: mode.apiBlockSize,
		tagSizes:     upToSize(mac.size),
		note:         mode.cipher.note + "; " + mac.note,
		cipher:       mode,
		new: func(key, macKey []byte, tagSize int, implementation string) (sectorAEAD, error) {
			encrypter, err := newInner(mode, hashesOf, key[:len(key)-len(macKey)], implementation)
			if err != nil {
				return nil, err
			}
			return newAuthenc(encrypter, mac, macKey, tagSize)
		},
	}
	return m, nil
}

// newInner keys the cipher inside authenc.
func newInner(m *cipherMode, essiv []string, key []byte, implementation string) (sectorMode, error) {
	mode, err := m.new(key, implementation)
	for _, hash := range slices.Backward(essiv) {
		if err != nil {
			return nil, err
		}
		mode, err = newESSIV(mode, m, hash, key)
	}
	return mode, err
}

// macAlgorithm is a MAC: hmac(hash) or cmac(cipher).
type macAlgorithm struct {
	size int // bytes of a MAC, and of its key if nothing else is said
	note string
	new  func(key []byte) (func() hash.Hash, error) // keeps key
}

func lookupMAC(name apiName) (macAlgorithm, error) {
	switch arg, ok := name.inside("hmac"); {
	case ok && len(arg.args) == 0:
		return hmacOf(arg.name)
	case name.name == "hmac":
		return macAlgorithm{}, fmt.Errorf("crypt: %s: want one hash, as in hmac(sha256): %w", name, ErrSpec)
	}
	if arg, ok := name.inside("cmac"); ok {
		if b := blockOf(arg); b != nil {
			return cmacOf(b), nil
		}
		return macAlgorithm{}, missingCipher(name)
	}
	if foreignNames[name.name] || isHash(name.name) {
		return macAlgorithm{}, fmt.Errorf("crypt: MAC %q: %w", name, ErrUnsupported)
	}
	return macAlgorithm{}, fmt.Errorf("crypt: MAC %q: %w", name, ErrUnknownCipher)
}

// hmacOf is HMAC (FIPS 198-1).
func hmacOf(hashName string) (macAlgorithm, error) {
	a, err := hashes.Lookup(hashName)
	if err != nil {
		return macAlgorithm{}, fmt.Errorf("crypt: hmac: %w", err)
	}
	if a.BlockSize < a.Size || !a.Kernel {
		return macAlgorithm{}, fmt.Errorf("crypt: hmac(%s): not a hash that the kernel makes an HMAC of: %w", a.Name, ErrSpec)
	}
	return macAlgorithm{a.Size, "HMAC of " + a.Name, func(key []byte) (func() hash.Hash, error) {
		return func() hash.Hash { return hmac.New(a.New, key) }, nil
	}}, nil
}

func cmacOf(b *blockCipher) macAlgorithm {
	return macAlgorithm{cmacBlock, "CMAC of " + b.name, func(key []byte) (func() hash.Hash, error) {
		blocks, err := newBlocks(*b, key)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, ErrKeySize)
		}
		return func() hash.Hash { return newCMAC(blocks[0]) }, nil
	}}
}

// upToSize lists 1 to n: the sizes that a MAC can be cut to.
func upToSize(n int) []int {
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = i + 1
	}
	return sizes
}

// authenc is the keyed mode.
type authenc struct {
	mode    sectorMode
	macs    *sync.Pool // of *macScratch, keyed
	macKey  []byte     // what they are keyed with
	tagSize int        // bytes
}

// macScratch is one computation of a MAC.
type macScratch struct {
	mac    hash.Hash
	number sectorNumber
	sum    [64]byte
	ivs    ivBuffer // for the cipher, which may change them
}

func newAuthenc(mode sectorMode, algorithm macAlgorithm, key []byte, tagSize int) (sectorAEAD, error) {
	key = slices.Clone(key)
	newMAC, err := algorithm.new(key)
	if err != nil {
		return nil, err
	}
	macs := &sync.Pool{New: func() any { return &macScratch{mac: newMAC()} }}
	return &authenc{mode, macs, key, tagSize}, nil
}

func (a *authenc) seal(dst, src []byte, r *tagRun) {
	s := a.macs.Get().(*macScratch)
	defer a.macs.Put(s)
	a.mode.encrypt(dst, src, s.ivs[:copy(s.ivs[:], r.ivs)], r.unit)
	for i, at := 0, 0; at < len(dst); i, at = i+1, at+r.unit {
		copy(r.tag(i, a.tagSize), s.compute(dst[at:at+r.unit], r, i))
	}
}

// open checks all MACs before anything is decrypted.
func (a *authenc) open(p []byte, r *tagRun) int {
	s := a.macs.Get().(*macScratch)
	defer a.macs.Put(s)
	good := 0
	for i := 0; good < len(p); i++ {
		sum := s.compute(p[good:good+r.unit], r, i)
		if subtle.ConstantTimeCompare(sum[:a.tagSize], r.tag(i, a.tagSize)) != 1 {
			break
		}
		good += r.unit
	}
	if good > 0 {
		a.mode.decrypt(p[:good], p[:good], r.ivs[:good/r.unit*r.ivSize], r.unit)
	}
	return good
}

// compute returns the MAC of sector i of a run, whose ciphertext is given.
func (s *macScratch) compute(ciphertext []byte, r *tagRun, i int) []byte {
	s.mac.Reset()
	s.number = r.number(i)
	s.mac.Write(s.number[:])
	s.mac.Write(r.iv(i))
	s.mac.Write(ciphertext)
	return s.mac.Sum(s.sum[:0])
}

func (a *authenc) wipe() {
	clear(a.macKey)
	a.macs = nil
	if w, ok := a.mode.(wiper); ok {
		w.wipe()
	}
}
