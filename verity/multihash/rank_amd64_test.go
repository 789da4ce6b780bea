//go:build !purego

package multihash

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
	oldest  = []cpuid.FeatureID{cpuid.CMOV, cpuid.SSE2}
	sse4    = append(slices.Clip(oldest), cpuid.SSSE3, cpuid.SSE4)
	avx2    = append(slices.Clip(sse4), cpuid.AVX, cpuid.AVX2)
	avx512  = append(slices.Clip(avx2), cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL)
	withSHA = []cpuid.FeatureID{cpuid.SHA}
)

// TestRankSHA256 is the rule by which an implementation is chosen.
func TestRankSHA256(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		processor string
		vendor    cpuid.Vendor
		family    int
		supports  func(...cpuid.FeatureID) bool
		want      []impl
	}{
		{"Zen 1 or 2", cpuid.AMD, 0x17, supporter(avx2, withSHA), []impl{implSHANI2, implAVX2x8}},
		{"a clone of Zen 1", cpuid.Hygon, 0x18, supporter(avx2, withSHA), []impl{implSHANI2, implAVX2x8}},
		{"Zen 3", cpuid.AMD, 0x19, supporter(avx2, withSHA), []impl{implSHANI2, implAVX2x8}},
		{"Zen 4", cpuid.AMD, 0x19, supporter(avx512, withSHA), []impl{implSHANI4, implSHANI2, implAVX512x16, implAVX2x8}},
		{"Zen 5", cpuid.AMD, 0x1a, supporter(avx512, withSHA), []impl{implAVX512x16, implSHANI2, implSHANI4, implAVX2x8}},
		{"Zen 5 in a virtual machine without AVX-512", cpuid.AMD, 0x1a, supporter(avx2, withSHA), []impl{implSHANI2, implAVX2x8}},
		{"Goldmont", cpuid.Intel, 6, supporter(sse4, withSHA), []impl{implSHANI2}},
		{"Ice Lake", cpuid.Intel, 6, supporter(avx512, withSHA), []impl{implAVX512x16, implSHANI2, implSHANI4, implAVX2x8}},
		{"Alder Lake", cpuid.Intel, 6, supporter(avx2, withSHA), []impl{implSHANI2, implAVX2x8}},
		{"Skylake-X", cpuid.Intel, 6, supporter(avx512), []impl{implAVX512x16, implAVX2x8}},
		{"Skylake", cpuid.Intel, 6, supporter(avx2), []impl{implAVX2x8}},
		{"Core 2", cpuid.Intel, 6, supporter(oldest), nil},
		{"SHA alone, as no processor has it", cpuid.Intel, 6, supporter(oldest, withSHA), nil},
		{"another vendor's with all of it", cpuid.VendorUnknown, 7, supporter(avx512, withSHA), []impl{implSHANI2, implSHANI4, implAVX512x16, implAVX2x8}},
	} {
		if got := rankSHA256(c.vendor, c.family, c.supports); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.processor, got, c.want)
		}
	}
}

func TestRankSHA512(t *testing.T) {
	t.Parallel()
	if got := rankSHA512(supporter(avx512)); !slices.Equal(got, []impl{implAVX512x8}) {
		t.Errorf("with AVX-512: got %v, want %v", got, implAVX512x8)
	}
	if got := rankSHA512(supporter(avx2, withSHA)); len(got) != 0 {
		t.Errorf("without AVX-512: got %v, want none", got)
	}
}
