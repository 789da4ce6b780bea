//go:build !purego

package xts

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/cpuid/v2"
)

// TestRequiresLines fails when the assembly needs a feature that is not asked for
// before it is used. A function whose name does not end in that of an
// implementation is used with all of them.
func TestRequiresLines(t *testing.T) {
	t.Parallel()
	features := map[string]cpuid.FeatureID{
		"AES": cpuid.AESNI, "VAES": cpuid.VAES, "SSSE3": cpuid.SSSE3, "SSE4.1": cpuid.SSE4,
		"AVX": cpuid.AVX, "AVX2": cpuid.AVX2,
		"AVX512F": cpuid.AVX512F, "AVX512BW": cpuid.AVX512BW, "AVX512DQ": cpuid.AVX512DQ, "AVX512VL": cpuid.AVX512VL,
	}
	files, err := filepath.Glob("*_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	kernels := make(map[impl]int)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^// func (\w+)\(.*\n// Requires: (.*)$`).FindAllStringSubmatch(string(text), -1) {
			users := usersOf(match[1])
			for _, i := range users {
				kernels[i]++
				for name := range strings.SplitSeq(match[2], ", ") {
					if name == "SSE" || name == "SSE2" { // in every processor that Go supports
						continue
					}
					if id, known := features[name]; !known || !slices.Contains(required[i], id) {
						t.Errorf("%s: %s requires %s, which is not in the list of %s", file, match[1], name, i)
					}
				}
			}
		}
	}
	for i := range required {
		if kernels[i] != 6 { // subWord, invMixColumns; for blocks and for sectors encrypt and decrypt
			t.Errorf("the assembly has %d functions for %s, want 6", kernels[i], i)
		}
	}
}

// usersOf returns the implementations that use a function.
func usersOf(function string) []impl {
	var all, named []impl
	for i := range required {
		all = append(all, i)
		if strings.HasSuffix(strings.ToLower(function), i.String()) {
			named = append(named, i)
		}
	}
	if named == nil {
		return all
	}
	return named
}
