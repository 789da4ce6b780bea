package cli

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
)

// Measures of the drawing, in pixels.
const (
	pictureMargin  = 16
	pictureOffsets = 120 // column of offsets
	pictureCell    = 11  // from one cell to the next
	pictureHeading = 34
	pictureWidth   = 2*pictureMargin + pictureOffsets + cellsInRow*pictureCell
)

// writeSVG draws the picture as a page of SVG.
func (p *damagePicture) writeSVG(w io.Writer) error {
	out := &svgPage{bufio.NewWriter(w)}
	height := 5*pictureMargin + len(p.regions)*pictureHeading
	for i := range p.regions {
		height += rows(len(p.regions[i].cells(inFile))) * pictureCell
	}
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		pictureWidth, height)
	fmt.Fprintf(out, `<rect width="100%%" height="100%%" fill="#ffffff"/>`+"\n")
	out.text(pictureMargin, 2*pictureMargin, atStart, "Damage in "+p.title)
	y := 3 * pictureMargin
	x := pictureMargin
	for _, s := range stateStyles {
		out.cell(x, y, s.colour, "")
		out.text(x+pictureCell+4, y+pictureCell-2, atStart, s.name)
		x += pictureOffsets + 50
	}
	y += pictureCell
	for i := range p.regions {
		y = p.drawRegion(out, &p.regions[i], y+pictureHeading)
	}
	fmt.Fprintln(out, "</svg>")
	return out.Flush()
}

func rows(cells int) int { return (cells-1)/cellsInRow + 1 }

// drawRegion draws a region whose cells begin at y, and returns where they end.
func (p *damagePicture) drawRegion(out *svgPage, r *pictureRegion, y int) int {
	out.text(pictureMargin, y-6, atStart, r.heading(inFile))
	length := int64(r.perCell(inFile)) * int64(r.blockSize)
	end := r.offset + int64(r.blocks)*int64(r.blockSize)
	cells := r.cells(inFile)
	for i, state := range cells {
		row, column := i/cellsInRow, i%cellsInRow
		offset := r.offset + int64(i)*length
		if column == 0 {
			out.text(pictureMargin+pictureOffsets-8, y+(row+1)*pictureCell-2, atEnd, fmt.Sprint(offset))
		}
		label := ""
		if state != stateProven {
			label = stateStyles[state].name + ": " + p.label(r, offset, min(length, end-offset))
		}
		out.cell(pictureMargin+pictureOffsets+column*pictureCell, y+row*pictureCell, stateStyles[state].colour, label)
	}
	return y + rows(len(cells))*pictureCell
}

// How text is set: from a place on, or small and up to it, beside a row of cells.
const (
	atStart = `text-anchor="start"`
	atEnd   = `text-anchor="end" font-size="9"`
)

// svgPage writes shapes. It keeps its first error for Flush.
type svgPage struct{ *bufio.Writer }

func (s *svgPage) text(x, y int, style, text string) {
	fmt.Fprintf(s, `<text x="%d" y="%d" %s>`, x, y, style)
	s.escaped(text)
	fmt.Fprintln(s, "</text>")
}

// cell draws a square that shows label when it is pointed at.
func (s *svgPage) cell(x, y int, colour, label string) {
	fmt.Fprintf(s, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"`, x, y, pictureCell-1, pictureCell-1, colour)
	if label == "" {
		fmt.Fprintln(s, "/>")
		return
	}
	fmt.Fprint(s, "><title>")
	s.escaped(label)
	fmt.Fprintln(s, "</title></rect>")
}

func (s *svgPage) escaped(text string) {
	_ = xml.EscapeText(s, []byte(text)) // the writer keeps its error
}
