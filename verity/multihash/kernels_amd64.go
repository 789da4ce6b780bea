//go:build !purego

package multihash

import "github.com/klauspost/cpuid/v2"

// fastSHA256 returns the implementations of SHA-256 in assembly that this machine
// can run, best first.
func fastSHA256() []impl { return rankSHA256(cpuid.CPU.VendorID, cpuid.CPU.Family, cpuid.CPU.Supports) }

// fastSHA512 is fastSHA256 for SHA-512 and SHA-384.
func fastSHA512() []impl { return rankSHA512(cpuid.CPU.Supports) }

// kernels describes the implementations in assembly.
var kernels = [...]kernel{
	implSHANI2:    {lanes: 2, state: statesNI},
	implSHANI4:    {lanes: 4, again: 3, state: statesNI},
	implAVX2x8:    {lanes: 8, again: 3, lines: true, state: statesInOrder},
	implAVX512x8:  {lanes: 8, again: 3, lines: true, state: statesInOrder},
	implAVX512x16: {lanes: 16, again: 8, lines: true, state: statesInOrder},
}

// statesNI is how the SHA extensions hold a state: F, E, B, A and H, G, D, C.
var statesNI = [8]int{5, 4, 1, 0, 7, 6, 3, 2}

// statesInOrder is A to H.
var statesInOrder = [8]int{0, 1, 2, 3, 4, 5, 6, 7}

// call hashes groups of blocks, the first of which begins at src.
func (i impl) call(j *job, dst, src *byte, groups int) {
	switch i {
	case implSHANI2:
		sha256NI2(j, dst, src, groups)
	case implSHANI4:
		sha256NI4(j, dst, src, groups)
	case implAVX2x8:
		sha256x8(j, dst, src, groups)
	case implAVX512x8:
		sha512x8(j, dst, src, groups)
	case implAVX512x16:
		sha256x16(j, dst, src, groups)
	}
}

//go:noescape
func sha256NI2(j *job, dst, src *byte, groups int)

//go:noescape
func sha256NI4(j *job, dst, src *byte, groups int)

//go:noescape
func sha256x16(j *job, dst, src *byte, groups int)

//go:noescape
func sha512x8(j *job, dst, src *byte, groups int)

//go:noescape
func sha256x8(j *job, dst, src *byte, groups int)
