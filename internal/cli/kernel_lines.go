package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// reportsOf asks for one line per target of devices; none in refs means all.
func reportsOf(ctx context.Context, ctl *kernel.Control, refs []kernel.Ref, ask func(kernel.Ref) (kernel.Report, error)) ([]kernel.Report, error) {
	var reports []kernel.Report
	err := eachDevice(ctx, ctl, refs, func(ref kernel.Ref) error {
		r, err := ask(ref)
		if err == nil {
			reports = append(reports, r)
		}
		return err
	})
	return reports, err
}

// writeReports prints the lines of devices, with their name in front unless one alone was asked for by refs. A device
// without a table is its name alone.
func writeReports(out io.Writer, refs []kernel.Ref, reports []kernel.Report, show func(tables.Line) string) error {
	var b strings.Builder
	for _, r := range reports {
		prefix := ""
		if len(refs) != 1 {
			prefix = showDevice(r.Info.Name) + ": "
			if len(r.Lines) == 0 {
				fmt.Fprintln(&b, strings.TrimSpace(prefix))
			}
		}
		for _, line := range r.Lines {
			b.WriteString(prefix + strings.TrimRight(show(line), " ") + "\n")
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// plainLine is a line with all that the kernel printed, keys included.
func plainLine(l tables.Line) string {
	return fmt.Sprintf("%d %d %s %s", l.Start, l.Length, l.Target, l.Params)
}
