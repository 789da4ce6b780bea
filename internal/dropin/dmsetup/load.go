package dmsetup

import (
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// load stages a table; reload is the same verb.
func (t *tool) load(args []string) error {
	d, ok, err := t.selected()
	if err != nil {
		return err
	}
	file := ""
	switch {
	case ok && len(args) > 1:
		return failf("Too many command line arguments.")
	case ok && len(args) == 1:
		file = args[0]
	case ok:
	case len(args) == 0:
		return failf("Please specify device.")
	default:
		if d, err = t.named(args[0]); err != nil {
			return err
		}
		if len(args) > 1 {
			file = args[1]
		}
	}
	lines, err := t.tableOption(file)
	if err != nil {
		return err
	}
	if _, err := t.open(); err != nil {
		return err
	}
	if err := t.loadLines(d, lines, t.has("readonly")); err != nil {
		return err
	}
	return t.ifVerbose(d)
}

// clear drops a staged table.
func (t *tool) clear(d device) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	if _, err := c.Clear(d.ref); err != nil {
		return ioctlError("clear", d, err)
	}
	return t.ifVerbose(d)
}

// wipeTable exchanges the table for one that fails all requests.
func (t *tool) wipeTable(d device) error {
	return t.failAll(d)
}

// failAll makes a device fail all requests.
func (t *tool) failAll(d device) error {
	if err := t.loadErrors(d); err != nil {
		return err
	}
	return t.resumeDevice(d)
}

// loadErrors stages a table of the length of the live one that fails all requests.
func (t *tool) loadErrors(d device) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	r, err := c.TableLines(d.ref, kernel.TableOptions{})
	if err != nil {
		return ioctlError("table", d, err)
	}
	var length uint64
	for _, l := range r.Lines {
		length = max(length, l.Start+l.Length)
	}
	if length == 0 {
		return nil
	}
	return t.loadLines(d, []tables.Line{{Length: length, Target: "error"}}, false)
}
