package ui

import (
	"fmt"
	"runtime"
	"strconv"

	urfave "github.com/urfave/cli/v2"
)

// size is a flag value in bytes that knows whether it was given.
type size struct {
	bytes int64
	text  string
}

// Set parses text as [ParseSize] does.
func (s *size) Set(text string) error {
	n, err := ParseSize(text)
	if err != nil {
		return err
	}
	s.bytes, s.text = n, text
	return nil
}

// String returns the text as given.
func (s *size) String() string { return s.text }

// SizeFlag makes a flag that takes a size in bytes, read back with [SizeOf].
func SizeFlag(name, usage string, aliases ...string) urfave.Flag {
	return &urfave.GenericFlag{Name: name, Aliases: aliases, Usage: usage, Value: new(size)}
}

// SizeOf returns the bytes given for a [SizeFlag], or def when it was not given.
func SizeOf(c *urfave.Context, name string, def int64) int64 {
	if s, ok := c.Generic(name).(*size); ok && c.IsSet(name) {
		return s.bytes
	}
	return def
}

// JSONFlag is --json.
func JSONFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "json", Usage: "print one JSON document"}
}

// ForceFlag is --force.
func ForceFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "force", Usage: "overwrite what exists"}
}

// ProgressFlag is --progress; its value goes to [NewProgress].
func ProgressFlag() urfave.Flag {
	return &urfave.GenericFlag{
		Name: "progress", Usage: "`WHEN` to show progress on stderr: auto, always, never or json",
		Value: &progressValue{mode: ProgressAuto},
	}
}

// ProgressOf returns the mode given with [ProgressFlag].
func ProgressOf(c *urfave.Context) ProgressMode {
	if v, ok := c.Generic("progress").(*progressValue); ok {
		return v.mode
	}
	return ProgressAuto
}

type progressValue struct{ mode ProgressMode }

// Set accepts the four words.
func (v *progressValue) Set(text string) error {
	switch m := ProgressMode(text); m {
	case ProgressAuto, ProgressAlways, ProgressNever, ProgressJSON:
		v.mode = m
		return nil
	}
	return fmt.Errorf("%q is none of auto, always, never, json", text)
}

// String returns the word.
func (v *progressValue) String() string { return string(v.mode) }

// JobsFlag is --jobs; its value is read with [JobsOf].
func JobsFlag() urfave.Flag {
	return &urfave.GenericFlag{
		Name: "jobs", Usage: "use `N` cores (default: all, " + strconv.Itoa(runtime.GOMAXPROCS(0)) + " here)",
		Value: new(jobs),
	}
}

// JobsOf returns the number given with [JobsFlag]; 0 means all cores.
func JobsOf(c *urfave.Context) int {
	if j, ok := c.Generic("jobs").(*jobs); ok {
		return int(*j)
	}
	return 0
}

// maxJobs bounds --jobs: more workers only cost memory.
const maxJobs = 1024

type jobs int

// Set accepts 1 to maxJobs.
func (j *jobs) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxJobs {
		return fmt.Errorf("%q is not a number from 1 to %d", text, maxJobs)
	}
	*j = jobs(n)
	return nil
}

// String returns the number, or nothing for "all".
func (j *jobs) String() string {
	if j == nil || *j == 0 {
		return ""
	}
	return strconv.Itoa(int(*j))
}
