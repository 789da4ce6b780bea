package bench

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
)

// Measures of the chart, in pixels.
const (
	svgWidth     = 860
	svgMargin    = 16
	svgLabels    = 270 // column of names
	svgFigures   = 150 // column of figures
	svgRow       = 20
	svgBar       = 12
	svgHeading   = 36
	svgBarLength = svgWidth - 2*svgMargin - svgLabels - svgFigures
)

// svgColumns are where the columns of the goals are: the left edge of the first
// and of the last, the right edges of those between.
var svgColumns = [...]int{svgMargin + 8, 580, 660, 740, 756}

// svgStyle has the colours for a light and for a dark page. The picture has its
// own background, so that it is readable on either whatever the reader's program
// makes of the second set.
const svgStyle = `<style>
.back{fill:#ffffff}.text{fill:#1f2328}.dim{fill:#59636e}.ours{fill:#2a6f97}.peer{fill:#afb8c1}
.required{stroke:#bc4c00;stroke-width:2}.stretch{stroke:#bc4c00;stroke-width:2;stroke-dasharray:2 2}
.missed{fill:#bc4c00}.reached{fill:#1a7f37}
@media (prefers-color-scheme:dark){
.back{fill:#0d1117}.text{fill:#e6edf3}.dim{fill:#9198a1}.ours{fill:#58a6d6}.peer{fill:#5b646e}
.required,.stretch{stroke:#f0883e}.missed{fill:#f0883e}.reached{fill:#3fb950}}
</style>
`

// WriteSVG draws the goals and what was measured, and below them a bar for every
// row, each workload on its own scale: how many times less CPU time the row takes
// than the baseline or, without one, GB/s. Marks on a bar of ours are what the
// goals ask of it. The same report gives the same picture.
func (r *Report) WriteSVG(w io.Writer) error {
	var c svgChart
	c.y = svgMargin + svgRow/2
	c.text(svgMargin, c.y, "dim", "start", "Measured on "+r.machine()+r.loadText())
	c.y += svgRow
	c.text(svgMargin, c.y, "dim", "start", "Bars: how many times less CPU time than the baseline. Marks: required, and dotted, the stretch.")
	c.goals(r.Goals)
	for _, rows := range r.workloads() {
		c.workload(rows, r.Goals)
	}
	height := c.y + svgMargin
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" font-family="sans-serif" font-size="13">`+"\n",
		svgWidth, height)
	fmt.Fprintf(&out, "<title>dmimg beside its peers, measured on %s</title>\n%s", escape(r.CPU), svgStyle)
	fmt.Fprintf(&out, `<rect class="back" width="%d" height="%d"/>`+"\n", svgWidth, height)
	out.Write(c.body.Bytes())
	out.WriteString("</svg>\n")
	_, err := out.WriteTo(w)
	return err
}

// svgChart is a chart down to y.
type svgChart struct {
	body bytes.Buffer
	y    int
}

// goals draws the goals as a table.
func (c *svgChart) goals(goals []Goal) {
	if len(goals) == 0 {
		return
	}
	c.heading(goalHeadings[0])
	for i, name := range goalHeadings[1:] {
		c.text(svgColumns[i+1], c.y-8, "dim", anchor(i+1), name)
	}
	for _, g := range goals {
		for i, cell := range g.cells() {
			class := "text"
			if i == len(svgColumns)-1 {
				class = verdictClass(g.Verdict)
			}
			c.text(svgColumns[i], c.y+svgBar-2, class, anchor(i), cell)
		}
		c.y += svgRow
	}
}

func anchor(column int) string {
	if column == 0 || column == len(svgColumns)-1 {
		return "start"
	}
	return "end"
}

func verdictClass(verdict string) string {
	switch verdict {
	case VerdictMet, VerdictStretch:
		return "reached"
	case VerdictNotMet:
		return "missed"
	}
	return "dim"
}

// workload draws the bars of one workload.
func (c *svgChart) workload(rows []Row, goals []Goal) {
	marks := marksOf(rows, goals)
	most := 0.0
	for _, row := range rows {
		most = max(most, barOf(row))
		for _, m := range marks[row.Implementation] {
			most = max(most, m.at)
		}
	}
	c.heading(rows[0].Workload)
	for _, row := range rows {
		c.row(row, marks[row.Implementation], most)
	}
}

// barOf is what the bar of a row shows.
func barOf(row Row) float64 {
	if row.CPURatio != 0 {
		return row.CPURatio
	}
	return row.GBPerSecond
}

// svgMark is what a goal asks of a bar.
type svgMark struct {
	class string
	at    float64
}

// marksOf returns the marks on the bars, by implementation: those of the goals
// that compare CPU time with the baseline.
func marksOf(rows []Row, goals []Goal) map[string][]svgMark {
	marks := map[string][]svgMark{}
	for _, row := range rows {
		for _, g := range goals {
			if !row.Baseline || g.Workload != row.Workload || g.Measure != cpuRatio.name || g.Peer != row.Implementation {
				continue
			}
			marks[g.Implementation] = append(marks[g.Implementation], svgMark{"required", g.Required})
			if g.Stretch != 0 {
				marks[g.Implementation] = append(marks[g.Implementation], svgMark{"stretch", g.Stretch})
			}
		}
	}
	return marks
}

func (c *svgChart) row(row Row, marks []svgMark, most float64) {
	name, class := row.Implementation, "ours"
	if row.Peer {
		class = "peer"
	}
	if row.Baseline {
		name += " (baseline)"
	}
	const x = svgMargin + svgLabels
	length := quotient(barOf(row), most) * svgBarLength
	c.text(svgMargin+8, c.y+svgBar-2, "text", "start", name)
	fmt.Fprintf(&c.body, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d"/>`+"\n", class, x, c.y, length, svgBar)
	for _, m := range marks {
		at := quotient(m.at, most) * svgBarLength
		fmt.Fprintf(&c.body, `<line class="%s" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`+"\n", m.class, x+at, c.y-2, x+at, c.y+svgBar+2)
	}
	c.text(svgWidth-svgMargin, c.y+svgBar-2, "text", "end", figures(row))
	c.y += svgRow
}

// figures says in words what the bar shows, and the wall time's ratio beside it.
func figures(row Row) string {
	switch {
	case row.CPURatio == 0:
		return significant(row.GBPerSecond) + " GB/s"
	case row.WallRatio == 0 || row.Baseline:
		return ratio(row.CPURatio)
	}
	return ratio(row.CPURatio) + ", wall " + ratio(row.WallRatio)
}

func (c *svgChart) heading(text string) {
	c.y += svgHeading
	fmt.Fprintf(&c.body, `<text class="text" x="%d" y="%d" font-weight="bold">%s</text>`+"\n", svgMargin, c.y-8, escape(text))
}

func (c *svgChart) text(x, y int, class, anchor, text string) {
	fmt.Fprintf(&c.body, `<text class="%s" x="%d" y="%d" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, escape(text))
}

func escape(text string) []byte {
	var out bytes.Buffer
	xml.EscapeText(&out, []byte(text)) //nolint:errcheck // a bytes.Buffer takes everything
	return out.Bytes()
}
