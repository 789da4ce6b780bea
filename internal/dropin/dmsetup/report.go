package dmsetup

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dmimg/dmimg/kernel"
)

// sortKey is a field to sort by.
type sortKey struct {
	field      field
	descending bool
}

// report is what -o, -O, -S and the options of printing say.
type report struct {
	t         *tool
	fields    []field
	keys      []sortKey
	selection expression // nil: everything
	empty     bool       // the fields are those of devices with statistics: there is none
	needGraph bool
	showsAll  bool // the column "selected" is there: rows that are not selected are shown too
}

// infoFields are the columns of info -c.
const infoFields = "name,major,minor,attr,open,segments,events,uuid"

// newReport reads the options of a report with these columns by default.
func (t *tool) newReport(defaults string) (*report, error) {
	p := &report{t: t}
	list := defaults
	if t.has("options") {
		var added bool
		list, added = strings.CutPrefix(t.values["options"], "+")
		if added {
			list = defaults + "," + list
		}
	}
	if err := p.addFields(list); err != nil {
		return nil, err
	}
	if err := p.addKeys(t.values["sort"]); err != nil {
		return nil, err
	}
	if text := strings.TrimSpace(t.values["select"]); text == "help" || text == "?" {
		return nil, errShowFields
	} else if text != "" {
		var err error
		if p.selection, err = p.parseSelection(text); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// errShowFields asks for the list of fields, which is no failure.
var errShowFields = errors.New("the fields")

// addFields adds columns by their names.
func (p *report) addFields(list string) error {
	var used []string // sections of the fields so far, which "all" means
	for _, name := range strings.Split(list, ",") {
		switch {
		case name == "":
		case name == "help" || name == "?":
			return errShowFields
		case isField(name, "all"):
			p.empty = p.empty || len(used) == 0
			for _, s := range sections {
				if slices.Contains(used, s.name) {
					p.fields = append(p.fields, s.fields...)
				}
			}
		default:
			sections, err := p.addField(name)
			if err != nil {
				return err
			}
			used = append(used, sections...)
		}
	}
	return nil
}

// addField adds one column, or all of a section, and returns the sections it is of.
func (p *report) addField(name string) (used []string, err error) {
	for _, s := range sections {
		if isField(name, s.name+"_all") {
			p.fields = append(p.fields, s.fields...)
			p.needGraph = p.needGraph || needGraph[s.name]
			return []string{s.name}, nil
		}
	}
	f, section, ok := p.findField(name)
	if !ok {
		return nil, reportf("%sUnrecognised field: %s", fieldHelp(), name)
	}
	p.fields = append(p.fields, f)
	p.showsAll = p.showsAll || f.id == selectedField
	return []string{section}, nil
}

const selectedField = "selected"

// findField finds a field by its name.
func (p *report) findField(name string) (f field, section string, ok bool) {
	for _, s := range sections {
		for _, f := range s.fields {
			if isField(name, f.id) {
				p.needGraph = p.needGraph || needGraph[s.name]
				return f, s.name, true
			}
		}
	}
	if isField(name, selectedField) {
		return field{id: selectedField, heading: "Selected", width: 8, numeric: true, value: p.isSelected}, "special", true
	}
	if slices.ContainsFunc(statisticsFields, func(id string) bool { return isField(name, id) }) {
		p.empty = true
		return field{id: name, value: func(*tool, *row) (string, error) { return "", nil }}, "stats", true
	}
	return field{}, "", false
}

func (p *report) isSelected(t *tool, r *row) (string, error) {
	ok, err := p.selects(r)
	return choose(ok, "1", "0"), err
}

// addKeys reads what -O says.
func (p *report) addKeys(list string) error {
	for _, name := range strings.Split(list, ",") {
		if name == "" {
			continue
		}
		if name == "help" || name == "?" {
			return errShowFields
		}
		name, descending := strings.CutPrefix(name, "-")
		f, _, ok := p.findField(strings.TrimPrefix(name, "+"))
		if !ok {
			return reportf("%sdm_report: Unrecognised field: %s", fieldHelp(), name)
		}
		p.keys = append(p.keys, sortKey{f, descending})
	}
	return nil
}

// infoReport prints devices in columns, again and again with --count or --interval.
func (t *tool) infoReport(args []string) error {
	p, err := t.newReport(infoFields)
	if errors.Is(err, errShowFields) {
		if entries, lerr := t.entries(true); lerr == nil && len(entries) == 0 {
			t.printf("No devices found\n")
		}
	}
	if err != nil {
		return err
	}
	count, interval := 1, time.Second
	switch {
	case t.has("count"):
		count = atoi(t.values["count"])
	case t.has("interval"):
		count = 0
	}
	if t.has("interval") {
		interval = time.Duration(atoi(t.values["interval"])) * time.Second
	}
	for n := 1; ; n++ {
		if err := t.reportOnce(p, args); err != nil || n == count {
			return err
		}
		t.printf("\n")
		select {
		case <-t.ctx.Done():
			return t.ctx.Err()
		case <-t.host.after(interval):
		}
	}
}

func (t *tool) reportOnce(p *report, args []string) error {
	var rows []*row
	err := eachOrAll(func(t *tool, d device) error {
		info, err := t.stateOf(d)
		rows = append(rows, &row{info: info})
		return err
	})(t, args)
	if err != nil || len(rows) == 0 {
		return err
	}
	if p.needGraph {
		g, err := t.graph()
		if err != nil {
			return err
		}
		for _, r := range rows {
			r.graph = g
			if r.used = devnosOf(r.node().uses); !t.has("inactive") {
				continue
			}
			o := kernel.DepsOptions{Inactive: true}
			if r.used, err = t.control.Deps(kernel.ByDevno(r.info.DevNo), o); err != nil {
				return ioctlError("deps", device{devno: r.info.DevNo}, err)
			}
		}
	}
	return p.print(rows)
}

// values are the cells of a row.
func (p *report) values(r *row) ([]string, error) {
	var cells []string
	for _, f := range p.fields {
		if r.plain && !isNamePart(f) {
			return nil, failf("The name of a device does not say its field %s.", f.id)
		}
		cell, err := f.value(p.t, r)
		if err != nil {
			return nil, err
		}
		cells = append(cells, cell)
	}
	return cells, nil
}

// print writes the rows that are selected, in order. A row that has a field without a
// value is left out, and then the whole fails.
func (p *report) print(rows []*row) error {
	if p.empty {
		return nil
	}
	var failed error
	keep := func(r *row) bool {
		ok, err := p.selects(r)
		if err != nil {
			failed = err
		}
		return err == nil && (ok || p.showsAll)
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(r *row) bool { return !keep(r) })
	if failed != nil {
		return failed
	}
	if err := p.sort(rows); err != nil {
		return err
	}
	var cells [][]string
	for _, r := range rows {
		c, err := p.values(r)
		if err != nil {
			p.t.sayf("%v", err)
			failed = errFailed
			continue
		}
		cells = append(cells, c)
	}
	p.write(cells)
	return failed
}

// sort puts rows into the order of the keys; equal ones stay as they are.
func (p *report) sort(rows []*row) (err error) {
	value := func(k sortKey, r *row) string {
		v, verr := k.field.value(p.t, r)
		if verr != nil {
			err = verr
		}
		return v
	}
	slices.SortStableFunc(rows, func(a, b *row) int {
		for _, k := range p.keys {
			order := compareCells(k.field, value(k, a), value(k, b))
			if k.descending {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	return err
}

func compareCells(f field, a, b string) int {
	if !f.numeric {
		return strings.Compare(a, b)
	}
	x, _ := strconv.ParseInt(a, 10, 64)
	y, _ := strconv.ParseInt(b, 10, 64)
	return cmp.Compare(x, y)
}
