package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// job is a whole command on files.
type job struct {
	name     string
	bytes    int64 // payload of one run
	commands []command
}

// command is one program that does a job.
type command struct {
	name     string
	peer     bool
	baseline bool
	args     []string // args[0] is the program
	env      []string // added to the environment
	outputs  []string // files that the command makes; removed before each turn
	same     string   // commands of a job with the same word here must make the same outputs[0]
}

// usage is what one turn of a command took.
type usage struct{ wall, cpu time.Duration }

// measure lets the commands take turns, pairs times each after one turn that
// does not count.
func (j job) measure(ctx context.Context, pairs int) ([]Row, error) {
	best := make([]usage, len(j.commands))
	made := map[string][]byte{} // digest of the output, by command.same
	for n := range pairs + 1 {
		for i, c := range j.commands {
			u, err := c.run(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", j.name, err)
			}
			switch n {
			case 0:
				err = c.compare(made)
			case 1:
				best[i] = u
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", j.name, err)
			}
			best[i] = usage{min(best[i].wall, u.wall), min(best[i].cpu, u.cpu)}
		}
	}
	var rows []Row
	for i, c := range j.commands {
		wall, cpu := best[i].wall.Seconds(), best[i].cpu.Seconds()
		rows = append(rows, Row{
			Workload: j.name, Implementation: c.name, Peer: c.peer, Baseline: c.baseline, Bytes: j.bytes,
			WallSeconds: wall, CPUSeconds: cpu, GBPerSecond: quotient(float64(j.bytes), wall) / 1e9,
		})
	}
	return relate(rows), nil
}

// run runs the command once. An error carries what the program said.
func (c command) run(ctx context.Context) (usage, error) {
	for _, path := range c.outputs {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return usage{}, err
		}
	}
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	err := cmd.Run()
	wall := time.Since(began)
	if ctx.Err() != nil {
		return usage{}, ctx.Err()
	}
	if err != nil {
		return usage{}, fmt.Errorf("%s: %w: %s", c.name, err, strings.TrimSpace(said.String()))
	}
	return usage{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}

// compare demands the output that the earlier commands of the same kind made: a
// quick program that makes something else has not done the job.
func (c command) compare(made map[string][]byte) error {
	if c.same == "" {
		return nil
	}
	sum, err := digestFile(c.outputs[0])
	if err != nil {
		return err
	}
	if want, ok := made[c.same]; ok && !bytes.Equal(sum, want) {
		return fmt.Errorf("%s: its output differs from that of the commands before it", c.name)
	}
	made[c.same] = sum
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
