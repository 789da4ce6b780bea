package cli

import (
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// anyNumber as the upper bound of [verb] allows any number of arguments.
const anyNumber = -1

// noun makes a command that only groups verbs.
func noun(name, usage string, verbs ...*urfave.Command) *urfave.Command {
	return &urfave.Command{Name: name, Usage: usage, Subcommands: verbs}
}

// verb wraps the function of a verb: it checks the number of positional arguments
// (atMost may be anyNumber) and hands over the standard streams.
func verb(atLeast, atMost int, run func(c *urfave.Context, s ui.Streams) error) urfave.ActionFunc {
	return func(c *urfave.Context) error {
		n := c.NArg()
		if n < atLeast || atMost != anyNumber && n > atMost {
			return &ui.Error{
				Code: ui.ExitWrongUse,
				Hint: "usage: " + usageLine(c.Command),
				Err:  fmt.Errorf("%s: %s", strings.TrimPrefix(c.Command.HelpName, "dmimg "), wrongCount(n, atLeast, atMost)),
			}
		}
		return run(c, ui.Streams{In: c.App.Reader, Out: c.App.Writer, Err: c.App.ErrWriter})
	}
}

func wrongCount(n, atLeast, atMost int) string {
	switch {
	case atMost == 0:
		return fmt.Sprintf("takes no arguments, got %d", n)
	case atLeast == atMost:
		return fmt.Sprintf("takes %d arguments, got %d", atLeast, n)
	case n < atLeast:
		return fmt.Sprintf("takes at least %d arguments, got %d", atLeast, n)
	default:
		return fmt.Sprintf("takes at most %d arguments, got %d", atMost, n)
	}
}

func usageLine(c *urfave.Command) string {
	line := c.HelpName
	if len(c.Subcommands) > 0 {
		line += " VERB"
	}
	if len(c.Flags) > 0 || len(c.Subcommands) > 0 {
		line += " [flags]"
	}
	if c.ArgsUsage != "" {
		line += " " + c.ArgsUsage
	}
	return line
}

func seeHelp(command string) string {
	return fmt.Sprintf("see: %s --help", command)
}
