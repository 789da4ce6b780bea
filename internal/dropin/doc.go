// Package dropin speaks the command lines of the reference tools: called by their
// names, the program takes their options, prints what they print and exits with
// their statuses, so that scripts written for them run unchanged.
//
//	if tool, ok := dropin.ToolOf(os.Args[0]); ok {
//		code := dropin.Run(ctx, tool, os.Args[1:], streams, bodies)
//	}
//
// The tools are listed in dropin.go; package popt is the grammar they share (options
// before or after the action, as the popt library reads them), and <tool>.go and
// <tool>_<action>.go are one tool. What the options, messages and statuses are was
// taken from the tools' manuals and found by running veritysetup 2.6.1.
//
// The package has no engine of its own: the work is done by the functions of
// [Bodies], which the command line lends it. Where a tool is unsafe its exit status
// stays and a warning goes to stderr; README.md lists what differs nevertheless.
package dropin
