package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	urfave "github.com/urfave/cli/v2"
)

// printHelp writes the help of the program, a noun or a verb.
func printHelp(w io.Writer, app *urfave.App, path []*urfave.Command) error {
	p := plan{path: path}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	usage, description, commands := app.Usage, "", app.Commands
	line := "NOUN VERB [flags] [arguments]"
	var flags []urfave.Flag
	if len(path) > 0 {
		c := path[len(path)-1]
		usage, description, commands, flags = c.Usage, c.Description, c.Subcommands, c.Flags
		line = strings.TrimSpace(strings.TrimPrefix(usageLine(c), c.HelpName))
	}
	fmt.Fprintf(t, "%s - %s\n\nusage: %s %s\n", p.name(), usage, p.name(), line)
	if description != "" {
		fmt.Fprintf(t, "\n%s\n", strings.TrimSpace(description))
	}
	if len(commands) > 0 {
		fmt.Fprintf(t, "\ncommands:\n")
		for _, c := range commands {
			if !c.Hidden {
				fmt.Fprintf(t, "  %s\t%s\n", strings.Join(c.Names(), ", "), c.Usage)
			}
		}
	}
	printFlags(t, flags)
	if len(path) == 0 {
		fmt.Fprint(t, generalHelp)
	}
	return t.Flush()
}

const generalHelp = `
flags may stand anywhere; -- ends them. every command answers --help.
called as cryptsetup, dmsetup, integritysetup or veritysetup, or with that as the first word, it is that tool.
sizes take the suffixes S (512-byte sectors), K M G T or KiB ... (1024), KB ... (1000).
exit status: 0 done, 1 failed, 2 wrong use, 3 the data is corrupt, 4 wrong passphrase or key.
`

func printFlags(w io.Writer, flags []urfave.Flag) {
	fmt.Fprintf(w, "\nflags:\n")
	for _, f := range flags {
		doc, ok := f.(urfave.DocGenerationFlag)
		if v, hides := f.(urfave.VisibleFlag); !ok || hides && !v.IsVisible() {
			continue
		}
		var names []string
		for _, n := range f.Names() {
			names = append(names, dashed(n))
		}
		value, usage := placeholder(doc.GetUsage())
		if !doc.TakesValue() {
			value = ""
		} else if value == "" {
			value = "VALUE"
		}
		fmt.Fprintf(w, "  %s\t%s\n", strings.TrimSpace(strings.Join(names, ", ")+" "+value), usage)
	}
	fmt.Fprintf(w, "  --help, -h\tshow this\n")
}

// placeholder takes the `NAME` of a flag's value out of its usage text.
func placeholder(usage string) (name, text string) {
	before, rest, found := strings.Cut(usage, "`")
	name, after, closed := strings.Cut(rest, "`")
	if !found || !closed {
		return "", usage
	}
	return name, before + name + after
}

// printVersion writes the version that the build recorded.
func printVersion(w io.Writer) error {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	_, err := fmt.Fprintf(w, "dmimg %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
