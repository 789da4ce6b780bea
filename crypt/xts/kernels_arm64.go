//go:build !purego

package xts

import "github.com/klauspost/cpuid/v2"

// archImpls returns the implementations in assembly that this machine can run,
// best first.
func archImpls() []impl {
	if cpuid.CPU.Supports(cpuid.ASIMD, cpuid.AESARM) {
		return []impl{implARMv8}
	}
	return nil
}

// encryptBlocks encrypts groups of blocks, of blockGroup bytes, in place.
func (impl) encryptBlocks(keys *schedule, rounds int, p *byte, groups int) {
	encryptBlocksARMv8(keys, rounds, p, groups)
}

// decryptBlocks decrypts groups of blocks, of blockGroup bytes, in place.
func (impl) decryptBlocks(keys *schedule, rounds int, p *byte, groups int) {
	decryptBlocksARMv8(keys, rounds, p, groups)
}

// callEncrypt encrypts sectors, given their first tweaks.
func (c *Cipher) callEncrypt(dst, src, tweaks *byte, sectors, size int) {
	encryptARMv8(&c.keys.encrypt, c.keys.rounds, dst, src, tweaks, sectors, size)
}

// callDecrypt is the inverse of callEncrypt.
func (c *Cipher) callDecrypt(dst, src, tweaks *byte, sectors, size int) {
	decryptARMv8(&c.keys.decrypt, c.keys.rounds, dst, src, tweaks, sectors, size)
}

//go:noescape
func subWord(w uint32) uint32

//go:noescape
func invMixColumns(p *[roundKeySize]byte)

//go:noescape
func encryptBlocksARMv8(keys *schedule, rounds int, p *byte, groups int)

//go:noescape
func decryptBlocksARMv8(keys *schedule, rounds int, p *byte, groups int)

//go:noescape
func encryptARMv8(keys *schedule, rounds int, dst, src, tweaks *byte, sectors, size int)

//go:noescape
func decryptARMv8(keys *schedule, rounds int, dst, src, tweaks *byte, sectors, size int)
