package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab"
)

// jobTimeout bounds one job of "lab full": the longest takes eight minutes on an idle machine.
const jobTimeout = 40 * time.Minute

// smoke shows that the lab works: a kernel, device-mapper, a tool, a mapping.
func smoke(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("lab smoke", flag.ContinueOnError)
	kernel := set.String("kernel", lab.DefaultKernel, "kernel: "+strings.Join(lab.Kernels(), ", "))
	if err := set.Parse(args); err != nil {
		return err
	}
	start := time.Now()
	r, err := lab.GoTests(ctx, lab.Config{Kernel: *kernel, Tools: []string{"dmsetup"}}, lab.TestPackage{
		Package: module + "/" + selftest, Args: []string{"-test.run=TestKernel|TestControl|TestTargets|TestLinear"},
		Env: []string{"DMIMG_LAB_WANT=" + *kernel},
	})
	if err != nil {
		return err
	}
	fmt.Print(r[0].Output)
	passed, failed, skipped := r[0].Count()
	fmt.Printf("lab: Linux %s: %d passed, %d failed, %d skipped in %v (image %v, boot %v)\n", r[0].Guest.Release,
		passed, failed, skipped, round(time.Since(start)), round(r[0].Guest.Prepare), round(r[0].Guest.Boot))
	if r[0].Exit != 0 || passed == 0 || skipped > 0 {
		return errFailed
	}
	return nil
}

// test runs the tests of one package inside.
func test(ctx context.Context, args []string) error {
	var cfg lab.Config
	set, parse := machineFlags("test", &cfg)
	if err := parse(args); err != nil {
		return err
	}
	if set.NArg() == 0 {
		return errUsage
	}
	r, err := lab.GoTest(ctx, cfg, set.Arg(0), set.Args()[1:]...)
	if err != nil {
		return err
	}
	fmt.Print(r.Output)
	fmt.Printf("lab: Linux %s: %s: exit status %d after %v\n", r.Guest.Release, r.Package, r.Exit, round(r.Elapsed))
	if r.Exit != 0 {
		return errFailed
	}
	return nil
}

// outcome is what became of a job.
type outcome struct {
	job
	result *lab.TestResult
	err    error
}

// full runs the matrix.
func full(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("lab full", flag.ContinueOnError)
	kernels := set.String("kernels", strings.Join(lab.Kernels(), ","), "kernels, with commas between")
	only := set.String("only", "", "only rows with this text in their names")
	artifacts := set.String("artifacts", "", "folder that gets a folder of what each run leaves: matrices, transcripts, figures")
	verbose := set.Bool("v", false, "print what all tests write")
	if err := set.Parse(args); err != nil {
		return err
	}
	rows := slices.DeleteFunc(slices.Clone(matrix), func(r row) bool { return !strings.Contains(r.title(), *only) })
	all := jobs(rows, list(*kernels))
	if len(all) == 0 {
		return errUsage
	}
	for i := range all {
		all[i].artifacts = all[i].folder(*artifacts)
	}
	outcomes := runJobs(ctx, all, func(o outcome) { progress(o, *verbose) })
	return summarize(os.Stdout, outcomes)
}

