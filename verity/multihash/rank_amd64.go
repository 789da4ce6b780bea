//go:build !purego

package multihash

import (
	"slices"

	"github.com/klauspost/cpuid/v2"
)

// required are the features of a processor that the Requires lines in the
// assembly name; a test compares the two.
var required = map[impl][]cpuid.FeatureID{
	implSHANI2:    {cpuid.CMOV, cpuid.SSE2, cpuid.SSSE3, cpuid.SSE4, cpuid.SHA},
	implSHANI4:    {cpuid.CMOV, cpuid.SSE2, cpuid.SSSE3, cpuid.SSE4, cpuid.SHA, cpuid.AVX, cpuid.AVX512F, cpuid.AVX512VL},
	implAVX2x8:    {cpuid.CMOV, cpuid.AVX, cpuid.AVX2},
	implAVX512x8:  {cpuid.CMOV, cpuid.AVX, cpuid.AVX512F, cpuid.AVX512BW},
	implAVX512x16: {cpuid.CMOV, cpuid.AVX, cpuid.AVX512F, cpuid.AVX512BW},
}

// rankSHA256 returns the implementations of SHA-256 for a processor, best first,
// of which those are left out that need more than it supports. The rule is fixed:
// nothing is measured at run time.
//
// Zen 4 begins a round instruction every cycle and has its result four cycles
// later, so it wants four messages in flight; other processors with the SHA
// extensions are full with two. Vectors of 512 bits beat those on processors of
// Intel and, since Zen 5, which no longer does them in halves, of AMD. Those of 256
// bits are for processors that have nothing else.
func rankSHA256(vendor cpuid.Vendor, family int, supports func(...cpuid.FeatureID) bool) []impl {
	order := []impl{implSHANI2, implSHANI4, implAVX512x16, implAVX2x8}
	switch {
	case vendor == cpuid.AMD && family == 0x19: // Zen 4, and Zen 3, which has no AVX-512
		order = []impl{implSHANI4, implSHANI2, implAVX512x16, implAVX2x8}
	case vendor == cpuid.AMD && family > 0x19, vendor == cpuid.Intel:
		order = []impl{implAVX512x16, implSHANI2, implSHANI4, implAVX2x8}
	}
	return runnable(order, supports)
}

// rankSHA512 is rankSHA256 for SHA-512 and SHA-384.
func rankSHA512(supports func(...cpuid.FeatureID) bool) []impl {
	return runnable([]impl{implAVX512x8}, supports)
}

// runnable leaves out what needs more than a processor supports.
func runnable(order []impl, supports func(...cpuid.FeatureID) bool) []impl {
	return slices.DeleteFunc(order, func(i impl) bool { return !supports(required[i]...) })
}
