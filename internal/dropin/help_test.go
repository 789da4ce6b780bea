package dropin

import (
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/dropin/popt"
)

// columns of a terminal.
const columns = 80

func TestHelpFitsTheScreen(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(popt.Usage("veritysetup", veritysetupOptions) + popt.Help(veritysetupOptions)) {
		if len(line) > columns {
			t.Errorf("%d columns: %q", len(line)-1, line)
		}
	}
	for _, o := range veritysetupOptions {
		if o.Help == "" || (o.Kind != popt.NoValue) != (o.Value != "") {
			t.Errorf("--%s: help %q, value %q", o.Long, o.Help, o.Value)
		}
	}
}
