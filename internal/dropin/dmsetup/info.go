package dmsetup

import (
	"errors"

	"github.com/dmimg/dmimg/kernel"
)

var errNotThere = failf("Device does not exist.")

// info prints the state of devices, in columns with -c.
func (t *tool) info(args []string) error {
	if t.has("columns") {
		return t.infoReport(args)
	}
	return eachOrAll((*tool).infoOf)(t, args)
}

// stateOf asks for the state of a device.
func (t *tool) stateOf(d device) (kernel.Info, error) {
	c, err := t.open()
	if err != nil {
		return kernel.Info{}, err
	}
	info, err := c.Info(d.ref, kernel.InfoOptions{Inactive: t.has("inactive")})
	switch {
	case errors.Is(err, kernel.ErrNotFound), errors.Is(err, kernel.ErrInvalid): // no device has such a name
		return info, errNotThere
	case err != nil:
		return info, ioctlError("info", d, err)
	}
	return info, nil
}

// ifVerbose prints the state of a device with -v.
func (t *tool) ifVerbose(d device) error {
	if !t.has("verbose") {
		return nil
	}
	return t.infoOf(d)
}

// infoOf prints the state of one device.
func (t *tool) infoOf(d device) error {
	info, err := t.stateOf(d)
	if err != nil {
		return err
	}
	t.printInfo(info)
	return nil
}

func (t *tool) printInfo(info kernel.Info) {
	t.printf("Name:              %s\n", t.show(info.Name))
	t.printf("State:             %s\n", state(info))
	if sectors, err := t.readAhead(info); err != nil {
		t.sayf("%v", err)
	} else {
		t.printf("Read Ahead:        %d\n", sectors)
	}
	t.printf("Tables present:    %s\n", tablesPresent(info))
	if info.OpenCount != -1 {
		t.printf("Open count:        %d\n", info.OpenCount)
	}
	t.printf("Event number:      %d\n", info.EventNr)
	t.printf("Major, minor:      %d, %d\n", kernel.Major(info.DevNo), kernel.Minor(info.DevNo))
	t.printf("Number of targets: %d\n", info.TargetsNum)
	if info.UUID != "" {
		t.printf("UUID: %s\n", t.show(info.UUID))
	}
	t.printf("\n")
}

func state(info kernel.Info) string {
	text := "ACTIVE"
	if info.Suspended() {
		text = "SUSPENDED"
	}
	if info.ReadOnly() {
		text += " (READ-ONLY)"
	}
	if info.DeferredRemove() {
		text += " (DEFERRED REMOVE)"
	}
	return text
}

func tablesPresent(info kernel.Info) string {
	switch live, staged := info.HasLiveTable(), info.HasInactiveTable(); {
	case live && staged:
		return "LIVE & INACTIVE"
	case live:
		return "LIVE"
	case staged:
		return "INACTIVE"
	}
	return "None"
}
