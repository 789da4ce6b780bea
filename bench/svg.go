package bench

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
)

// Measures of the chart, in pixels.
const (
	svgWidth     = 860
	svgMargin    = 16
	svgLabels    = 300 // column of names
	svgFigures   = 90  // room for the figure behind the longest bar
	svgRow       = 22
	svgBar       = 14
	svgHeading   = 40
	svgBarLength = svgWidth - 2*svgMargin - svgLabels - svgFigures
)

// WriteSVG draws a bar of GB/s for every row, the workloads below one another,
// each on its own scale.
func (r *Report) WriteSVG(w io.Writer) error {
	out := bufio.NewWriter(w)
	parts := r.workloads()
	height := 3*svgMargin + len(parts)*svgHeading + len(r.Rows)*svgRow
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n",
		svgWidth, height)
	fmt.Fprintf(out, `<rect width="100%%" height="100%%" fill="#ffffff"/>`+"\n")
	y := 2 * svgMargin
	svgText(out, svgMargin, y, "#555555", "normal",
		fmt.Sprintf("GB/s on %s, %d cores, %s/%s, %s", r.CPU, r.Cores, r.OS, r.Arch, r.Go))
	for _, rows := range parts {
		y += svgHeading
		svgText(out, svgMargin, y-svgMargin/2, "#000000", "bold", rows[0].Workload)
		most := 0.0
		for _, row := range rows {
			most = max(most, row.GBPerSecond)
		}
		for _, row := range rows {
			svgRowAt(out, y, row, most)
			y += svgRow
		}
	}
	fmt.Fprintln(out, "</svg>")
	return out.Flush()
}

func svgRowAt(w io.Writer, y int, row Row, most float64) {
	colour := "#2a6f97"
	if row.Peer {
		colour = "#a9a9a9"
	}
	length := quotient(row.GBPerSecond, most) * svgBarLength
	x := svgMargin + svgLabels
	svgText(w, svgMargin+8, y+svgBar-2, "#000000", "normal", row.Implementation)
	fmt.Fprintf(w, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", x, y, length, svgBar, colour)
	svgText(w, x+int(length)+6, y+svgBar-2, "#000000", "normal", significant(row.GBPerSecond))
}

func svgText(w io.Writer, x, y int, fill, weight, text string) {
	fmt.Fprintf(w, `<text x="%d" y="%d" fill="%s" font-weight="%s">`, x, y, fill, weight)
	xml.EscapeText(w, []byte(text)) //nolint:errcheck // w is a bufio.Writer, which keeps its error for Flush
	fmt.Fprintln(w, `</text>`)
}
