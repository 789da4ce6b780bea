package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// Goal is a figure that the project set itself, beside what was measured in this
// run. Ratios and shares are taken from rows of the same run only.
type Goal struct {
	Name           string   `json:"name"`
	Workload       string   `json:"workload"`       // of the row that is ours
	Implementation string   `json:"implementation"` // that row; "" if it is not there
	Peer           string   `json:"peer"`           // the row it is compared with; "" if it is not there, or none is needed
	Measure        string   `json:"measure"`        // cpu_ratio, wall_ratio (peer / ours), extra_cpu, cpu_share (percent), cpu_time (ms), speed (MB/s of CPU time), peak (MiB)
	AtMost         bool     `json:"at_most"`        // less is better
	Required       float64  `json:"required"`
	Stretch        float64  `json:"stretch"`  // 0: none
	Measured       *float64 `json:"measured"` // null: a row is missing
	Verdict        string   `json:"verdict"`  // one of the Verdict constants
}

// What is said of a [Goal].
const (
	VerdictMissing = "not measured" // a contestant is not on this machine
	VerdictNotMet  = "not met"
	VerdictMet     = "met"
	VerdictStretch = "stretch met" // the harder figure too
)

// measure is a way to make one figure of two rows.
type measure struct {
	name   string
	atMost bool
	format string                        // of the figure measured, a verb for a float
	bound  string                        // of the figure required, a verb for a string
	figure func(ours, other Row) float64 // 0 if a row lacks what it takes
}

var (
	cpuRatio = &measure{name: "cpu_ratio", format: "%.2fx", bound: "%sx", figure: func(ours, peer Row) float64 {
		return quotient(peer.cpuPerByte(), ours.cpuPerByte())
	}}
	wallRatio = &measure{name: "wall_ratio", format: "%.2fx", bound: "%sx", figure: func(ours, peer Row) float64 {
		return quotient(peer.wallPerByte(), ours.wallPerByte())
	}}
	extraCPU = &measure{name: "extra_cpu", atMost: true, format: "%.0f %%", bound: "≤ %s %%", figure: func(ours, plain Row) float64 {
		return 100 * quotient(ours.cpuPerByte()-plain.cpuPerByte(), plain.cpuPerByte())
	}}
	cpuShare = &measure{name: "cpu_share", format: "%.0f %%", bound: "%s %%", figure: func(ours, part Row) float64 {
		return 100 * quotient(part.cpuPerByte(), ours.cpuPerByte())
	}}
	speed = &measure{name: "speed", format: "%.0f MB/s", bound: "%s MB/s", figure: func(ours, _ Row) float64 {
		return quotient(1e-6, ours.cpuPerByte())
	}}
	cpuTime = &measure{name: "cpu_time", atMost: true, format: "%.1f ms", bound: "≤ %s ms", figure: func(ours, _ Row) float64 {
		return 1000 * ours.CPUSeconds
	}}
	peak = &measure{name: "peak", atMost: true, format: "%.0f MiB", bound: "≤ %s MiB", figure: func(ours, _ Row) float64 {
		return float64(ours.PeakBytes) / (1 << 20)
	}}
)

func measureNamed(name string) *measure {
	for _, m := range []*measure{cpuRatio, wallRatio, extraCPU, cpuShare, speed, cpuTime, peak} {
		if m.name == name {
			return m
		}
	}
	panic("bench: internal error: no measure " + name)
}

// side is a row by the beginning of its implementation's name; "" is the first row
// that is no peer.
type side struct{ workload, name string }

// goal is a [Goal] before anything was measured.
type goal struct {
	name              string
	measure           *measure
	required, stretch float64
	ours, other       side // other: none for a measure of one row
}

// reached compares g with the rows of a run.
func (g goal) reached(rows []Row) Goal {
	out := Goal{
		Name: g.name, Workload: g.ours.workload, Measure: g.measure.name, AtMost: g.measure.atMost,
		Required: g.required, Stretch: g.stretch, Verdict: VerdictMissing,
	}
	ours, both := g.ours.find(rows)
	out.Implementation = ours.Implementation
	var other Row
	if g.other != (side{}) {
		var found bool
		other, found = g.other.find(rows)
		out.Peer, both = other.Implementation, both && found
	}
	if !both {
		return out
	}
	if value := g.measure.figure(ours, other); value != 0 {
		out.Measured = &value
		out.Verdict = out.judge()
	}
	return out
}

func (s side) find(rows []Row) (Row, bool) {
	for _, row := range rows {
		if row.Workload == s.workload && strings.HasPrefix(row.Implementation, s.name) && (s.name != "" || !row.Peer) {
			return row, true
		}
	}
	return Row{}, false
}

func (g *Goal) judge() string {
	reaches := func(bound float64) bool {
		if g.AtMost {
			return *g.Measured <= bound
		}
		return *g.Measured >= bound
	}
	switch {
	case !reaches(g.Required):
		return VerdictNotMet
	case g.Stretch != 0 && reaches(g.Stretch):
		return VerdictStretch
	}
	return VerdictMet
}

func (row Row) cpuPerByte() float64  { return quotient(row.CPUSeconds, float64(row.Bytes)) }
func (row Row) wallPerByte() float64 { return quotient(row.WallSeconds, float64(row.Bytes)) }

var goalHeadings = []string{"goal", "measured", "required", "stretch", "verdict"}

func (g *Goal) cells() []string {
	m := measureNamed(g.Measure)
	measured, stretch := "–", ""
	if g.Measured != nil {
		measured = fmt.Sprintf(m.format, *g.Measured)
	}
	if g.Stretch != 0 {
		stretch = m.boundText(g.Stretch)
	}
	return []string{g.Name, measured, m.boundText(g.Required), stretch, g.Verdict}
}

func (m *measure) boundText(v float64) string {
	return fmt.Sprintf(m.bound, strconv.FormatFloat(v, 'f', -1, 64))
}

// goalTable returns a line of headings and a line for each goal.
func (r *Report) goalTable() [][]string {
	lines := [][]string{goalHeadings}
	for _, g := range r.Goals {
		lines = append(lines, g.cells())
	}
	return lines
}
