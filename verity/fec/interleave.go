package fec

import "encoding/binary"

// interleave writes the parity shards as the parity area holds them: for each
// codeword its bytes of all shards one after the other. len(dst) is
// len(shards) times the length of a shard, which is a multiple of 8.
func interleave(dst []byte, shards [][]byte) {
	roots := len(shards)
	j := 0
	for ; j+8 <= roots; j += 8 {
		interleave8(dst[j:], roots, (*[8][]byte)(shards[j:]))
	}
	for ; j < roots; j++ {
		at := j
		for _, v := range shards[j] {
			dst[at] = v
			at += roots
		}
	}
}

// interleave8 places eight shards side by side in rows of stride bytes, eight
// codewords at a time.
func interleave8(dst []byte, stride int, shards *[8][]byte) {
	n := len(shards[0])
	var m [8]uint64
	at := 0
	for c := 0; c+8 <= n; c += 8 {
		for i, s := range shards {
			m[i] = binary.LittleEndian.Uint64(s[c:])
		}
		transpose8(&m)
		for _, row := range m {
			binary.LittleEndian.PutUint64(dst[at:], row)
			at += stride
		}
	}
}

// transpose8 transposes an 8×8 matrix of bytes, row i being m[i] with column 0
// in its low byte, by swapping ever smaller squares across the diagonal.
func transpose8(m *[8]uint64) {
	for i := range 4 {
		a, b := m[i], m[i+4]
		m[i], m[i+4] = a&0x00000000ffffffff|b<<32, a>>32|b&0xffffffff00000000
	}
	for _, i := range [...]int{0, 1, 4, 5} {
		a, b := m[i], m[i+2]
		m[i] = a&0x0000ffff0000ffff | b&0x0000ffff0000ffff<<16
		m[i+2] = a>>16&0x0000ffff0000ffff | b&0xffff0000ffff0000
	}
	for i := 0; i < 8; i += 2 {
		a, b := m[i], m[i+1]
		m[i] = a&0x00ff00ff00ff00ff | b&0x00ff00ff00ff00ff<<8
		m[i+1] = a>>8&0x00ff00ff00ff00ff | b&0xff00ff00ff00ff00
	}
}

// addInterleaved adds to every shard what interleaved has of it.
func addInterleaved(shards [][]byte, interleaved []byte) {
	roots := len(shards)
	for j, shard := range shards {
		at := j
		for c := range shard {
			shard[c] ^= interleaved[at]
			at += roots
		}
	}
}
