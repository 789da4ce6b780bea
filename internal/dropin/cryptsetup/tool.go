package cryptsetup

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/dropin/popt"
)

// Bodies are what the command line lends.
type Bodies struct {
	// Dump prints a header as luksDump does; path is what LUKS1 names in the first line.
	Dump func(w io.Writer, path string, h *luks.Header) error

	// MakeIntegrity makes the tags of the data, and the data zeros, after a header was made.
	MakeIntegrity func(ctx context.Context, s ui.Streams, i Integrity) error

	Machine live.Machine // for the actions on live devices
}

// Integrity is a device whose sectors shall carry tags. Everything in it is the caller's.
type Integrity struct {
	Path          string // of the device with the data
	Data          luks.Storage
	Header        *luks.Header
	Key           *luks.Key
	LegacyPadding bool // lay out tags as old kernels do
	NoWipe        bool // leave data and tags as they are: sectors are errors until they are written
	Progress      ui.ProgressMode
}

// name is what the tool is called.
const name = "cryptsetup"

// run is one run of the tool.
type run struct {
	ui.Streams
	*popt.Line
	ctx    context.Context
	bodies Bodies

	kind    string // --type, or what an alias stands for; "": not given
	verbose bool
	usage   string // printed in front of a usage error
}

// Run runs cryptsetup with args, the words after its name, and returns its exit status.
// Data and what is asked go to s.Out, complaints to s.Err; passphrases come from s.In,
// which is a terminal or not. Concurrent calls are safe as far as their files are apart.
func Run(ctx context.Context, args []string, s ui.Streams, b Bodies) int {
	r := &run{Streams: s, ctx: ctx, bodies: b, usage: popt.Usage(name, options)}
	err := r.main(args)
	r.report(err)
	if r.verbose && !errors.Is(err, exit.ErrUsage) {
		fmt.Fprintln(s.Out, exit.Line(exit.Status(err)))
	}
	if r.Line != nil && r.Has("strict-exit") {
		return ui.ExitCode(err)
	}
	return exit.Status(err)
}

// report writes what went wrong, without the name of the program, as cryptsetup does.
func (r *run) report(err error) {
	switch {
	case err == nil, err.Error() == "":
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(r.Err, "Interrupted.")
	case errors.Is(err, exit.ErrUsage):
		fmt.Fprintf(r.Err, "%s%v\n", r.usage, err)
	default:
		fmt.Fprintln(r.Err, err)
	}
}

// main reads the command line and does what it says.
func (r *run) main(args []string) (err error) {
	if r.Line, err = popt.Parse(options, args); err != nil {
		return wrongWord(err)
	}
	if err := r.checkValues(); err != nil {
		return err
	}
	if r.Stop != "" {
		r.explain()
		return nil
	}
	a, err := r.action()
	if err != nil {
		return err
	}
	r.verbose = r.Has("verbose") || r.Has("debug") || r.Has("debug-json")
	if r.Has("test-args") {
		r.printf("No action taken. Invoked with --test-args option.\n")
		r.verbose = false
		return nil
	}
	return a.do(r)
}

// wrongWord is a word that is not understood: cryptsetup does not name a wrong number.
func wrongWord(err error) error {
	if e := (*popt.Error)(nil); errors.As(err, &e) && e.What == popt.ErrNumber {
		return usagef("%s", popt.ErrNumber)
	}
	return exit.Usagef("%v", err)
}

// usagef reports a command line that is not understood, under the name of the tool.
func usagef(format string, args ...any) error {
	return exit.Usagef("%s: %s", name, fmt.Sprintf(format, args...))
}

// printf writes data, or what is said on stdout.
func (r *run) printf(format string, args ...any) { fmt.Fprintf(r.Out, format, args...) }

// sayf says something that --verbose wants to know.
func (r *run) sayf(format string, args ...any) {
	if r.verbose {
		r.printf(format+"\n", args...)
	}
}

// complainf writes words that do not end the run.
func (r *run) complainf(format string, args ...any) { fmt.Fprintf(r.Err, format+"\n", args...) }

// word is the i-th argument of the action, "" if it is not there.
func (r *run) word(i int) string {
	if i >= len(r.Words) {
		return ""
	}
	return r.Words[i]
}
