// Package bench measures dmimg's engines beside other implementations of the
// same work, in one run on one machine, so that no figure stands without the
// figure it should be compared with.
//
// Two kinds of workload follow the same plan. A loop works in memory on one
// thread: its contestants take turns in slices of two milliseconds of thread CPU
// time and the best slice of each counts, which neighbours on the machine hardly
// disturb. A job is a whole command on files in the page cache: its contestants
// take turns too, and the least wall time and the least CPU time (user and
// system, from the kernel's accounting of the child) count, each by itself.
//
//	report, err := bench.Run(ctx, bench.Options{Groups: []string{"verity"}, Program: "dmimg"})
//	if err != nil {
//		return err
//	}
//	err = report.WriteText(os.Stdout)
//
// Goals stand beside what was measured, met or not. They do not gate anything: no
// test and no exit code depends on a time measured here.
package bench

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/cpuid/v2"
)

// Options says what to measure. The zero value measures everything that needs
// no program file, at a size that takes some seconds.
type Options struct {
	Groups  []string // names from [Groups]; none means all
	Program string   // the dmimg executable whose commands are measured; "" leaves the jobs out
	Size    int64    // bytes of the files that jobs work on, a multiple of [SizeUnit]; 0 means 256 MiB
	Dir     string   // where those files are made and removed; "" means the system's temporary folder
	Pairs   int      // turns of every contestant of a job, after one that does not count; 0 means 3
	Rounds  int      // slices of every contestant of a loop; 0 means 40
	// Progress is called before each workload with its name; nil means no calls.
	Progress func(workload string)
}

// Row is one contestant of one workload.
type Row struct {
	Workload       string  `json:"workload"`
	Implementation string  `json:"implementation"`
	Peer           bool    `json:"peer"`         // not ours
	Baseline       bool    `json:"baseline"`     // what the ratios of this workload refer to
	Bytes          int64   `json:"bytes"`        // payload of one turn
	WallSeconds    float64 `json:"wall_seconds"` // least of all turns; 0 for a loop
	CPUSeconds     float64 `json:"cpu_seconds"`  // least of all turns
	GBPerSecond    float64 `json:"gb_per_second"`
	WallRatio      float64 `json:"wall_ratio,omitempty"` // baseline's wall time / this one's
	CPURatio       float64 `json:"cpu_ratio,omitempty"`  // baseline's CPU time / this one's
	PeakBytes      int64   `json:"peak_bytes,omitempty"` // most memory of a command at once; 0: not measured
}

// Report is the outcome of [Run].
type Report struct {
	Date    time.Time `json:"date"`
	CPU     string    `json:"cpu"`
	Cores   int       `json:"cores"`
	OS      string    `json:"os"`
	Arch    string    `json:"arch"`
	Go      string    `json:"go_version"`
	Load    *float64  `json:"load"`   // load average of the minute before; null where the system does not say
	Size    int64     `json:"size"`   // bytes of the files that jobs worked on
	Dir     string    `json:"dir"`    // where they were
	Pairs   int       `json:"pairs"`  // turns of every contestant of a job
	Rounds  int       `json:"rounds"` // slices of every contestant of a loop
	Goals   []Goal    `json:"goals"`
	Rows    []Row     `json:"rows"`
	Missing []string  `json:"missing"` // contestants that are not on this machine, and why
}

const (
	defaultSize   = 256 << 20
	defaultPairs  = 3
	defaultRounds = 40
)

// Run measures the groups of o one after another. Concurrent calls would measure
// each other. It stops between two turns when ctx is cancelled; its files are
// removed in any case.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	report := &Report{
		Date: time.Now().UTC().Truncate(time.Second), CPU: cpuName(), Cores: runtime.GOMAXPROCS(0),
		OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(), Load: loadAverage(),
		Size: o.Size, Dir: o.Dir, Pairs: o.Pairs, Rounds: o.Rounds,
		Goals: []Goal{}, Rows: []Row{}, Missing: []string{},
	}
	for _, g := range groups() {
		if !slices.Contains(o.Groups, g.name) {
			continue
		}
		if err := g.run(ctx, &o, report); err != nil {
			return nil, fmt.Errorf("bench: group %s: %w", g.name, err)
		}
		for _, goal := range g.goals {
			report.Goals = append(report.Goals, goal.reached(report.Rows))
		}
	}
	return report, nil
}

// Groups returns the names that [Options.Groups] takes.
func Groups() []string {
	var names []string
	for _, g := range groups() {
		names = append(names, g.name)
	}
	return names
}

func (o *Options) complete() error {
	if len(o.Groups) == 0 {
		o.Groups = Groups()
	}
	for _, name := range o.Groups {
		if !slices.Contains(Groups(), name) {
			return fmt.Errorf("bench: group %q is unknown: want one of %s", name, strings.Join(Groups(), ", "))
		}
	}
	if o.Size == 0 {
		o.Size = defaultSize
	}
	if o.Size < 0 || o.Size%SizeUnit != 0 {
		return fmt.Errorf("bench: size %d bytes: not a positive multiple of %d", o.Size, SizeUnit)
	}
	if o.Pairs < 0 || o.Rounds < 0 {
		return fmt.Errorf("bench: %d pairs, %d rounds: negative", o.Pairs, o.Rounds)
	}
	if o.Pairs == 0 {
		o.Pairs = defaultPairs
	}
	if o.Rounds == 0 {
		o.Rounds = defaultRounds
	}
	if o.Dir == "" {
		o.Dir = os.TempDir()
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return nil
}

func cpuName() string {
	if name := strings.TrimSpace(cpuid.CPU.BrandName); name != "" {
		return name
	}
	return runtime.GOARCH
}
