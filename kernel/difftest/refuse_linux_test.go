package difftest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
)

// runRefusals gives each table to both sides.
func runRefusals(t *testing.T, m *matrix) {
	c := kerneltest.Require(t)
	for i, r := range refusals() {
		t.Run(r.name, func(t *testing.T) {
			s, err := newSetup(c, row{name: r.name, disks: r.disks, tree: r.tree, devices: lines(r.lines...)}, i)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.end(); err != nil {
					t.Error(err)
				}
			}()
			theirs := s.kernelRefusal()
			ours, judged := s.ourRefusal()
			switch {
			case theirs != nil && ours == nil && !judged: // words that only an engine would look at
				m.Unjudged = append(m.Unjudged, r.name)
			case (theirs == nil) != (ours == nil) && r.differs != "":
				m.Differences = append(m.Differences, fmt.Sprintf("%s: %s (kernel: %s; here: %s)", r.name, r.differs, verdict(theirs), verdict(ours)))
			case (theirs == nil) != (ours == nil):
				m.Differences = append(m.Differences, r.name+": not explained")
				t.Errorf("the kernel says %v, this project %v\nkernel log: %s", theirs, ours, kernelLog())
			case r.differs != "":
				t.Errorf("both say %s: strike it off the list of differences", verdict(ours))
			case theirs == nil:
				m.Accepted++
			default:
				m.Refusals++
			}
		})
	}
}

func verdict(err error) string {
	if err == nil {
		return "accepted"
	}
	return "refused"
}

// kernelRefusal gives the words to the kernel as they are.
func (s *setup) kernelRefusal() error {
	var raw []tables.Table
	for _, line := range strings.Split(s.fill(s.row.devices[0].lines), "\n") {
		words := strings.SplitN(line, " ", 4)
		start, err := strconv.ParseUint(words[0], 10, 64)
		length, lerr := strconv.ParseUint(words[1], 10, 64)
		if err = errors.Join(err, lerr); err != nil {
			return err
		}
		t := tables.RawTable{Start: start * tables.SectorSize, Length: length * tables.SectorSize, Target: words[2]}
		if len(words) > 3 {
			t.Params = words[3]
		}
		raw = append(raw, t)
	}
	o := kernel.ActivateOptions{Load: kernel.LoadOptions{Unchecked: true, ReadOnly: s.row.tree != nil}}
	_, err := s.control.CreateAndLoad(background, s.top(), o, raw...)
	if err == nil {
		s.live = append(s.live, s.top())
	}
	return err
}

// ourRefusal is what package tables and the engine say, if there is one.
// judged is false where the words were parsed only.
func (s *setup) ourRefusal() (refused error, judged bool) {
	ts, err := tables.Parse(strings.NewReader(s.fill(s.row.devices[0].lines)))
	if err == nil {
		err = tables.Validate(ts...)
	}
	if err != nil {
		return err, true
	}
	v, err := s.open(0)
	if errors.Is(err, volume.ErrUnsupported) && s.row.pending() != "" {
		return nil, false
	}
	if err != nil {
		return err, true
	}
	return v.Close(), true
}
