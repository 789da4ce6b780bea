package dmsetup

import (
	"strings"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// status prints what the targets of a device say.
func (t *tool) status(d device) error {
	if _, err := t.stateOf(d); err != nil {
		return err
	}
	r, err := t.control.Status(d.ref, kernel.StatusOptions{Inactive: t.has("inactive"), NoFlush: t.has("noflush")})
	if err != nil {
		return ioctlError("status", d, err)
	}
	t.printLines(d, r, func(l tables.Line) string { return l.Params })
	return nil
}

// measure prints what would be measured.
func (t *tool) measure(d device) error {
	if _, err := t.stateOf(d); err != nil {
		return err
	}
	r, err := t.control.Measurement(d.ref, kernel.StatusOptions{Inactive: t.has("inactive")})
	if err != nil {
		return ioctlError("status", d, err)
	}
	t.printLines(d, r, func(l tables.Line) string { return l.Params })
	return nil
}

// table prints tables, in one line with --concise.
func (t *tool) table(args []string) error {
	if !t.has("concise") {
		return eachOrAll((*tool).tableOf)(t, args)
	}
	var entries []string
	err := eachOrAll(func(t *tool, d device) error {
		r, err := t.tableLines(d)
		if err == nil && t.wanted(r) {
			entries = append(entries, t.concise(d, r))
		}
		return err
	})(t, args)
	if err == nil && len(entries) > 0 {
		t.printf("%s\n", strings.Join(entries, ";"))
	}
	return err
}

func (t *tool) tableOf(d device) error {
	r, err := t.tableLines(d)
	if err == nil {
		t.printLines(d, r, t.params)
	}
	return err
}

func (t *tool) tableLines(d device) (kernel.Report, error) {
	c, err := t.open()
	if err != nil {
		return kernel.Report{}, err
	}
	r, err := c.TableLines(d.ref, kernel.TableOptions{Inactive: t.has("inactive"), NoFlush: t.has("noflush")})
	if err != nil {
		return r, ioctlError("table", d, err)
	}
	return r, nil
}

// hasTarget reports whether --target lets a line through.
func (t *tool) hasTarget(l tables.Line) bool {
	return !t.has("target") || l.Target == t.values["target"]
}

// wanted reports whether --target lets anything of a device through.
func (t *tool) wanted(r kernel.Report) bool {
	if !t.has("target") {
		return true
	}
	for _, l := range r.Lines {
		if t.hasTarget(l) {
			return true
		}
	}
	return false
}

// printLines prints what a device says, one line for each target.
func (t *tool) printLines(d device, r kernel.Report, params func(tables.Line) string) {
	if !t.wanted(r) {
		return
	}
	prefix := ""
	if t.has("verbose") {
		t.printInfo(r.Info)
	} else if d.listed {
		prefix = d.title + ": "
	}
	if len(r.Lines) == 0 {
		t.printf("%s\n", prefix)
	}
	for _, l := range r.Lines {
		if t.hasTarget(l) {
			t.printf("%s%s\n", prefix, shownLine(l, params(l)))
		}
	}
	if t.has("verbose") && d.listed {
		t.printf("\n")
	}
}

// concise is a device in the form that create --concise takes.
func (t *tool) concise(d device, r kernel.Report) string {
	mode, name := "rw", d.title
	if name == "" {
		name = t.show(r.Info.Name)
	}
	if r.Info.ReadOnly() {
		mode = "ro"
	}
	fields := []string{escape(name), escape(t.show(r.Info.UUID)), minorOf(r.Info.DevNo), mode}
	for _, l := range r.Lines {
		if t.hasTarget(l) {
			fields = append(fields, escape(shownLine(l, t.params(l))))
		}
	}
	return strings.Join(fields, ",")
}
