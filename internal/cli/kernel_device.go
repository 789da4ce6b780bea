package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

// mapperDir begins the paths that stand for the names of devices.
const mapperDir = "/dev/mapper/"

// Limits of the kernel, in bytes.
const (
	maxKernelName = 127
	maxKernelUUID = 128
)

// kernelSelectHelp describes [kernelSelection].
const kernelSelectHelp = `NAME is a device's name or its path below /dev/mapper; --uuid and --devno take its place.`

// selectFlags are the ways to say which device is meant, besides its name.
func selectFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "uuid", Usage: "the device of this `UUID`, instead of NAME"},
		devnoFlag(),
	}
}

func devnoFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "devno", Usage: "the device of this number, `MAJOR:MINOR`, instead of NAME"}
}

// onDevice wraps the function of a verb on one device, which gets the arguments behind NAME.
func onDevice(atLeast, atMost int, run func(c *urfave.Context, s ui.Streams, ref kernel.Ref, args []string) error) urfave.ActionFunc {
	return func(c *urfave.Context) error {
		named := 1
		if c.IsSet("uuid") || c.IsSet("devno") {
			named = 0
		}
		return verb(named+atLeast, named+atMost, func(c *urfave.Context, s ui.Streams) error {
			words := c.Args().Slice()
			ref, err := selectedRef(c, words[:named])
			if err != nil {
				return err
			}
			return run(c, s, ref, words[named:])
		})(c)
	}
}

// onDevices wraps the function of a verb on any number of devices; none means all of them.
func onDevices(run func(c *urfave.Context, s ui.Streams, refs []kernel.Ref) error) urfave.ActionFunc {
	return verb(0, anyNumber, func(c *urfave.Context, s ui.Streams) error {
		refs, err := selectedRefs(c)
		if err != nil {
			return err
		}
		return run(c, s, refs)
	})
}

// selectedRefs are the devices of a command line: names, or the one that a flag selects.
func selectedRefs(c *urfave.Context) ([]kernel.Ref, error) {
	words := c.Args().Slice()
	if c.IsSet("uuid") || c.IsSet("devno") {
		if len(words) > 0 {
			return nil, ui.Usagef("give NAME, --uuid or --devno, not several of them")
		}
		ref, err := selectedRef(c, nil)
		return []kernel.Ref{ref}, err
	}
	refs := make([]kernel.Ref, len(words))
	for i, word := range words {
		name, err := deviceName(word)
		if err != nil {
			return nil, err
		}
		refs[i] = kernel.ByName(name)
	}
	return refs, nil
}

// selectedRef is the device that is meant by a name, if there is one, or by a flag.
func selectedRef(c *urfave.Context, names []string) (kernel.Ref, error) {
	switch {
	case len(names) > 0:
		name, err := deviceName(names[0])
		return kernel.ByName(name), err
	case c.IsSet("uuid") && c.IsSet("devno"):
		return kernel.Ref{}, ui.Usagef("give NAME, --uuid or --devno, not several of them")
	case c.IsSet("uuid"):
		return kernel.ByUUID(c.String("uuid")), checkUUID(c.String("uuid"))
	}
	return devnoRef(c.String("devno"))
}

// deviceName takes the folder off a name and refuses what no device can be called.
func deviceName(word string) (string, error) {
	name := strings.TrimPrefix(word, mapperDir)
	switch {
	case name == "":
		return "", ui.Usagef("the name of a device is empty")
	case strings.ContainsAny(name, "/\x00"):
		return "", ui.Usagef("%q is no name of a device: it holds / or NUL", word)
	case len(name) > maxKernelName:
		return "", ui.Usagef("%q is no name of a device: %d bytes, at most %d", word, len(name), maxKernelName)
	}
	return name, nil
}

// checkUUID refuses what no UUID can be. Any text is one, dmsetup's and LVM's begin with a word.
func checkUUID(uuid string) error {
	switch {
	case uuid == "":
		return ui.Usagef("the UUID is empty")
	case strings.Contains(uuid, "\x00"):
		return ui.Usagef("UUID %q: it holds NUL", uuid)
	case len(uuid) > maxKernelUUID:
		return ui.Usagef("UUID %q: %d bytes, at most %d", uuid, len(uuid), maxKernelUUID)
	}
	return nil
}

// devnoRef reads MAJOR:MINOR.
func devnoRef(text string) (kernel.Ref, error) {
	left, right, ok := strings.Cut(text, ":")
	major, err := strconv.ParseUint(left, 10, 12)
	minor, err2 := strconv.ParseUint(right, 10, 20)
	if !ok || err != nil || err2 != nil {
		return kernel.Ref{}, ui.Usagef("--devno %q: want MAJOR:MINOR, below 4096 and 1048576", text)
	}
	return kernel.ByDevno(kernel.Mkdev(uint32(major), uint32(minor))), nil
}

// eachDevice calls do for every device in refs, or for all that there are. Of all, those that are removed meanwhile
// are left out.
func eachDevice(ctx context.Context, ctl *kernel.Control, refs []kernel.Ref, do func(kernel.Ref) error) error {
	all := len(refs) == 0
	if all {
		list, err := ctl.List(kernel.ListOptions{})
		if err != nil {
			return err
		}
		for _, e := range list {
			refs = append(refs, kernel.ByDevno(e.DevNo))
		}
	}
	for _, ref := range refs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := do(ref); err != nil && (!all || !errors.Is(err, kernel.ErrNotFound)) {
			return err
		}
	}
	return nil
}

// showDevice writes a name or UUID as the kernel has it, so that it stands on one line and can be given back to us;
// one that cannot be written so is quoted.
func showDevice(name string) string {
	mangled, err := kernel.Mangle(name, kernel.MangleAuto)
	if err != nil {
		return strconv.Quote(name)
	}
	return mangled
}

// showDevno is "major:minor".
func showDevno(devno uint64) string {
	return fmt.Sprintf("%d:%d", kernel.Major(devno), kernel.Minor(devno))
}
