package crypt

import "encoding/binary"

// ivPlain is the low 32 bits of the number, little-endian, then zeros.
var ivPlain = ivMode{name: "plain", new: keyless(plainIV)}

func plainIV(iv []byte, number uint64) { binary.LittleEndian.PutUint32(iv, uint32(number)) }
