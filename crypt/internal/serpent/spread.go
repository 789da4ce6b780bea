package serpent

import "encoding/binary"

// load reads four blocks and spreads their bits.
func (s *state) load(p *[stride]byte) {
	for i := 0; i < 8; i += 4 {
		in := p[8*i:]
		s[i], s[i+1] = spread(binary.LittleEndian.Uint64(in), binary.LittleEndian.Uint64(in[16:]))
		s[i+2], s[i+3] = spread(binary.LittleEndian.Uint64(in[8:]), binary.LittleEndian.Uint64(in[24:]))
	}
}

// store is the inverse of load.
func (s *state) store(p *[stride]byte) {
	for i := 0; i < 8; i += 4 {
		out := p[8*i:]
		first, second := gather(s[i], s[i+1])
		binary.LittleEndian.PutUint64(out, first)
		binary.LittleEndian.PutUint64(out[16:], second)
		first, second = gather(s[i+2], s[i+3])
		binary.LittleEndian.PutUint64(out[8:], first)
		binary.LittleEndian.PutUint64(out[24:], second)
	}
}

// Masks of the bits whose number has a zero in one place.
const (
	mask0 = 0x5555555555555555
	mask1 = 0x3333333333333333
	mask2 = 0x0f0f0f0f0f0f0f0f
	mask3 = 0x00ff00ff00ff00ff
	mask4 = 0x0000ffff0000ffff
	mask5 = 0x00000000ffffffff
)

// spread takes two words of each of two blocks, the lower one in the lower half,
// and returns a register for each word: the bits of the first block in the even
// places, those of the second in the odd. As a permutation of bits it is a rotation
// of the seven digits that say where a bit is: which register, and the six of its
// place. Each swap exchanges the first of them with one other.
func spread(first, second uint64) (low, high uint64) {
	p, q := swap(first, second, 1, mask0)
	p, q = swap(p, q, 2, mask1)
	p, q = swap(p, q, 4, mask2)
	p, q = swap(p, q, 8, mask3)
	p, q = swap(p, q, 16, mask4)
	return swap(p, q, 32, mask5)
}

// gather is the inverse of spread.
func gather(low, high uint64) (first, second uint64) {
	p, q := swap(low, high, 32, mask5)
	p, q = swap(p, q, 16, mask4)
	p, q = swap(p, q, 8, mask3)
	p, q = swap(p, q, 4, mask2)
	p, q = swap(p, q, 2, mask1)
	return swap(p, q, 1, mask0)
}

// swap exchanges the bits of p outside mask with those of q inside, n places below.
func swap(p, q uint64, n uint, mask uint64) (uint64, uint64) {
	t := (p>>n ^ q) & mask
	return p ^ t<<n, q ^ t
}

// double returns a register with the word in the even places and in the odd.
func double(word uint64) uint64 {
	low, _ := spread(word&mask5, word&mask5)
	return low
}
