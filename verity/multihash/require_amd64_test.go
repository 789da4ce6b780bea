//go:build !purego

package multihash

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/cpuid/v2"
)

// kernelNames are the functions in assembly.
var kernelNames = map[string]impl{
	"sha256NI2": implSHANI2,
	"sha256NI4": implSHANI4,
	"sha256x16": implAVX512x16,
	"sha256x8":  implAVX2x8,
	"sha512x8":  implAVX512x8,
}

// TestRequiresLines fails when the assembly needs a feature that is not asked for
// before it is used.
func TestRequiresLines(t *testing.T) {
	t.Parallel()
	features := map[string]cpuid.FeatureID{
		"CMOV": cpuid.CMOV, "SSE2": cpuid.SSE2, "SSSE3": cpuid.SSSE3, "SSE4.1": cpuid.SSE4, "SHA": cpuid.SHA,
		"AVX": cpuid.AVX, "AVX2": cpuid.AVX2,
		"AVX512F": cpuid.AVX512F, "AVX512BW": cpuid.AVX512BW, "AVX512DQ": cpuid.AVX512DQ, "AVX512VL": cpuid.AVX512VL,
	}
	files, err := filepath.Glob("*_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^// func (\w+)\(.*\n// Requires: (.*)$`).FindAllStringSubmatch(string(text), -1) {
			function := match[1]
			seen = append(seen, function)
			i, known := kernelNames[function]
			if !known {
				t.Errorf("%s: %s is in no list", file, function)
				continue
			}
			for name := range strings.SplitSeq(match[2], ", ") {
				// SSE is in every processor that Go supports; avo writes MMX+ for
				// its prefetch instructions.
				if name == "SSE" || name == "MMX+" {
					continue
				}
				if id, known := features[name]; !known || !slices.Contains(required[i], id) {
					t.Errorf("%s: %s requires %s, which is not in the list of %s", file, function, name, i)
				}
			}
		}
	}
	if len(seen) != len(kernelNames) || len(required) != len(kernelNames) {
		t.Errorf("the assembly has %q, with %d lists of features; want one for each of %d", seen, len(required), len(kernelNames))
	}
}
