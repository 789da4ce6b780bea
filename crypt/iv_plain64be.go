package crypt

import "encoding/binary"

// ivPlain64BE is zeros, then the number as 64 bits big-endian.
var ivPlain64BE = ivMode{name: "plain64be", new: keyless(plain64beIV)}

func plain64beIV(iv []byte, number uint64) {
	binary.BigEndian.PutUint64(iv[len(iv)-8:], number)
}
