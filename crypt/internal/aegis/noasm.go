//go:build !amd64 || purego

package aegis

func archImpls() []impl { return nil }

func (c *Cipher) seal(s *state, dst, src []byte) { s.sealGeneric(dst, src) }

func (c *Cipher) open(s *state, dst, src []byte) { s.openGeneric(dst, src) }

// absorbBlock updates with the same block several times.
func (c *Cipher) absorbBlock(s *state, m block, times int) {
	for range times {
		s.update(m)
	}
}
