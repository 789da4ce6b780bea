package cli

import (
	"context"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin"
)

// nouns lists the commands in the order in which help shows them. Each returns
// fresh values, because the flag parser writes into them.
func nouns() []*urfave.Command {
	return []*urfave.Command{
		inspectCommand(),
		verityCommand(),
		cryptCommand(),
		luksCommand(),
		tableCommand(),
		integrityCommand(),
		volumeCommand(),
		kernelCommand(),
		benchCommand(),
		completionCommand(),
	}
}

// Main is [Run] for a whole argument list, the program's name included: called by the
// name of a tool that package dropin knows, the program is that tool.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		return Run(ctx, nil, stdin, stdout, stderr)
	}
	if tool, ok := dropin.ToolOf(args[0]); ok {
		return dropin.Run(ctx, tool, args[1:], ui.Streams{In: stdin, Out: stdout, Err: stderr}, dropinBodies())
	}
	return Run(ctx, args[1:], stdin, stdout, stderr)
}

// dropinBodies lends package dropin, which cannot import this one, the functions of
// our verbs.
func dropinBodies() dropin.Bodies {
	return dropin.Bodies{Verity: verityBodies{}, Cryptsetup: luksBodies()}
}

// Run runs the program with args (without the program's name) and returns its
// exit status. It writes data to stdout and words to stderr, reads stdin only
// where "-" stands for it, and removes unfinished outputs when ctx is cancelled.
// Concurrent calls are safe as far as their files are apart. A first argument that is
// a tool of package dropin makes the rest that tool's command line.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s := ui.Streams{In: stdin, Out: stdout, Err: stderr}
	if len(args) > 0 && dropin.IsTool(args[0]) {
		return dropin.Run(ctx, args[0], args[1:], s, dropinBodies())
	}
	err := run(ctx, args, s)
	ui.Report(stderr, err)
	return ui.ExitCode(err)
}

func run(ctx context.Context, args []string, s ui.Streams) error {
	app := newApp(s)
	plan, err := arrange(app, args)
	if err != nil {
		return err
	}
	switch {
	case plan.complete:
		return printCompletions(s.Out, app, plan)
	case plan.help:
		return printHelp(s.Out, app, plan.path)
	case plan.version:
		return printVersion(s.Out)
	}
	return app.RunContext(ctx, plan.args)
}

func newApp(s ui.Streams) *urfave.App {
	return &urfave.App{
		Name:                      "dmimg",
		Usage:                     "read, make, check and copy block images that Linux describes with device-mapper tables",
		Reader:                    s.In,
		Writer:                    s.Out,
		ErrWriter:                 s.Err,
		Commands:                  plain(nouns()),
		HideHelp:                  true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		OnUsageError:              usageError,
		ExitErrHandler:            func(*urfave.Context, error) {}, // Run reports, main exits
	}
}

// plain switches off what the framework would add to every command: help flags
// and help commands of its own, which are shared between calls.
func plain(commands []*urfave.Command) []*urfave.Command {
	for _, c := range commands {
		c.HideHelp = true
		c.OnUsageError = usageError
		plain(c.Subcommands)
	}
	return commands
}

// usageError turns what the flag parser says about a value into wrong use.
func usageError(c *urfave.Context, err error, _ bool) error {
	return &ui.Error{Code: ui.ExitWrongUse, Hint: seeHelp(c.Command.HelpName), Err: err}
}
