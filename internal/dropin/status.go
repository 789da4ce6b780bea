package dropin

import (
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/popt"
)

// deviceError reports a device that cannot be used.
func deviceError(path, what string) error { return exit.Devicef("Device %s %s.", path, what) }

// parse reads the command line of a tool.
func parse(options []popt.Option, args []string) (*popt.Line, error) {
	c, err := popt.Parse(options, args)
	if err != nil {
		return nil, exit.Usagef("%v", err)
	}
	return c, nil
}
