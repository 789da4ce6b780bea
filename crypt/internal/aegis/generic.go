package aegis

// state is the five blocks of a message in progress.
type state [5]block

// update is StateUpdate128: every block becomes the AES round of the one before
// it, with itself and, for the first, m as the round key.
func (s *state) update(m block) {
	four := [2 * lanes]uint64{s[0][0], s[0][1], s[1][0], s[1][1], s[2][0], s[2][1], s[3][0], s[3][1]}
	last := [2 * lanes]uint64{s[4][0], s[4][1]}
	aesRounds(&four)
	aesRounds(&last)
	s[0] = s[0].xor(m).xor(block{last[0], last[1]})
	s[1] = s[1].xor(block{four[0], four[1]})
	s[2] = s[2].xor(block{four[2], four[3]})
	s[3] = s[3].xor(block{four[4], four[5]})
	s[4] = s[4].xor(block{four[6], four[7]})
}

// stream is what the next block of the message is XORed with.
func (s *state) stream() block {
	return s[1].xor(s[4]).xor(s[2].and(s[3]))
}

func (s *state) sealGeneric(dst, src []byte) {
	for ; len(src) >= blockSize; dst, src = dst[blockSize:], src[blockSize:] {
		m := loadBlock(src)
		m.xor(s.stream()).store(dst)
		s.update(m)
	}
}

func (s *state) openGeneric(dst, src []byte) {
	for ; len(src) >= blockSize; dst, src = dst[blockSize:], src[blockSize:] {
		m := loadBlock(src).xor(s.stream())
		m.store(dst)
		s.update(m)
	}
}
