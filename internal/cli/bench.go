package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/dmimg/dmimg/bench"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// benchAll is the argument that stands for every group.
const benchAll = "all"

func benchCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "bench",
		Usage:     "measure this machine: dmimg beside every peer found on it",
		ArgsUsage: "[" + strings.Join(append(bench.Groups(), benchAll), "|") + "]",
		Flags: []urfave.Flag{
			ui.SizeFlag("size", "`BYTES` of the files that commands work on, a multiple of 1 MiB (default: 256 MiB)"),
			&urfave.IntFlag{Name: "pairs", Usage: "`NUMBER` of turns of every command (default: 3)"},
			&urfave.IntFlag{Name: "rounds", Usage: "`NUMBER` of 2 ms slices of every loop in memory (default: 40)"},
			&urfave.StringFlag{Name: "dir", Usage: "make the files in `FOLDER` (default: the temporary one)"},
			&urfave.StringFlag{Name: "svg", Usage: "draw the figures in `FILE`"},
			&urfave.StringFlag{Name: "markdown", Usage: "write the figures as a table to `FILE`"},
			ui.JSONFlag(),
			ui.ForceFlag(),
			ui.ProgressFlag(),
		},
		Action: verb(0, 1, func(c *urfave.Context, s ui.Streams) error {
			b, err := benchOf(c, s.Err)
			if err != nil {
				return err
			}
			return b.run(c.Context, s.Out)
		}),
	}
}

// benchRun is a parsed "dmimg bench".
type benchRun struct {
	options       bench.Options
	json          bool
	svg, markdown string // files to write; "": none
	force         bool
}

func benchOf(c *urfave.Context, stderr io.Writer) (*benchRun, error) {
	b := &benchRun{
		options: bench.Options{
			Size: ui.SizeOf(c, "size", 0), Dir: c.String("dir"), Pairs: c.Int("pairs"), Rounds: c.Int("rounds"),
			Progress: benchProgress(stderr, ui.ProgressOf(c)),
		},
		json: c.Bool("json"), svg: c.String("svg"), markdown: c.String("markdown"), force: c.Bool("force"),
	}
	if group := c.Args().First(); group != "" && group != benchAll {
		if !slices.Contains(bench.Groups(), group) {
			return nil, ui.Usagef("bench %q: want %s or %s", group, strings.Join(bench.Groups(), ", "), benchAll)
		}
		b.options.Groups = []string{group}
	}
	if c.IsSet("size") && (b.options.Size <= 0 || b.options.Size%bench.SizeUnit != 0) {
		return nil, ui.Usagef("--size %d: a positive multiple of %s", b.options.Size, ui.FormatSize(bench.SizeUnit))
	}
	for _, name := range []string{"pairs", "rounds"} {
		if c.IsSet(name) && c.Int(name) < 1 {
			return nil, ui.Usagef("--%s %d: at least 1", name, c.Int(name))
		}
	}
	program, err := os.Executable()
	if err != nil {
		return nil, ui.Failf("bench: finding this program's own file: %w", err)
	}
	b.options.Program = program
	return b, nil
}

func (b *benchRun) run(ctx context.Context, stdout io.Writer) (err error) {
	svg, err := b.create(b.svg) // before minutes of work
	if err != nil {
		return err
	}
	defer closeBench(svg, &err)
	markdown, err := b.create(b.markdown)
	if err != nil {
		return err
	}
	defer closeBench(markdown, &err)
	report, err := bench.Run(ctx, b.options)
	if err != nil {
		return err
	}
	var targets []ui.Target
	if svg != nil {
		err = errors.Join(err, report.WriteSVG(svg))
		targets = append(targets, svg)
	}
	if markdown != nil {
		err = errors.Join(err, report.WriteMarkdown(markdown))
		targets = append(targets, markdown)
	}
	if err != nil {
		return err
	}
	if b.json {
		err = ui.WriteJSON(stdout, report)
	} else {
		err = report.WriteText(stdout)
	}
	return errors.Join(err, ui.CommitAll(targets...))
}

// create starts an output file; none is asked for with "".
func (b *benchRun) create(path string) (*ui.Output, error) {
	if path == "" {
		return nil, nil
	}
	return ui.CreateOutput(path, ui.OutputOptions{Force: b.force})
}

func closeBench(out *ui.Output, err *error) {
	if out != nil {
		*err = errors.Join(*err, out.Close())
	}
}

// benchProgress names each workload on stderr, where progress is wanted.
func benchProgress(stderr io.Writer, mode ui.ProgressMode) func(string) {
	if mode == ui.ProgressAuto {
		file, ok := stderr.(*os.File)
		if !ok || !term.IsTerminal(int(file.Fd())) {
			return nil
		}
	}
	switch mode {
	case ui.ProgressNever:
		return nil
	case ui.ProgressJSON:
		return func(workload string) { fmt.Fprintf(stderr, "{\"measuring\":%q}\n", workload) }
	}
	return func(workload string) { fmt.Fprintf(stderr, "dmimg: measuring %s\n", workload) }
}
