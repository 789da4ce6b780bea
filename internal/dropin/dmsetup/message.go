package dmsetup

import (
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/kernel"
)

// message sends a message to the target at a sector and prints its answer.
func (t *tool) message(args []string) error {
	d, ok, err := t.selected()
	if err != nil {
		return err
	}
	if !ok {
		if d, err = t.named(args[0]); err != nil {
			return err
		}
		args = args[1:]
	}
	return t.sendMessage(d, args[0], args[1:])
}

func (t *tool) sendMessage(d device, sector string, words []string) error {
	n, err := strconv.ParseUint(sector, 10, 64)
	if err != nil {
		return failf("Invalid sector.")
	}
	if len(words) == 0 {
		t.sayf("No message supplied.")
	}
	c, err := t.open()
	if err != nil {
		return err
	}
	text := []byte(strings.Join(words, " "))
	answer, err := c.Message(d.ref, n, text, kernel.MessageOptions{})
	clear(text) // it may be a key
	if err != nil {
		return ioctlError("message", d, err)
	}
	t.printf("%s", answer)
	if len(answer) > 0 && answer[len(answer)-1] != '\n' {
		t.printf("\n")
	}
	return nil
}

// setGeometry sets the legacy geometry.
func (t *tool) setGeometry(args []string) error {
	d, err := t.named(args[0])
	if err != nil {
		return err
	}
	c, err := t.open()
	if err != nil {
		return err
	}
	var n [4]uint64
	for i, arg := range args[1:] {
		if n[i], err = strconv.ParseUint(arg, 10, 32); err != nil {
			return ioctlError("setgeometry", d, kernel.ErrInvalid)
		}
	}
	g := kernel.Geometry{Cylinders: uint32(n[0]), Heads: uint32(n[1]), Sectors: uint32(n[2]), Start: n[3]}
	if err := c.SetGeometry(d.ref, g); err != nil {
		return ioctlError("setgeometry", d, err)
	}
	return nil
}
