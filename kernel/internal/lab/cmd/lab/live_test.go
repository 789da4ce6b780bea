package main

import (
	"testing"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
)

// TestLive runs the rows of the matrix on one kernel in their short form, all of an image
// in one boot: what "make test" sees of live kernels.
func TestLive(t *testing.T) {
	t.Parallel()
	for _, b := range boots(jobs(matrix, []string{lab.DefaultKernel})) {
		t.Run(b.image, func(t *testing.T) {
			t.Parallel()
			labtest.Run(t, b.cfg, b.packages...)
		})
	}
}

// boot is what several jobs share.
type boot struct {
	image    string
	cfg      lab.Config
	packages []lab.TestPackage
}

// boots puts the jobs of one image into one boot. With udev only package kernel runs, which
// has all that goes on with it; the rest is left to "make lab-full".
func boots(all []job) []*boot {
	var list []*boot
	byImage := map[string]*boot{}
	for _, j := range all {
		if j.long || j.udev && j.row.udev == both && j.pkg != "kernel" {
			continue
		}
		cfg, pkg := j.config()
		b := byImage[j.image()]
		if b == nil {
			b = &boot{image: j.image(), cfg: cfg}
			b.cfg.Timeout = 6 * time.Minute
			b.cfg.Extra = false // modules that must be built are for "make lab-full"
			byImage[b.image] = b
			list = append(list, b)
		}
		b.cfg.Tools = append(b.cfg.Tools, cfg.Tools...)
		b.cfg.MemoryMiB = max(b.cfg.MemoryMiB, cfg.MemoryMiB)
		pkg.Args = append(pkg.Args[:len(pkg.Args):len(pkg.Args)], "-test.short")
		b.packages = append(b.packages, pkg)
	}
	return list
}