// runJobs runs as many jobs at once as there are processors, and calls done after
// each.
func runJobs(ctx context.Context, all []job, done func(outcome)) []outcome {
	outcomes := make([]outcome, len(all))
	var workers sync.WaitGroup
	var printing sync.Mutex
	next := make(chan int)
	for range min(runtime.NumCPU(), len(all)) {
		workers.Go(func() {
			for i := range next {
				cfg, pkg := all[i].config()
				o := outcome{job: all[i]}
				results, err := lab.GoTests(ctx, cfg, pkg)
				if o.err = err; err == nil {
					o.result = results[0]
				}
				outcomes[i] = o
				printing.Lock()
				done(o)
				printing.Unlock()
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	workers.Wait()
	return outcomes
}

// folder is the job's own below dir.
func (j job) folder(dir string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, strings.NewReplacer("/", "-", ": ", "-", " ", "-").Replace(j.title()+"-"+j.image()))
}

// image names the kernel and whether udev runs.
func (j job) image() string {
	if j.udev {
		return j.kernel + " udev"
	}
	return j.kernel
}

// passed reports whether a job did what it should: tests ran, and none failed.
func (o outcome) passed() bool {
	if o.err != nil || o.result.Exit != 0 {
		return false
	}
	n, failed, _ := o.result.Count()
	return n > 0 && failed == 0
}

// String is the cell of the job in the table.
func (o outcome) String() string {
	switch {
	case errors.Is(o.err, lab.ErrMissing):
		return "missing"
	case o.err != nil:
		return "ERROR"
	}
	passed, failed, skipped := o.result.Count()
	text := fmt.Sprintf("%d passed", passed)
	if failed > 0 || !o.passed() {
		text += fmt.Sprintf(", %d FAILED", max(failed, 1))
	}
	if skipped > 0 {
		text += fmt.Sprintf(", %d skipped", skipped)
	}
	return text
}

// progress prints a job that is over, and why it failed.
func progress(o outcome, verbose bool) {
	fmt.Printf("--- %s on %s: %s\n", o.title(), o.image(), o)
	switch {
	case o.err != nil:
		fmt.Println(o.err)
	case verbose:
		fmt.Print(o.result.Output)
	case !o.passed():
		for _, t := range o.result.Tests {
			if t.Status == lab.Fail || t.Status == lab.Unfinished {
				fmt.Printf("%s: %s\n%s", t.Name, t.Status, t.Output)
			}
		}
		if len(o.result.Tests) == 0 {
			fmt.Print(o.result.Output)
		}
	}
	if o.err == nil && o.show != "" && !verbose {
		for _, t := range o.result.Tests {
			if t.Name == o.show && t.Status == lab.Pass {
				fmt.Print(t.Output)
			}
		}
	}
}

// summarize prints the table of all jobs and the reasons of what was skipped.
func summarize(w io.Writer, outcomes []outcome) error {
	columns := map[string]bool{}
	cells := map[string]map[string]outcome{}
	var packages []string
	for _, o := range outcomes {
		columns[o.image()] = true
		if cells[o.title()] == nil {
			cells[o.title()] = map[string]outcome{}
			packages = append(packages, o.title())
		}
		cells[o.title()][o.image()] = o
	}
	var images []string
	for _, kernel := range lab.Kernels() {
		for _, image := range []string{kernel, kernel + " udev"} {
			if columns[image] {
				images = append(images, image)
			}
		}
	}
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(table, "package\t%s\n", strings.Join(images, "\t"))
	for _, pkg := range packages {
		fmt.Fprint(table, pkg)
		for _, image := range images {
			cell := "-"
			if o, ok := cells[pkg][image]; ok {
				cell = o.String()
			}
			fmt.Fprint(table, "\t", cell)
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return conclude(w, outcomes)
}

// conclude prints what was skipped and why, and returns whether the run failed.
func conclude(w io.Writer, outcomes []outcome) error {
	reasons := map[string]int{}
	failed, missing := 0, 0
	for _, o := range outcomes {
		switch {
		case errors.Is(o.err, lab.ErrMissing):
			missing++
			reasons[o.err.Error()]++
		case !o.passed():
			failed++
		}
		if o.result == nil {
			continue
		}
		for _, t := range o.result.Tests {
			if t.Status == lab.Skip {
				reasons[o.title()+": "+t.Name+": "+strings.Join(strings.Fields(t.Output), " ")]++
			}
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(w, "skipped %d: %s\n", reasons[reason], reason)
	}
	if failed > 0 || missing > 0 && required() {
		fmt.Fprintf(w, "lab: FAILED: %d of %d runs failed, %d could not start\n", failed, len(outcomes), missing)
		return errFailed
	}
	fmt.Fprintf(w, "lab: %d of %d runs passed, %d could not start\n", len(outcomes)-missing, len(outcomes), missing)
	return nil
}
