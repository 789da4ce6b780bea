package crypt

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// ivBENBI is "big-endian narrow block index, counted from 1": the number of the
// first cipher block of the sector, in the last 8 bytes of the IV. The block is
// the one the crypto API reports for the mode; numbers are 512-byte sectors.
var ivBENBI = ivMode{name: "benbi", new: newBENBI}

func newBENBI(c ivConfig) (ivGenerator, error) {
	size := uint(c.mode.apiBlockSize)
	if size == 0 || size > 1<<sectorShift || size&(size-1) != 0 {
		return nil, fmt.Errorf("crypt: iv mode benbi: %s has blocks of %d bytes: %w", c.mode.tableName(), size, ErrUnsupported)
	}
	shift := sectorShift - bits.TrailingZeros(size)
	return ivFunc(func(iv []byte, number uint64) {
		binary.BigEndian.PutUint64(iv[len(iv)-8:], number<<shift+1)
	}), nil
}
