package crypt

import (
	"encoding/binary"
	"fmt"
)

// ivEBOIV is the "encrypted byte offset" of BitLocker: a block of zeros encrypted
// with the volume's own mode and key, of several the first, under the IV that
// holds the IV number times the sector size as 64 bits little-endian.
var ivEBOIV = ivMode{name: "eboiv", fits: fitsEBOIV, new: newEBOIVMode}

func fitsEBOIV(m *cipherMode) bool { return m.ivSize == m.apiBlockSize }

func newEBOIVMode(c ivConfig) (ivGenerator, error) { return newEBOIV("eboiv", c) }

func newEBOIV(name string, c ivConfig) (eboiv, error) {
	if !fitsEBOIV(c.mode) {
		return eboiv{}, fmt.Errorf("crypt: iv mode %s: %s has ivs of %d bytes and blocks of %d: %w",
			name, c.mode.tableName(), c.mode.ivSize, c.mode.apiBlockSize, ErrUnsupported)
	}
	return eboiv{c.first, uint64(c.unit)}, nil
}

type eboiv struct {
	mode sectorMode
	unit uint64 // bytes of an encryption sector
}

func (e eboiv) generate(ivs []byte, size int, n ivNumbers) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	offsets := s[:len(ivs)]
	clear(offsets)
	for i := 0; i*size < len(offsets); i++ {
		binary.LittleEndian.PutUint64(offsets[i*size:], n.at(i)*e.unit)
	}
	clear(ivs)
	e.mode.encrypt(ivs, ivs, offsets, size)
}
