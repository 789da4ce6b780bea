// Package labtest runs tests inside the lab from a test outside of it: each test of
// the guest becomes a subtest here, with its log.
//
//	func TestLab(t *testing.T) {
//		t.Parallel()
//		labtest.Run(t, lab.Config{Kernel: "6.12", Udev: true},
//			lab.TestPackage{Package: "./kernel", Args: []string{"-test.run=Live"}})
//	}
//
// The tests that run there call [Inside] first. Where the lab cannot run, a test
// is skipped with the reason; with DMIMG_TEST_REQUIRE=all it fails. Plain go test
// does not fetch a kernel: it skips until make lab has.
package labtest

import (
	"errors"
	"os"
	"testing"

	"github.com/dmimg/dmimg/kernel/internal/lab"
	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
)

// Inside skips a test that runs outside of the lab.
func Inside(t testing.TB) {
	t.Helper()
	if !guest.Inside() {
		t.Skip(guest.Outside)
	}
}

// Outside skips a test that starts the lab where it should not: in short runs,
// inside a guest, and, unless DMIMG_TEST_REQUIRE=all, while the kernel would have
// to be fetched first.
func Outside(t testing.TB, kernel string) {
	t.Helper()
	switch {
	case guest.Inside():
		t.Skip("starts the lab: not inside of one")
	case testing.Short():
		t.Skip("boots a kernel: left out of short runs")
	case !required() && !lab.Cached(kernel):
		t.Skipf("kernel %q of the lab is not fetched: make lab does", kernel)
	}
}

// Check deals with the error of a run: it skips the test where the lab cannot run,
// and fails it for anything else. With DMIMG_TEST_REQUIRE=all it always fails it.
func Check(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, lab.ErrMissing) && !required() {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Run runs the tests of packages inside and reports each as a subtest of t, below
// one for its package if there are several.
func Run(t *testing.T, cfg lab.Config, packages ...lab.TestPackage) {
	t.Helper()
	Outside(t, cfg.Kernel)
	results, err := lab.GoTests(t.Context(), cfg, packages...)
	Check(t, err)
	for _, r := range results {
		if len(results) == 1 {
			report(t, r)
		} else {
			t.Run(r.Package, func(t *testing.T) { report(t, r) })
		}
	}
}

func report(t *testing.T, r *lab.TestResult) {
	t.Helper()
	for _, test := range r.Tests {
		t.Run(test.Name, func(t *testing.T) {
			switch test.Status {
			case lab.Skip:
				t.Skip(test.Output)
			case lab.Pass:
				if test.Output != "" {
					t.Log(test.Output)
				}
			default:
				t.Errorf("%s inside the lab:\n%s", test.Status, test.Output)
			}
		})
	}
	switch {
	case len(r.Tests) == 0:
		t.Errorf("%s ran no test inside the lab: exit status %d\n%s", r.Package, r.Exit, r.Output)
	case r.Exit != 0:
		t.Errorf("%s: exit status %d inside the lab; the end of its output:\n%s", r.Package, r.Exit, tail(r.Output))
	}
}

// tail returns the last part of a long text.
func tail(text string) string { return text[max(0, len(text)-4000):] }

func required() bool { return os.Getenv("DMIMG_TEST_REQUIRE") == "all" }
