package bench

import (
	"context"
	"strconv"
)

// fecJobs make trees with parity: beside veritysetup, on a part of the file since a
// GiB takes it up to a minute of CPU time, and beside our own trees without parity,
// on all of it.
func fecJobs(ctx context.Context, f *files) ([]job, error) {
	data, err := f.random(ctx, "data", f.size)
	if err != nil {
		return nil, err
	}
	quarter, err := f.random(ctx, "data.quarter", f.part(4))
	if err != nil {
		return nil, err
	}
	eighth, err := f.random(ctx, "data.eighth", f.part(8))
	if err != nil {
		return nil, err
	}
	tools := verityTools(ctx, f, canFEC)
	hash, parity := f.path("hash"), f.path("parity")
	jobs := []job{
		{name: formatFEC2, bytes: f.part(4), turns: 3, commands: formatsFEC(tools, quarter, hash, parity, 2)},
		{name: formatFEC24, bytes: f.part(8), turns: 3, commands: formatsFEC(tools, eighth, hash, parity, 24)},
	}
	both := job{name: formatBoth, bytes: f.size}
	for _, w := range []struct {
		name  string
		roots int
	}{{withoutFEC, 0}, {withFEC2, 2}, {withFEC24, 24}} {
		ours := dmimgVerity(f, f.cores)
		ours.name, ours.baseline = w.name, w.roots == 0
		c := ours.format(data, []string{hash})
		if w.roots != 0 {
			c = ours.formatFEC(data, hash, parity, w.roots)
		}
		both.commands = append(both.commands, c)
	}
	return append(jobs, both), nil
}

func formatsFEC(tools []verityTool, data, hash, parity string, roots int) []command {
	var commands []command
	for _, t := range tools {
		commands = append(commands, t.formatFEC(data, hash, parity, roots))
	}
	return commands
}

// formatFEC is format with parity in a file of its own.
func (t verityTool) formatFEC(data, hash, parity string, roots int) command {
	c := t.format(data, []string{hash, parity}, "--fec-device="+parity, "--fec-roots="+strconv.Itoa(roots))
	c.same = "tree and parity, " + strconv.Itoa(roots)
	return c
}
