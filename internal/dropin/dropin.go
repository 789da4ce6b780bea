package dropin

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/cryptsetup"
	"github.com/dmimg/dmimg/internal/dropin/dmsetup"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
)

// Bodies are the functions that do the work of the actions.
type Bodies struct {
	Verity     VerityBodies
	Cryptsetup cryptsetup.Bodies
	Machine    live.Machine // for the actions on live devices, cryptsetup's too
}

// tools lists the tools whose command line this package speaks itself.
var tools = map[string]func(r *run) error{
	"integritysetup": integritysetup,
	"veritysetup":    veritysetup,
}

// packages lists the tools that have a package of their own.
var packages = map[string]func(ctx context.Context, args []string, s ui.Streams, b Bodies) int{
	"cryptsetup": func(ctx context.Context, args []string, s ui.Streams, b Bodies) int {
		b.Cryptsetup.Machine = b.Machine
		return cryptsetup.Run(ctx, args, s, b.Cryptsetup)
	},
	"dmsetup": func(ctx context.Context, args []string, s ui.Streams, _ Bodies) int {
		return dmsetup.Run(ctx, args, s, dmsetup.Host{})
	},
}

// IsTool reports whether name is that of a tool.
func IsTool(name string) bool { return tools[name] != nil || packages[name] != nil }

// ToolOf returns the tool that a program called as path stands for.
func ToolOf(path string) (tool string, ok bool) {
	tool = strings.TrimSuffix(filepath.Base(path), ".exe")
	return tool, IsTool(tool)
}

// Run runs a tool (one for which [IsTool] holds) with args, the words after its
// name, and returns its exit status. Concurrent calls are safe as far as their files
// are apart.
func Run(ctx context.Context, tool string, args []string, s ui.Streams, b Bodies) int {
	if own := packages[tool]; own != nil {
		return own(ctx, args, s, b)
	}
	r := &run{ctx: ctx, tool: tool, args: args, Streams: s, bodies: b}
	err := tools[tool](r)
	r.report(err)
	code := exit.Status(err)
	if r.strict {
		code = ui.ExitCode(err)
	}
	if r.verbose && !errors.Is(err, exit.ErrUsage) {
		fmt.Fprintln(s.Out, exit.Line(exit.Status(err)))
	}
	return code
}

// run is one run of a tool.
type run struct {
	ui.Streams
	ctx    context.Context
	tool   string
	args   []string
	bodies Bodies

	verbose bool   // says on stdout how it ended
	strict  bool   // exits with the statuses of dmimg
	usage   string // printed in front of a usage error
}

// report writes what went wrong, without the name of the program, as the tools do.
func (r *run) report(err error) {
	switch {
	case err == nil, err.Error() == "": // all was said on stdout
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(r.Err, "Interrupted.")
	case errors.Is(err, exit.ErrUsage):
		fmt.Fprintf(r.Err, "%s%v\n", r.usage, err)
	default:
		fmt.Fprintf(r.Err, "%v\n", err)
	}
}

// warnf writes a warning: what the tool itself would pass over in silence.
func (r *run) warnf(format string, args ...any) {
	fmt.Fprintf(r.Err, "%s: warning: %s\n", r.tool, fmt.Sprintf(format, args...))
}
