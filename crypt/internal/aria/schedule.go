package aria

// constants are C1 to C3 (RFC 5794, 2.2).
var constants = [3]word{
	{0x517cc1b7, 0x27220a94, 0xfe13abe8, 0xfa9a6ee0},
	{0x6db14acc, 0x9e21c820, 0xff28b1d5, 0xef5de2b0},
	{0xdb92371d, 0x2126e970, 0x03249775, 0x04e8c90e},
}

// rotations are how far to the left the words of four round keys are rotated.
var rotations = [5]uint{128 - 19, 128 - 31, 61, 31, 19}

// expand makes the round keys.
func (c *Cipher) expand(key []byte) {
	var full [2 * BlockSize]byte
	copy(full[:], key)
	left, right := load((*[BlockSize]byte)(full[:])), load((*[BlockSize]byte)(full[BlockSize:]))
	first := (len(key) - 16) / 8
	w := [4]word{left}
	w[1] = c.tables.layer(0, w[0].xor(constants[first])).xor(right)
	w[2] = c.tables.layer(1, w[1].xor(constants[(first+1)%3])).xor(w[0])
	w[3] = c.tables.layer(0, w[2].xor(constants[(first+2)%3])).xor(w[1])
	for i := range c.rounds + 1 {
		from, to := i%4, (i+1)%4
		c.enc[i] = w[from].xor(w[to].rotated(rotations[i/4]))
	}
	c.dec[0], c.dec[c.rounds] = c.enc[c.rounds], c.enc[0]
	for i := 1; i < c.rounds; i++ {
		c.dec[i] = diffuse(c.enc[c.rounds-i])
	}
	clear(full[:])
	clear(w[:])
}

// rotated returns w rotated to the left by n, from 1 to 127 and no multiple of 64.
func (w word) rotated(n uint) word {
	hi, lo := uint64(w[0])<<32|uint64(w[1]), uint64(w[2])<<32|uint64(w[3])
	if n > 64 {
		hi, lo, n = lo, hi, n-64
	}
	hi, lo = hi<<n|lo>>(64-n), lo<<n|hi>>(64-n)
	return word{uint32(hi >> 32), uint32(hi), uint32(lo >> 32), uint32(lo)}
}
