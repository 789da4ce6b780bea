package cli

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelTargetsCommand() *urfave.Command {
	return &urfave.Command{
		Name: "targets", Usage: "list the targets that the kernel has loaded, and their versions",
		Description: `Others may be loaded when a table names them; "target-version" tries that.`,
		Flags:       []urfave.Flag{ui.JSONFlag()},
		Action: verb(0, 0, func(c *urfave.Context, s ui.Streams) error {
			return withKernel(c, func(_ context.Context, ctl *kernel.Control) error {
				return kernelTargets(s.Out, ctl, c.Bool("json"))
			})
		}),
	}
}

func kernelTargetVersionCommand() *urfave.Command {
	return &urfave.Command{
		Name: "target-version", Usage: "print the version of a target, which is loaded if need be", ArgsUsage: "TARGET",
		Flags: []urfave.Flag{ui.JSONFlag()},
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			target := c.Args().First()
			if len(target) == 0 || len(target) > maxTargetName {
				return ui.Usagef("kernel target-version: %q is no name of a target: 1 to %d bytes", target, maxTargetName)
			}
			return withKernel(c, func(_ context.Context, ctl *kernel.Control) error {
				return kernelTargetVersion(s.Out, ctl, target, c.Bool("json"))
			})
		}),
	}
}

// maxTargetName is the kernel's limit, in bytes.
const maxTargetName = 15

// versionReport is a version in JSON; of the interface it has no name.
type versionReport struct {
	Name    string `json:"name,omitempty"`
	Version string `json:"version"`
	Major   uint32 `json:"major"`
	Minor   uint32 `json:"minor"`
	Patch   uint32 `json:"patch"`
}

func versionOf(name string, v kernel.Version) versionReport {
	return versionReport{Name: name, Version: v.String(), Major: v.Major, Minor: v.Minor, Patch: v.Patch}
}

// kernelTargets lists the targets, in the kernel's order.
func kernelTargets(out io.Writer, ctl *kernel.Control, json bool) error {
	targets, err := ctl.Targets()
	if err != nil {
		return err
	}
	if json {
		list := make([]versionReport, 0, len(targets))
		for _, t := range targets {
			list = append(list, versionOf(t.Name, t.Version))
		}
		return ui.WriteJSON(out, map[string][]versionReport{"targets": list})
	}
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, target := range targets {
		fmt.Fprintf(t, "%s\t%s\n", target.Name, target.Version)
	}
	return t.Flush()
}

// kernelTargetVersion prints the version of one target.
func kernelTargetVersion(out io.Writer, ctl *kernel.Control, target string, json bool) error {
	v, err := ctl.TargetVersion(target)
	if err != nil {
		return err
	}
	if json {
		return ui.WriteJSON(out, versionOf(v.Name, v.Version))
	}
	_, err = fmt.Fprintln(out, v.Version)
	return err
}
