package kerneltest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// statistics are the regions of a device that @stats_ messages keep, by their numbers;
// nothing is counted.
type statistics []region

// region is what is counted together, in areas of step sectors.
type region struct {
	id                   int
	start, length, step  uint64
	precise              bool
	histogram            string
	program, programData string
}

// size is that of the live table, in sectors.
func (d *device) size() uint64 {
	if d.live == nil {
		return 0
	}
	last := d.live.specs[len(d.live.specs)-1]
	return last.Start + last.Length
}

func (s *statistics) message(name string, words []string, size uint64) (string, bool, error) {
	switch {
	case name == "create" && len(words) >= 2:
		return s.create(words, size)
	case name == "list" && len(words) <= 1:
		return s.list(words), true, nil
	case name == "create" || len(words) == 0:
		return "", false, syscall.EINVAL
	}
	id, err := strconv.Atoi(words[0])
	if err != nil || id < 0 {
		return "", false, syscall.EINVAL
	}
	at := slices.IndexFunc(*s, func(r region) bool { return r.id == id })
	if at < 0 {
		return "", false, syscall.ENOENT
	}
	return s.change(name, at, words[1:])
}

// change does what the message is about one region.
func (s *statistics) change(name string, at int, words []string) (string, bool, error) {
	switch {
	case name == "delete" && len(words) == 0:
		*s = slices.Delete(*s, at, at+1)
		return "", false, nil
	case name == "clear" && len(words) == 0:
		return "", true, nil
	case name == "set_aux" && len(words) == 1:
		(*s)[at].programData = words[0]
		return "", false, nil
	case (name == "print" || name == "print_clear") && (len(words) == 0 || len(words) == 2):
		return (*s)[at].print(words)
	}
	return "", false, syscall.EINVAL
}

// create adds a region: "-" or "START+LENGTH", then the step or "/AREAS", then perhaps
// options with their number in front, a program and its data.
func (s *statistics) create(words []string, size uint64) (string, bool, error) {
	reg := region{length: size, program: "-", programData: "-"}
	if words[0] != "-" {
		if n, err := fmt.Sscanf(words[0], "%d+%d", &reg.start, &reg.length); n != 2 || err != nil {
			return "", false, syscall.EINVAL
		}
	}
	areas, divided := strings.CutPrefix(words[1], "/")
	n, err := strconv.ParseUint(areas, 10, 64)
	if err != nil || n == 0 || reg.length == 0 || reg.start+reg.length < reg.start {
		return "", false, syscall.EINVAL
	}
	if reg.step = n; divided {
		reg.step = max(1, (reg.length+n-1)/n)
	}
	if err := reg.options(words[2:]); err != nil {
		return "", false, err
	}
	for slices.ContainsFunc(*s, func(r region) bool { return r.id == reg.id }) {
		reg.id++
	}
	*s = append(*s, reg)
	slices.SortFunc(*s, func(a, b region) int { return a.id - b.id })
	return strconv.Itoa(reg.id), true, nil
}

func (r *region) options(words []string) error {
	if len(words) == 0 {
		return nil
	}
	if n, err := strconv.Atoi(words[0]); err == nil {
		if n < 0 || n >= len(words) {
			return syscall.EINVAL
		}
		for _, o := range words[1 : 1+n] {
			bounds, ok := strings.CutPrefix(o, "histogram:")
			switch {
			case o == "precise_timestamps":
				r.precise = true
			case ok && bounds != "":
				r.histogram = bounds
			default:
				return syscall.EINVAL
			}
		}
		words = words[1+n:]
	}
	if len(words) > 2 {
		return syscall.EINVAL
	}
	if len(words) > 0 {
		r.program = words[0]
	}
	if len(words) > 1 {
		r.programData = words[1]
	}
	return nil
}

// list is a line for each region, of one program or of all.
func (s *statistics) list(words []string) string {
	var b strings.Builder
	for _, r := range *s {
		if len(words) > 0 && words[0] != r.program {
			continue
		}
		fmt.Fprintf(&b, "%d: %d+%d %d %s %s", r.id, r.start, r.length, r.step, r.program, r.programData)
		if r.precise {
			b.WriteString(" precise_timestamps")
		}
		if r.histogram != "" {
			b.WriteString(" histogram:" + r.histogram)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// print is a line for each area, or for so many behind a first one. Nothing was counted.
func (r region) print(words []string) (string, bool, error) {
	areas := (r.length + r.step - 1) / r.step
	first, end := uint64(0), areas
	if len(words) == 2 {
		from, err := strconv.ParseUint(words[0], 10, 64)
		count, cerr := strconv.ParseUint(words[1], 10, 64)
		if err != nil || cerr != nil {
			return "", false, syscall.EINVAL
		}
		first = min(from, areas)
		end = first + min(count, areas-first)
	}
	bins := ""
	if r.histogram != "" {
		bins = " 0" + strings.Repeat(":0", strings.Count(r.histogram, ",")+1)
	}
	var b strings.Builder
	for i := first; i < end; i++ {
		at := r.start + i*r.step
		length := min(r.step, r.start+r.length-at)
		fmt.Fprintf(&b, "%d+%d%s%s\n", at, length, strings.Repeat(" 0", 13), bins)
	}
	return b.String(), true, nil
}
