package serpent

// The inverses of the eight S-boxes, as boolean functions of the same form and
// origin as the S-boxes.

func inverse0(a, b, c, d uint64) (w, x, y, z uint64) {
	c = ^c
	e := b
	b |= a
	e = ^e
	b ^= c
	c |= e
	b ^= d
	a ^= e
	c ^= a
	a &= d
	e ^= a
	a |= b
	a ^= c
	d ^= e
	c ^= b
	d ^= a
	d ^= b
	c &= d
	e ^= c
	return a, e, b, d
}

func inverse1(a, b, c, d uint64) (w, x, y, z uint64) {
	e := b
	b ^= d
	d &= b
	e ^= c
	d ^= a
	a |= b
	c ^= d
	a ^= e
	a |= c
	b ^= d
	a ^= b
	b |= d
	b ^= a
	e = ^e
	e ^= b
	b |= a
	b ^= a
	b |= e
	d ^= b
	return e, a, d, c
}

func inverse2(a, b, c, d uint64) (w, x, y, z uint64) {
	c ^= d
	d ^= a
	e := d
	d &= c
	d ^= b
	b |= c
	b ^= e
	e &= d
	c ^= d
	e &= a
	e ^= c
	c &= b
	c |= a
	d = ^d
	c ^= d
	a ^= d
	a &= b
	d ^= e
	d ^= a
	return b, e, c, d
}

func inverse3(a, b, c, d uint64) (w, x, y, z uint64) {
	e := c
	c ^= b
	a ^= c
	e &= c
	e ^= a
	a &= b
	b ^= d
	d |= e
	c ^= d
	a ^= d
	b ^= e
	d &= c
	d ^= b
	b ^= a
	b |= c
	a ^= d
	b ^= e
	a ^= b
	return c, b, d, a
}

func inverse4(a, b, c, d uint64) (w, x, y, z uint64) {
	e := c
	c &= d
	c ^= b
	b |= d
	b &= a
	e ^= c
	e ^= b
	b &= c
	a = ^a
	d ^= e
	b ^= d
	d &= a
	d ^= c
	a ^= b
	c &= a
	d ^= a
	c ^= e
	c |= d
	d ^= a
	c ^= b
	return a, d, c, e
}

func inverse5(a, b, c, d uint64) (w, x, y, z uint64) {
	b = ^b
	e := d
	c ^= b
	d |= a
	d ^= c
	c |= b
	c &= a
	e ^= d
	c ^= e
	e |= a
	e ^= b
	b &= c
	b ^= d
	e ^= c
	d &= e
	e ^= b
	d ^= e
	e = ^e
	d ^= a
	return b, e, d, c
}

func inverse6(a, b, c, d uint64) (w, x, y, z uint64) {
	a ^= c
	e := c
	c &= a
	e ^= d
	c = ^c
	d ^= b
	c ^= d
	e |= a
	a ^= c
	d ^= e
	e ^= b
	b &= d
	b ^= a
	a ^= d
	a |= c
	d ^= b
	e ^= a
	return b, c, e, d
}

func inverse7(a, b, c, d uint64) (w, x, y, z uint64) {
	e := c
	c ^= a
	a &= d
	e |= d
	c = ^c
	d ^= b
	b |= a
	a ^= c
	c &= e
	d &= e
	b ^= c
	c ^= a
	a |= c
	e ^= b
	a ^= d
	d ^= e
	e |= a
	d ^= c
	e ^= c
	return d, a, b, e
}
