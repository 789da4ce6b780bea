package crypt

import "encoding/binary"

// ivPlain64 is the number as 64 bits little-endian, then zeros.
var ivPlain64 = ivMode{name: "plain64", new: keyless(plain64IV)}

func plain64IV(iv []byte, number uint64) { binary.LittleEndian.PutUint64(iv, number) }
