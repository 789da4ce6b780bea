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
	implVAES512: {cpuid.AESNI, cpuid.AVX, cpuid.VAES, cpuid.AVX512F, cpuid.AVX512BW},
}

// rank returns the implementations for a processor, best first, of which those are
// left out that need more than it supports. The rule is fixed: nothing is measured
// at run time.
func rank(supports func(...cpuid.FeatureID) bool) []impl {
	order := []impl{implVAES512, implAESNI}
	return slices.DeleteFunc(order, func(i impl) bool { return !supports(required[i]...) })
}
