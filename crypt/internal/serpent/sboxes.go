package serpent

// The eight S-boxes as boolean functions: bit j of a, b, c and d is an input of 4
// bits, a the lowest, and bit j of the results the output. The sequences of
// operations are those that D. A. Osvik found (Speeding up Serpent, 3rd AES
// Candidate Conference, 2000); the tests compare them with the tables of the
// specification. None needs more than five registers.

func sbox0(a, b, c, d uint64) (w, x, y, z uint64) {
	d ^= a
	e := b
	b &= d
	e ^= c
	b ^= a
	a |= d
	a ^= e
	e ^= d
	d ^= c
	c |= b
	c ^= e
	e = ^e
	e |= b
	b ^= d
	b ^= e
	d |= a
	b ^= d
	e ^= d
	return b, e, c, a
}

func sbox1(a, b, c, d uint64) (w, x, y, z uint64) {
	a = ^a
	c = ^c
	e := a
	a &= b
	c ^= a
	a |= d
	d ^= c
	b ^= a
	a ^= e
	e |= b
	b ^= d
	c |= a
	c &= e
	a ^= b
	b &= c
	b ^= a
	a &= c
	e ^= a
	return c, e, d, b
}

func sbox2(a, b, c, d uint64) (w, x, y, z uint64) {
	e := a
	a &= c
	a ^= d
	c ^= b
	c ^= a
	d |= e
	d ^= b
	e ^= c
	b = d
	d |= e
	d ^= a
	a &= b
	e ^= a
	b ^= d
	b ^= e
	e = ^e
	return c, d, b, e
}

func sbox3(a, b, c, d uint64) (w, x, y, z uint64) {
	e := a
	a |= d
	d ^= b
	b &= e
	e ^= c
	c ^= d
	d &= a
	e |= b
	d ^= e
	a ^= b
	e &= a
	b ^= d
	e ^= c
	b |= a
	b ^= c
	a ^= d
	c = b
	b |= d
	b ^= a
	return b, c, d, e
}

func sbox4(a, b, c, d uint64) (w, x, y, z uint64) {
	b ^= d
	d = ^d
	c ^= d
	d ^= a
	e := b
	b &= d
	b ^= c
	e ^= d
	a ^= e
	c &= e
	c ^= a
	a &= b
	d ^= a
	e |= b
	e ^= a
	a |= d
	a ^= c
	c &= d
	a = ^a
	e ^= c
	return b, e, a, d
}

func sbox5(a, b, c, d uint64) (w, x, y, z uint64) {
	a ^= b
	b ^= d
	d = ^d
	e := b
	b &= a
	c ^= d
	b ^= c
	c |= e
	e ^= d
	d &= b
	d ^= a
	e ^= b
	e ^= c
	c ^= a
	a &= d
	c = ^c
	a ^= e
	e |= d
	c ^= e
	return b, d, a, c
}

func sbox6(a, b, c, d uint64) (w, x, y, z uint64) {
	c = ^c
	e := d
	d &= a
	a ^= e
	d ^= c
	c |= e
	b ^= d
	c ^= a
	a |= b
	c ^= b
	e ^= a
	a |= d
	a ^= c
	e ^= d
	e ^= a
	d = ^d
	c &= e
	c ^= d
	return a, b, e, c
}

func sbox7(a, b, c, d uint64) (w, x, y, z uint64) {
	e := b
	b |= c
	b ^= d
	e ^= c
	c ^= b
	d |= e
	d &= a
	e ^= c
	d ^= b
	b |= e
	b ^= a
	a |= e
	a ^= c
	b ^= e
	c ^= b
	b &= a
	b ^= e
	c = ^c
	c |= a
	e ^= c
	return e, d, b, a
}
