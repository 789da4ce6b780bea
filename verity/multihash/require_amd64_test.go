//go:build !purego

package multihash

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/cpuid/v2"
)

// TestRequiresLines fails when the assembly needs a feature that is not asked for
// before it is used.
func TestRequiresLines(t *testing.T) {
	t.Parallel()
	names := map[string]cpuid.FeatureID{
		"SSE2": cpuid.SSE2, "SSSE3": cpuid.SSSE3, "SSE4.1": cpuid.SSE4, "SHA": cpuid.SHA,
	}
	text, err := os.ReadFile("sha256_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^// Requires: (.*)$`).FindAllStringSubmatch(string(text), -1)
	if len(lines) == 0 {
		t.Fatal("sha256_amd64.s has no Requires lines")
	}
	for _, line := range lines {
		for name := range strings.SplitSeq(line[1], ", ") {
			id, known := names[name]
			// SSE is in every processor that Go supports; avo writes MMX+ for
			// its prefetch instructions.
			if name == "SSE" || name == "MMX+" {
				continue
			}
			if !known || !slices.Contains(requiredSHANI, id) {
				t.Errorf("sha256_amd64.s requires %s, which is not in requiredSHANI", name)
			}
		}
	}
}
