package bench

import "bytes"

// scalarFEC is the Reed-Solomon encoder of textbooks: a shift register over
// GF(2⁸) modulo 0x11d, multiplying by way of logarithms, one codeword at a time.
// dm-verity's code has the generator 2 and its first root at 2⁰.
type scalarFEC struct {
	exp       [2 * 255]byte
	log       [256]uint8
	generator []uint8 // logarithms of the generator's coefficients behind the leading 1
}

func newScalarFEC(roots int) *scalarFEC {
	s := new(scalarFEC)
	x := 1
	for i := range 255 {
		s.exp[i], s.exp[i+255], s.log[x] = byte(x), byte(x), uint8(i)
		if x <<= 1; x > 255 {
			x ^= 0x11d
		}
	}
	product := []byte{1} // of the factors (X - 2^i), highest power first
	for i := range roots {
		next := append(bytes.Clone(product), 0)
		for j := len(product) - 1; j >= 0; j-- {
			next[j+1] ^= s.times(product[j], s.exp[i])
		}
		product = next
	}
	for _, c := range product[1:] {
		s.generator = append(s.generator, s.log[c])
	}
	return s
}

func (s *scalarFEC) times(a, b byte) byte {
	if a == 0 || b == 0 {
		return 0
	}
	return s.exp[int(s.log[a])+int(s.log[b])]
}

// encode writes the parity of the first n codewords of image, which is cut into
// shards of the given length, the last one filled up with zeros. It takes some
// hundred codewords at a time, so that it reads runs of bytes and the registers
// stay in the cache.
func (s *scalarFEC) encode(parity, image []byte, shard, n int) {
	const columns = 512
	roots := len(s.generator)
	row := make([]byte, columns)
	clear(parity)
	for first := 0; first < n; first += columns {
		width := min(columns, n-first)
		registers := parity[first*roots:][:width*roots]
		for i := range 255 - roots {
			at := min(i*shard+first, len(image))
			clear(row[copy(row, image[at:]):])
			for c, symbol := range row[:width] {
				s.shift(registers[c*roots:][:roots], symbol)
			}
		}
	}
}

// shift takes one symbol of the message into a register.
func (s *scalarFEC) shift(register []byte, symbol byte) {
	last := len(register) - 1
	feedback := symbol ^ register[0]
	if feedback == 0 {
		copy(register, register[1:])
		register[last] = 0
		return
	}
	power := int(s.log[feedback])
	generator := s.generator[:len(register)]
	for j := range last {
		register[j] = register[j+1] ^ s.exp[power+int(generator[j])]
	}
	register[last] = s.exp[power+int(generator[last])]
}
