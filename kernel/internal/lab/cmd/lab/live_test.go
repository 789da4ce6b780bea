package main

import (
	"testing"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
)

// TestLive runs the rows of the matrix on one kernel, with udev where the row allows
// it, in their short form: what "make test" sees of live kernels. The rows of the
// selftest are for "make lab-full" alone: the tests of package lab have them.
func TestLive(t *testing.T) {
	t.Parallel()
	for _, j := range jobs(matrix, []string{lab.DefaultKernel}) {
		if j.pkg == selftest || j.row.udev == both && !j.udev {
			continue
		}
		t.Run(j.title(), func(t *testing.T) {
			t.Parallel()
			cfg, pkg := j.config()
			cfg.Timeout = 4 * time.Minute
			cfg.Extra = false // modules that must be built are for "make lab-full"
			pkg.Args = append(pkg.Args[:len(pkg.Args):len(pkg.Args)], "-test.short")
			labtest.Run(t, cfg, pkg)
		})
	}
}
