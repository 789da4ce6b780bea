//go:build !purego

package aegis

import "github.com/klauspost/cpuid/v2"

// required are the features of a processor that the Requires lines in the
// assembly name; a test compares the two.
var required = []cpuid.FeatureID{cpuid.AESNI, cpuid.AVX}

func archImpls() []impl {
	if !cpuid.CPU.Supports(required...) {
		return nil
	}
	return []impl{implAESNI}
}

// seal encrypts whole blocks, at most maxCall bytes.
func (c *Cipher) seal(s *state, dst, src []byte) {
	if c.impl != implAESNI {
		s.sealGeneric(dst, src)
		return
	}
	raceRead(src)
	raceWrite(dst[:len(src)])
	sealAESNI(&s[0][0], &dst[0], &src[0], len(src)/blockSize)
}

// open decrypts whole blocks, at most maxCall bytes.
func (c *Cipher) open(s *state, dst, src []byte) {
	if c.impl != implAESNI {
		s.openGeneric(dst, src)
		return
	}
	raceRead(src)
	raceWrite(dst[:len(src)])
	openAESNI(&s[0][0], &dst[0], &src[0], len(src)/blockSize)
}

// absorbBlock updates with the same block several times.
func (c *Cipher) absorbBlock(s *state, m block, times int) {
	if c.impl == implAESNI {
		absorbAESNI(&s[0][0], &m[0], times)
		return
	}
	for range times {
		s.update(m)
	}
}

//go:noescape
func absorbAESNI(s, m *uint64, times int)

//go:noescape
func sealAESNI(s *uint64, dst, src *byte, blocks int)

//go:noescape
func openAESNI(s *uint64, dst, src *byte, blocks int)
