//go:build !purego

package xts

import (
	"slices"

	"github.com/klauspost/cpuid/v2"
)

// required are the features of a processor that the Requires lines in the
// assembly name, and for all of them AESNI, which the key expansion takes; a test
// compares the two.
var required = map[impl][]cpuid.FeatureID{
	implAESNI:   {cpuid.AESNI},
	implVAES256: {cpuid.AESNI, cpuid.AVX, cpuid.AVX2, cpuid.VAES},
	implVAES512: {cpuid.AESNI, cpuid.AVX, cpuid.VAES, cpuid.AVX512F, cpuid.AVX512BW},
}

// rank returns the implementations for a processor, best first, of which those are
// left out that need more than it supports. The rule is fixed: nothing is measured
// at run time.
//
// The first processors of Intel with VAES on 512 bits run everything slower for a
// while after they used such registers, so that they are better off with 256.
func rank(vendor cpuid.Vendor, family, model int, supports func(...cpuid.FeatureID) bool) []impl {
	order := []impl{implVAES512, implVAES256, implAESNI}
	if vendor == cpuid.Intel && family == 6 && slices.Contains(slowOn512, model) {
		order = []impl{implVAES256, implVAES512, implAESNI}
	}
	return slices.DeleteFunc(order, func(i impl) bool { return !supports(required[i]...) })
}

// slowOn512 are the models of Intel's family 6 with VAES before Sapphire Rapids:
// Ice Lake, for servers and others, Tiger Lake and Rocket Lake.
var slowOn512 = []int{0x6a, 0x6c, 0x7d, 0x7e, 0x8c, 0x8d, 0xa7}
