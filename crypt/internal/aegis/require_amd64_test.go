//go:build !purego

package aegis

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
	features := map[string]cpuid.FeatureID{"AES": cpuid.AESNI, "AVX": cpuid.AVX, "AVX2": cpuid.AVX2, "VAES": cpuid.VAES}
	text, err := os.ReadFile("aegis_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^// Requires: (.*)$`).FindAllStringSubmatch(string(text), -1)
	if len(lines) != 3 {
		t.Errorf("%d functions say what they require, want 3", len(lines))
	}
	for _, match := range lines {
		for name := range strings.SplitSeq(match[1], ", ") {
			if id, known := features[name]; !known || !slices.Contains(required, id) {
				t.Errorf("the assembly requires %s, which is not in the list", name)
			}
		}
	}
}
