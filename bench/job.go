package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// job is a whole command on files.
type job struct {
	name     string
	bytes    int64 // payload of one run
	turns    int   // at most so many turns of each command; 0: as many as asked for
	commands []command
	expected map[string][]string // what commands must make that no other one here makes, by command.same
}

// command is one program that does a job.
type command struct {
	name     string
	peer     bool
	baseline bool
	args     []string                    // args[0] is the program
	env      []string                    // added to the environment
	outputs  []string                    // files that the command makes; removed before each turn
	same     string                      // commands of a job with the same word here must make the same outputs
	watch    bool                        // measure its memory, which costs a little time
	before   func(context.Context) error // brings the files into the state to start from, after the removal; nil: nothing to do
}

// usage is what one turn of a command took.
type usage struct {
	wall, cpu time.Duration
	peak      int64 // most memory at once, in bytes; 0 where the system does not say
}

// measure lets the commands take turns, pairs times each after one turn whose time
// does not count: in that one their outputs are compared and their memory is
// watched.
func (j job) measure(ctx context.Context, pairs int) ([]Row, error) {
	if j.turns > 0 {
		pairs = min(pairs, j.turns)
	}
	best, err := j.firstTurn(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.name, err)
	}
	for range pairs {
		for i, c := range j.commands {
			u, err := c.run(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", j.name, err)
			}
			best[i].wall, best[i].cpu = min(best[i].wall, u.wall), min(best[i].cpu, u.cpu)
		}
	}
	return j.rows(best), nil
}

// firstTurn returns for every command its memory, and times that any other turn
// is better than.
func (j job) firstTurn(ctx context.Context) ([]usage, error) {
	var all []usage
	made := maps.Clone(j.expected)
	if made == nil {
		made = map[string][]string{}
	}
	for _, c := range j.commands {
		c.watch = true
		u, err := c.run(ctx)
		if err != nil {
			return nil, err
		}
		if err := c.compare(made); err != nil {
			return nil, err
		}
		all = append(all, usage{wall: math.MaxInt64, cpu: math.MaxInt64, peak: u.peak})
	}
	return all, nil
}

func (j job) rows(best []usage) []Row {
	var rows []Row
	for i, c := range j.commands {
		wall, cpu := best[i].wall.Seconds(), best[i].cpu.Seconds()
		rows = append(rows, Row{
			Workload: j.name, Implementation: c.name, Peer: c.peer, Baseline: c.baseline, Bytes: j.bytes,
			WallSeconds: wall, CPUSeconds: cpu, GBPerSecond: quotient(float64(j.bytes), wall) / 1e9, PeakBytes: best[i].peak,
		})
	}
	return relate(rows)
}

// run runs the command once. An error carries what the program said.
func (c command) run(ctx context.Context) (usage, error) {
	if err := c.prepare(ctx); err != nil {
		return usage{}, fmt.Errorf("%s: preparing: %w", c.name, err)
	}
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	peak, err := c.wait(cmd)
	wall := time.Since(began)
	if ctx.Err() != nil {
		return usage{}, ctx.Err()
	}
	if err != nil {
		return usage{}, fmt.Errorf("%s: %w: %s", c.name, err, strings.TrimSpace(said.String()))
	}
	return usage{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak}, nil
}

// wait starts cmd and waits for its end.
func (c command) wait(cmd *exec.Cmd) (peak int64, err error) {
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	if !c.watch {
		return 0, cmd.Wait()
	}
	stop := watchPeak(cmd.Process.Pid)
	err = cmd.Wait()
	return stop(), err
}

// prepare is what is done before the clock starts.
func (c command) prepare(ctx context.Context) error {
	for _, path := range c.outputs {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if c.before == nil {
		return nil
	}
	return c.before(ctx)
}

// compare demands the outputs that the earlier commands of the same kind made: a
// quick program that makes something else has not done the job.
func (c command) compare(made map[string][]string) error {
	if c.same == "" {
		return nil
	}
	sums, err := digestFiles(c.outputs)
	if err != nil {
		return err
	}
	if want, ok := made[c.same]; ok && !slices.Equal(sums, want) {
		return fmt.Errorf("%s: its output differs from that of the commands before it", c.name)
	}
	made[c.same] = sums
	return nil
}

// jobCounts are the values of --jobs that are measured: all cores, and one.
func jobCounts(cores int) []int {
	if cores == 1 {
		return []int{1}
	}
	return []int{cores, 1}
}

func jobsName(jobs int) string { return fmt.Sprintf("dmimg --jobs %d", jobs) }
