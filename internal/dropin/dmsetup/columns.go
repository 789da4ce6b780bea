package dmsetup

import (
	"strings"
	"unicode/utf8"
)

// prefix stands in front of the names of fields with --nameprefixes.
const prefix = "DM_"

// write prints cells, one line for a row, or one for a column with --rows.
func (p *report) write(cells [][]string) {
	if len(cells) == 0 {
		return
	}
	lines := p.decorate(cells)
	if p.t.has("rows") {
		lines = transpose(lines)
	}
	separator, aligned := p.separator()
	widths := p.widths(lines, aligned)
	for i, line := range lines {
		var b strings.Builder
		heading := i == 0 && !p.t.has("noheadings")
		for j, cell := range line {
			if j > 0 {
				b.WriteString(separator)
			}
			fill := strings.Repeat(" ", max(0, widths[j]-utf8.RuneCountInString(cell)))
			if aligned && p.fields[j].numeric && !heading {
				b.WriteString(fill + cell)
			} else {
				b.WriteString(cell + fill)
			}
		}
		p.t.printf("%s\n", b.String())
	}
}

// decorate puts headings in front of the rows and prefixes in front of the cells.
func (p *report) decorate(cells [][]string) [][]string {
	var lines [][]string
	if !p.t.has("noheadings") {
		var headings []string
		for _, f := range p.fields {
			headings = append(headings, f.heading)
		}
		lines = append(lines, headings)
	}
	for _, row := range cells {
		line := append([]string(nil), row...)
		if p.t.has("nameprefixes") {
			for j, f := range p.fields {
				line[j] = prefix + strings.ToUpper(f.id) + "=" + p.quote(line[j])
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// quote puts a value between quotes, as it is: dmsetup does not escape what is in it.
func (p *report) quote(value string) string {
	if p.t.has("unquoted") {
		return value
	}
	return "'" + value + "'"
}

// separator is what stands between columns, and whether they are aligned.
func (p *report) separator() (text string, aligned bool) {
	switch {
	case p.t.has("separator"):
		return p.t.values["separator"], false
	case p.t.has("noheadings"):
		return ":", false
	}
	return " ", !p.t.has("nameprefixes") && !p.t.has("rows")
}

// widths are the widths of aligned columns, at least that of their headings.
func (p *report) widths(lines [][]string, aligned bool) []int {
	columns := 0
	for _, line := range lines {
		columns = max(columns, len(line))
	}
	widths := make([]int, columns)
	if !aligned {
		return widths
	}
	for j, f := range p.fields {
		widths[j] = f.width
		for _, line := range lines {
			widths[j] = max(widths[j], utf8.RuneCountInString(line[j]))
		}
	}
	return widths
}

func transpose(lines [][]string) [][]string {
	out := make([][]string, len(lines[0]))
	for _, line := range lines {
		for j, cell := range line {
			out[j] = append(out[j], cell)
		}
	}
	return out
}
