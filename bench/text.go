package bench

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// WriteText writes one block of aligned columns for each workload, and the goals
// behind them.
func (r *Report) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s%s\n", r.machine(), r.loadText())
	for _, rows := range r.workloads() {
		fmt.Fprintf(out, "\n%s\n", rows[0].Workload)
		writeColumns(out, table(rows))
	}
	if len(r.Goals) > 0 {
		fmt.Fprintln(out)
		writeColumns(out, r.goalTable())
	}
	for _, m := range r.Missing {
		fmt.Fprintf(out, "\nnot measured: %s\n", m)
	}
	return out.Flush()
}

// WriteMarkdown writes the report as a page with a table of the goals and one for
// each workload.
func (r *Report) WriteMarkdown(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "# Measured by `make bench`\n\n")
	fmt.Fprintf(out, "%s, %s%s.\n", r.machine(), r.Date.Format("2006-01-02"), r.loadText())
	fmt.Fprintf(out, "Files of %d MiB are in %s, cached. Best of %d turns (files) and of %d slices (in memory),\n",
		r.Size>>20, r.Dir, r.Pairs, r.Rounds)
	fmt.Fprintf(out, "all contestants of a workload taking turns. Wall times mean something on idle cores only.\n")
	fmt.Fprintf(out, "A ratio says how many times less of it this row takes than the row marked \"baseline\".\n")
	if len(r.Goals) > 0 {
		fmt.Fprintf(out, "\n## Goals\n\n")
		writeMarkdownTable(out, r.goalTable())
	}
	for _, rows := range r.workloads() {
		fmt.Fprintf(out, "\n## %s\n\n", rows[0].Workload)
		writeMarkdownTable(out, table(rows))
	}
	for _, m := range r.Missing {
		fmt.Fprintf(out, "\nNot measured: %s\n", m)
	}
	return out.Flush()
}

func (r *Report) machine() string {
	return fmt.Sprintf("%s, %d cores, %s/%s, %s", r.CPU, r.Cores, r.OS, r.Arch, r.Go)
}

// loadText continues a line about the machine, where the load is known.
func (r *Report) loadText() string {
	if r.Load == nil {
		return ""
	}
	return fmt.Sprintf(", load %.1f before", *r.Load)
}

// writeMarkdownTable takes the lines of table or goalTable.
func writeMarkdownTable(w io.Writer, lines [][]string) {
	fmt.Fprintf(w, "| %s |\n|---%s|\n", strings.Join(lines[0], " | "), strings.Repeat("|---:", len(lines[0])-1))
	for _, cells := range lines[1:] {
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
}

// table returns a line of headings and a line for each row, without the columns
// that no row of the workload fills.
func table(rows []Row) [][]string {
	all := [][]string{headings}
	for _, row := range rows {
		all = append(all, row.cells())
	}
	lines := make([][]string, len(all))
	for column := range headings {
		filled := slices.ContainsFunc(all[1:], func(cells []string) bool { return cells[column] != "" })
		for i := range all {
			if filled {
				lines[i] = append(lines[i], all[i][column])
			}
		}
	}
	return lines
}

// writeColumns pads the first column on its right and the figures on their left.
func writeColumns(w io.Writer, lines [][]string) {
	widths := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, cell := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, cells := range lines {
		fmt.Fprintf(w, "  %-*s", widths[0], cells[0])
		for i, cell := range cells[1:] {
			fmt.Fprintf(w, "   %*s", widths[i+1], cell)
		}
		fmt.Fprintln(w)
	}
}

var headings = []string{"implementation", "GB/s", "wall s", "CPU-s per GB", "wall ratio", "CPU ratio", "peak MiB"}

func (row Row) cells() []string {
	name := row.Implementation
	if row.Baseline {
		name += " (baseline)"
	}
	return []string{
		name, significant(row.GBPerSecond), significant(row.WallSeconds),
		significant(row.cpuPerByte() * 1e9), ratio(row.WallRatio), ratio(row.CPURatio),
		significant(float64(row.PeakBytes) / (1 << 20)),
	}
}

// significant prints v with three digits; nothing stands for "not measured".
func significant(v float64) string {
	switch {
	case v == 0:
		return ""
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

func ratio(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.2fx", v)
}

// workloads returns the rows by workload, in the order measured.
func (r *Report) workloads() [][]Row {
	var parts [][]Row
	for i, row := range r.Rows {
		if i == 0 || row.Workload != r.Rows[i-1].Workload {
			parts = append(parts, nil)
		}
		last := len(parts) - 1
		parts[last] = append(parts[last], row)
	}
	return parts
}
