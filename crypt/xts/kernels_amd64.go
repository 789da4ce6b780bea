//go:build !purego

package xts

import "github.com/klauspost/cpuid/v2"

// archImpls returns the implementations in assembly that this machine can run,
// best first.
func archImpls() []impl {
	return rank(cpuid.CPU.VendorID, cpuid.CPU.Family, cpuid.CPU.Model, cpuid.CPU.Supports)
}

// encryptBlocks encrypts groups of blocks, of blockGroup bytes, in place.
func (i impl) encryptBlocks(keys *schedule, rounds int, p *byte, groups int) {
	switch i {
	case implAESNI:
		encryptBlocksAESNI(keys, rounds, p, groups)
	case implVAES256:
		encryptBlocksVAES256(keys, rounds, p, groups)
	case implVAES512:
		encryptBlocksVAES512(keys, rounds, p, groups)
	}
}

// decryptBlocks decrypts groups of blocks, of blockGroup bytes, in place.
func (i impl) decryptBlocks(keys *schedule, rounds int, p *byte, groups int) {
	switch i {
	case implAESNI:
		decryptBlocksAESNI(keys, rounds, p, groups)
	case implVAES256:
		decryptBlocksVAES256(keys, rounds, p, groups)
	case implVAES512:
		decryptBlocksVAES512(keys, rounds, p, groups)
	}
}

// callEncrypt encrypts sectors, given their first tweaks. It reads one more of
// those.
func (c *Cipher) callEncrypt(dst, src, tweaks *byte, sectors, size int) {
	switch k := &c.keys; c.impl {
	case implAESNI:
		encryptAESNI(&k.encrypt, k.rounds, dst, src, tweaks, sectors, size)
	case implVAES256:
		encryptVAES256(&k.encrypt, k.rounds, dst, src, tweaks, sectors, size)
	case implVAES512:
		encryptVAES512(&k.encrypt, k.rounds, dst, src, tweaks, sectors, size)
	}
}

// callDecrypt is the inverse of callEncrypt.
func (c *Cipher) callDecrypt(dst, src, tweaks *byte, sectors, size int) {
	switch k := &c.keys; c.impl {
	case implAESNI:
		decryptAESNI(&k.decrypt, k.rounds, dst, src, tweaks, sectors, size)
	case implVAES256:
		decryptVAES256(&k.decrypt, k.rounds, dst, src, tweaks, sectors, size)
	case implVAES512:
		decryptVAES512(&k.decrypt, k.rounds, dst, src, tweaks, sectors, size)
	}
}

//go:noescape
func subWord(w uint32) uint32

//go:noescape
func invMixColumns(p *[roundKeySize]byte)

//go:noescape
func encryptBlocksVAES512(keys *schedule, rounds int, p *byte, groups int)

//go:noescape
func decryptBlocksVAES512(keys *schedule, rounds int, p *byte, groups int)

//go:noescape
func encryptVAES512(keys *schedule, rounds int, dst, src, tweaks *byte, sectors, size int)

//go:noescape
func decryptVAES512(keys *schedule, rounds int, dst, src, tweaks *byte, sectors, size int)

//go:noescape
func encryptBlocksAESNI(keys *schedule, rounds int, p *byte, groups int)

//go:noescape
func decryptBlocksAESNI(keys *schedule, rounds int, p *byte, groups int)

//go:noescape
func encryptAESNI(keys *schedule, rounds int, dst, src, tweaks *byte, sectors, size int)

//go:noescape
func decryptAESNI(keys *schedule, rounds int, dst, src, tweaks *byte, sectors, size int)

//go:noescape
func encryptBlocksVAES256(keys *schedule, rounds int, p *byte, groups int)

//go:noescape
func decryptBlocksVAES256(keys *schedule, rounds int, p *byte, groups int)

//go:noescape
func encryptVAES256(keys *schedule, rounds int, dst, src, tweaks *byte, sectors, size int)

//go:noescape
func decryptVAES256(keys *schedule, rounds int, dst, src, tweaks *byte, sectors, size int)
