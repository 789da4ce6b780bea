package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/kernel/internal/lab"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	var got []string
	for _, j := range jobs([]row{
		{pkg: "a"}, {pkg: "b", udev: withoutUdev, kernels: []string{"6.12"}}, {pkg: "c", name: "n", udev: withUdev},
	}, []string{"6.1", "6.12"}) {
		got = append(got, j.title()+" on "+j.image())
	}
	want := "a on 6.1, a on 6.1 udev, a on 6.12, a on 6.12 udev, b on 6.12, c: n on 6.1 udev, c: n on 6.12 udev"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}

// TestMatrix checks that the packages of the table exist.
func TestMatrix(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range matrix {
		if seen[r.title()] {
			t.Errorf("%s comes twice", r.title())
		}
		seen[r.title()] = true
		if info, err := os.Stat("../../../../../" + r.pkg); err != nil || !info.IsDir() {
			t.Errorf("%s: no folder of the module: %v", r.pkg, err)
		}
	}
}

func TestSummarize(t *testing.T) {
	t.Parallel()
	tests := func(exit int, status ...lab.Status) *lab.TestResult {
		r := &lab.TestResult{Exit: exit}
		for _, s := range status {
			r.Tests = append(r.Tests, lab.Test{Name: "T", Status: s, Output: "    x_test.go:1: said\n"})
		}
		return r
	}
	missing := &lab.MissingError{What: []string{"qemu"}}
	for _, c := range []struct {
		name, has string
		outcomes  []outcome
		failed    bool
	}{
		{"all passed", "lab: 1 of 1 runs passed, 0 could not start", []outcome{{result: tests(0, lab.Pass)}}, false},
		{"a test failed", "1 passed, 1 FAILED", []outcome{{result: tests(1, lab.Pass, lab.Fail)}}, true},
		{"a test did not end", "1 FAILED", []outcome{{result: tests(2, lab.Unfinished)}}, true},
		{"the program failed", "1 passed, 1 FAILED", []outcome{{result: tests(2, lab.Pass)}}, true},
		{"no test", "0 passed, 1 FAILED", []outcome{{result: tests(0)}}, true},
		{"skips are named", "skipped 2: p: T: x_test.go:1: said\n", []outcome{{result: tests(0, lab.Pass, lab.Skip, lab.Skip)}}, false},
		{"the lab failed", "ERROR", []outcome{{err: errors.New("broken")}}, true},
		{"missing", "skipped 1: missing: qemu\n", []outcome{{err: missing}}, required()},
	} {
		for i := range c.outcomes {
			c.outcomes[i].job = job{row: row{pkg: "p"}, kernel: "6.12"}
		}
		var b strings.Builder
		err := summarize(&b, c.outcomes)
		if (err != nil) != c.failed || !strings.Contains(b.String(), c.has) {
			t.Errorf("%s: %v, failure expected: %t, want %q in:\n%s", c.name, err, c.failed, c.has, b.String())
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"nonsense"}, {"test"}, {"run"}, {"full", "-only", "no such row"}, {"full", "-kernels", ""}} {
		if err := dispatch(t.Context(), args); !errors.Is(err, errUsage) {
			t.Errorf("%q: got %v, want the usage", args, err)
		}
	}
}
