package fec

import "encoding/binary"

// interleave writes the parity shards as the parity area holds them: for each
// codeword its bytes of all shards one after the other. len(dst) is
// len(shards) times the length of a shard.
func interleave(dst []byte, shards [][]byte) {
	roots := len(shards)
	if roots == 2 {
		interleave2(dst, shards[0], shards[1])
		return
	}
	if roots < 8 {
		for j, shard := range shards {
			at := j
			for _, v := range shard {
				dst[at] = v
				at += roots
			}
		}
		return
	}
	for j := 0; j+8 <= roots; j += 8 {
		interleave8(dst[j:], roots, (*[8][]byte)(shards[j:]))
	}
	if roots%8 != 0 { // the last eight, some of them for the second time
		interleave8(dst[roots-8:], roots, (*[8][]byte)(shards[roots-8:]))
	}
}

// interleave2 is interleave for two shards, four bytes of each at a time: it moves
// them apart by halves until there is a byte between any two.
func interleave2(dst, a, b []byte) {
	spread := func(v uint32) uint64 {
		w := uint64(v)
		w = (w | w<<16) & 0x0000ffff0000ffff
		return (w | w<<8) & 0x00ff00ff00ff00ff
	}
	c := 0
	for ; c+4 <= len(a) && c+4 <= len(b) && 2*c+8 <= len(dst); c += 4 {
		v := spread(binary.LittleEndian.Uint32(a[c:])) | spread(binary.LittleEndian.Uint32(b[c:]))<<8
		binary.LittleEndian.PutUint64(dst[2*c:], v)
	}
	for ; c < len(a); c++ {
		dst[2*c], dst[2*c+1] = a[c], b[c]
	}
}

// interleave8 places eight shards side by side in rows of stride bytes. A word
// put together from single bytes is what the compiler makes the fastest code of.
func interleave8(dst []byte, stride int, shards *[8][]byte) {
	s0 := shards[0]
	n := len(s0)
	s1, s2, s3 := shards[1][:n], shards[2][:n], shards[3][:n]
	s4, s5, s6, s7 := shards[4][:n], shards[5][:n], shards[6][:n], shards[7][:n]
	at := 0
	for c, v := range s0 {
		word := uint64(v) | uint64(s1[c])<<8 | uint64(s2[c])<<16 | uint64(s3[c])<<24 |
			uint64(s4[c])<<32 | uint64(s5[c])<<40 | uint64(s6[c])<<48 | uint64(s7[c])<<56
		binary.LittleEndian.PutUint64(dst[at:], word)
		at += stride
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
