package aria

import (
	"math/bits"
	"sync"
)

// spread says into which bytes of its own word a byte goes first, by its place. The
// diffusion layer A (RFC 5794, 2.4.3) is that, the words mixed, the bytes of each word
// changing places, and the words mixed again.
var spread = [4]uint32{0x00010101, 0x01000101, 0x01010001, 0x01010100}

// tables holds, for substitution layer 1 and then for layer 2, for each byte of a
// word, the highest in front, what the S-box and spread make of it.
type tables [2]layerTables

type layerTables [4][256]uint32

func (s *layerTables) word(v uint32) uint32 {
	return s[0][uint8(v>>24)] ^ s[1][uint8(v>>16)] ^ s[2][uint8(v>>8)] ^ s[3][uint8(v)]
}

// inverses of the S-boxes.
type inverseBoxes [2][256]uint8

var sharedInverses = sync.OnceValue(func() *inverseBoxes {
	inverse := new(inverseBoxes)
	for x := range 256 {
		inverse[0][sbox1[x]] = uint8(x)
		inverse[1][sbox2[x]] = uint8(x)
	}
	return inverse
})

var sharedTables = sync.OnceValue(func() *tables {
	t, inverse := new(tables), sharedInverses()
	boxes := [4]*[256]uint8{&sbox1, &sbox2, &inverse[0], &inverse[1]}
	for layer := range t {
		for i := range t[layer] {
			for x := range 256 {
				t[layer][i][x] = uint32(boxes[(i+2*layer)%4][x]) * spread[i]
			}
		}
	}
	return t
})

// layer does the substitution layer 1 if round, which counts from 0, is even, else
// layer 2, and the diffusion.
func (t *tables) layer(round int, w word) word {
	s := &t[round&1]
	for i, v := range w {
		w[i] = s.word(v)
	}
	return shuffle(w)
}

// shuffle is what remains of the diffusion layer after spread.
func shuffle(w word) word {
	w = mix(w)
	w[1] = w[1]<<8&0xff00ff00 | w[1]>>8&0x00ff00ff
	w[2] = bits.RotateLeft32(w[2], 16)
	w[3] = bits.ReverseBytes32(w[3])
	return mix(w)
}

// mix makes each word the sum of all but one.
func mix(w word) word {
	all := w[0] ^ w[1] ^ w[2] ^ w[3]
	return word{all ^ w[3], all ^ w[1], all ^ w[2], all ^ w[0]}
}

// diffuse is the whole diffusion layer.
func diffuse(w word) word {
	for i, v := range w {
		w[i] = uint32(uint8(v>>24))*spread[0] ^ uint32(uint8(v>>16))*spread[1] ^
			uint32(uint8(v>>8))*spread[2] ^ uint32(uint8(v))*spread[3]
	}
	return shuffle(w)
}

// substitute is substitution layer 2 alone, with which the last round ends.
func substitute(w word) word {
	inverse := sharedInverses()
	for i, v := range w {
		w[i] = uint32(inverse[0][uint8(v>>24)])<<24 | uint32(inverse[1][uint8(v>>16)])<<16 |
			uint32(sbox1[uint8(v>>8)])<<8 | uint32(sbox2[uint8(v)])
	}
	return w
}
