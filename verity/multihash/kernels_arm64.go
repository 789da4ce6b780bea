//go:build !purego

package multihash

import "github.com/klauspost/cpuid/v2"

// fastSHA256 returns the implementations of SHA-256 in assembly that this machine
// can run, best first.
func fastSHA256() []impl {
	if cpuid.CPU.Supports(cpuid.ASIMD, cpuid.SHA2) {
		return []impl{implSHA2x2}
	}
	return nil
}

// fastSHA512 is fastSHA256 for SHA-512 and SHA-384: none.
func fastSHA512() []impl { return nil }

// kernels describes the implementations in assembly.
var kernels = [...]kernel{
	implSHA2x2: {lanes: 2, state: [8]int{0, 1, 2, 3, 4, 5, 6, 7}},
}

// call hashes groups of blocks, the first of which begins at src.
func (i impl) call(j *job, dst, src *byte, groups int) {
	if i == implSHA2x2 {
		sha2x2(j, dst, src, groups)
	}
}

//go:noescape
func sha2x2(j *job, dst, src *byte, groups int)
