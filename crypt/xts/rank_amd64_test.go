//go:build !purego

package xts

import (
	"slices"
	"testing"

	"github.com/klauspost/cpuid/v2"
)

// supporter returns a function that says yes to the features of some processor.
func supporter(sets ...[]cpuid.FeatureID) func(...cpuid.FeatureID) bool {
	have := slices.Concat(sets...)
	return func(ids ...cpuid.FeatureID) bool {
		for _, id := range ids {
			if !slices.Contains(have, id) {
				return false
			}
		}
		return true
	}
}

var (
	sse4    = []cpuid.FeatureID{cpuid.CMOV, cpuid.SSE2, cpuid.SSSE3, cpuid.SSE4}
	avx2    = append(slices.Clip(sse4), cpuid.AVX, cpuid.AVX2)
	avx512  = append(slices.Clip(avx2), cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL)
	withAES = []cpuid.FeatureID{cpuid.AESNI}
	vaes    = []cpuid.FeatureID{cpuid.AESNI, cpuid.VAES}
)

// TestRank is the rule by which an implementation is chosen.
func TestRank(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		processor string
		vendor    cpuid.Vendor
		family    int
		model     int
		supports  func(...cpuid.FeatureID) bool
		want      []impl
	}{
		{"Zen 1 or 2", cpuid.AMD, 0x17, 0x31, supporter(avx2, withAES), []impl{implAESNI}},
		{"Zen 3", cpuid.AMD, 0x19, 0x21, supporter(avx2, vaes), []impl{implVAES256, implAESNI}},
		{"Zen 4", cpuid.AMD, 0x19, 0x11, supporter(avx512, vaes), []impl{implVAES512, implVAES256, implAESNI}},
		{"Zen 5", cpuid.AMD, 0x1a, 0x02, supporter(avx512, vaes), []impl{implVAES512, implVAES256, implAESNI}},
		{"Ice Lake", cpuid.Intel, 6, 0x6a, supporter(avx512, vaes), []impl{implVAES256, implVAES512, implAESNI}},
		{"Rocket Lake", cpuid.Intel, 6, 0xa7, supporter(avx512, vaes), []impl{implVAES256, implVAES512, implAESNI}},
		{"Sapphire Rapids", cpuid.Intel, 6, 0x8f, supporter(avx512, vaes), []impl{implVAES512, implVAES256, implAESNI}},
		{"Alder Lake", cpuid.Intel, 6, 0x97, supporter(avx2, vaes), []impl{implVAES256, implAESNI}},
		{"Skylake-X", cpuid.Intel, 6, 0x55, supporter(avx512, withAES), []impl{implAESNI}},
		{"Goldmont", cpuid.Intel, 6, 0x5c, supporter(sse4, withAES), []impl{implAESNI}},
		{"Core 2", cpuid.Intel, 6, 0x0f, supporter(sse4), nil},
		{"another vendor's with the model of Ice Lake", cpuid.VendorUnknown, 6, 0x6a, supporter(avx512, vaes), []impl{implVAES512, implVAES256, implAESNI}},
		{"VAES without AES, as no processor has it", cpuid.Intel, 6, 0x8f, supporter(avx512, []cpuid.FeatureID{cpuid.VAES}), nil},
	} {
		if got := rank(c.vendor, c.family, c.model, c.supports); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.processor, got, c.want)
		}
	}
}
