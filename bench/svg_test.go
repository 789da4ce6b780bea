package bench

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// drawing is what a picture consists of.
type drawing struct {
	texts   []string
	classes []string // of every element
}

func drawn(t *testing.T, svg []byte) drawing {
	t.Helper()
	var d drawing
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return d
		}
		if err != nil {
			t.Fatalf("WriteSVG: not XML: %v\n%s", err, svg)
		}
		switch e := token.(type) {
		case xml.CharData:
			d.texts = append(d.texts, string(e))
		case xml.StartElement:
			for _, a := range e.Attr {
				if a.Name.Local == "class" {
					d.classes = append(d.classes, e.Name.Local+" "+a.Value)
				}
				if a.Name.Local == "href" || a.Name.Local == "src" {
					t.Errorf("WriteSVG: <%s> refers to %q: the picture should stand alone", e.Name.Local, a.Value)
				}
			}
		}
	}
}

func (d drawing) count(class string) int {
	n := 0
	for _, c := range d.classes {
		if c == class {
			n++
		}
	}
	return n
}

func TestWriteSVG(t *testing.T) {
	t.Parallel()
	var out, again bytes.Buffer
	if err := errors.Join(sample().WriteSVG(&out), sample().WriteSVG(&again)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Error("WriteSVG: two pictures of one report differ")
	}
	d := drawn(t, out.Bytes())
	for _, want := range []string{
		"Measured on A<B>, 2 cores, linux/amd64, go1.26, load 0.2 before",
		"one & two", "files", "ours", "theirs (baseline)", "4.00x", "4.00 GB/s",
		"one, CPU", "2.5x", "5x", "met", "≤ 60 %", "not met", "not measured",
	} {
		if !slices.Contains(d.texts, want) {
			t.Errorf("WriteSVG: no text %q", want)
		}
	}
	for class, want := range map[string]int{
		"rect ours": 2, "rect peer": 1, "line required": 1, "line stretch": 1,
		"text reached": 1, "text missed": 1, "rect back": 1,
	} {
		if got := d.count(class); got != want {
			t.Errorf("WriteSVG: %d of %q, want %d", got, class, want)
		}
	}
}

// checkPicture draws all that can be measured: every row has its name and its bar.
func checkPicture(t *testing.T, all map[string]plan) {
	report := sample()
	report.Rows, report.Goals = nil, nil
	for _, p := range all {
		report.Rows = append(report.Rows, p.rows...)
		report.Goals = append(report.Goals, p.goals...)
	}
	var out bytes.Buffer
	if err := report.WriteSVG(&out); err != nil {
		t.Fatal(err)
	}
	d := drawn(t, out.Bytes())
	for _, row := range report.Rows {
		found := slices.ContainsFunc(d.texts, func(s string) bool {
			return s == row.Implementation || s == row.Implementation+" (baseline)"
		})
		if !found || !slices.Contains(d.texts, row.Workload) {
			t.Errorf("WriteSVG: %s: %s is not in the picture", row.Workload, row.Implementation)
		}
	}
	if bars := d.count("rect ours") + d.count("rect peer"); bars != len(report.Rows) {
		t.Errorf("WriteSVG: %d bars for %d rows", bars, len(report.Rows))
	}
	if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
		t.Error("WriteSVG: a length is not a number")
	}
}
