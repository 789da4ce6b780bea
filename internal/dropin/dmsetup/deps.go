package dmsetup

import (
	"fmt"
	"strconv"

	"github.com/dmimg/dmimg/kernel"
)

// Ways in which ls and deps show a device number.
const (
	showNumber    = "devno"
	showName      = "devname"
	showBlockName = "blkdevname"
)

// deps prints the devices that a table uses.
func (t *tool) deps(d device) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	devs, err := c.Deps(d.ref, kernel.DepsOptions{Inactive: t.has("inactive")})
	if err != nil {
		return ioctlError("deps", d, err)
	}
	switch {
	case t.has("verbose"):
		if err := t.infoOf(d); err != nil {
			return err
		}
	case d.listed:
		t.printf("%s: ", d.title)
	}
	t.printf("%d dependencies\t:", len(devs))
	for _, devno := range devs {
		t.printf(" (%s)", t.depName(devno))
	}
	t.printf("\n")
	if t.has("verbose") && d.listed {
		t.printf("\n")
	}
	return nil
}

// depName is a device number as -o wants it.
func (t *tool) depName(devno uint64) string {
	if name := t.otherName(devno); name != "" {
		return name
	}
	return numberPair(devno)
}

func numberPair(devno uint64) string {
	return fmt.Sprintf("%d, %d", kernel.Major(devno), kernel.Minor(devno))
}

// otherName is the name that -o devname or blkdevname asks for; "" when neither is given
// or there is no name.
func (t *tool) otherName(devno uint64) string {
	switch t.numberShown() {
	case showName:
		return t.deviceName(devno)
	case showBlockName:
		return t.blockName(devno)
	}
	return ""
}

func minorOf(devno uint64) string { return strconv.FormatUint(uint64(kernel.Minor(devno)), 10) }

func numberOfDevice(devno uint64) string {
	return fmt.Sprintf("%d:%d", kernel.Major(devno), kernel.Minor(devno))
}
