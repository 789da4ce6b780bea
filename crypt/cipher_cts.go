package crypt

// ctsOf puts ciphertext stealing around m, which is cbc, in the variant that RFC
// 3962 uses. It is written cts(cbc(…)). Sectors are whole blocks, so nothing is
// stolen; what remains of the mode is that the last two blocks of ciphertext change
// places.
func ctsOf(m cipherMode) cipherMode {
	cbc, blockSize := m.new, m.cipher.blockSize
	m.chain = "cts(cbc"
	m.new = func(key []byte, implementation string) (sectorMode, error) {
		mode, err := cbc(key, implementation)
		return ctsMode{mode, blockSize}, err
	}
	return m
}

type ctsMode struct {
	cbc       sectorMode
	blockSize int
}

func (m ctsMode) encrypt(dst, src, ivs []byte, size int) {
	m.cbc.encrypt(dst, src, ivs, size)
	m.swap(dst, size)
}

func (m ctsMode) decrypt(dst, src, ivs []byte, size int) {
	copy(dst, src)
	m.swap(dst[:len(src)], size)
	m.cbc.decrypt(dst, dst, ivs, size)
}

// swap exchanges the last two blocks of every sector of p. A sector of one block,
// which eboiv makes, is cbc alone.
func (m ctsMode) swap(p []byte, size int) {
	if size < 2*m.blockSize {
		return
	}
	var spare [16]byte
	for ; len(p) > 0; p = p[size:] {
		last := p[size-m.blockSize : size]
		other := p[size-2*m.blockSize : size-m.blockSize]
		copy(spare[:], last)
		copy(last, other)
		copy(other, spare[:])
	}
}

func (m ctsMode) wipe() {
	if w, ok := m.cbc.(wiper); ok {
		w.wipe()
	}
}
