package cli

import (
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// maxLUKSLabel is the longest label or subsystem in bytes.
const maxLUKSLabel = 47

// luksConfigOptions is what `luks config` is told.
type luksConfigOptions struct {
	place            luksPlace
	label, subsystem *string // nil: as it is
	flags            []string
	setFlags         bool
	priority         *int64 // of slot; nil: as it is
	slot             int
	json             bool
}

func luksConfigCommand() *urfave.Command {
	return &urfave.Command{
		Name: "config", Usage: "set label, subsystem, flags, or the priority of a key slot of a LUKS2 image", ArgsUsage: "IMAGE",
		Description: `A key slot of priority prefer is tried before others, one of priority ignore only when --key-slot names it.
An empty --label or --subsystem removes what was there. --flags are what every activation in a kernel shall
have: allow-discards, same-cpu-crypt, submit-from-crypt-cpus, no-journal, no-read-workqueue, no-write-workqueue.
` + luksEditHelp + `
  dmimg luks config disk.img --label backup --key-slot 1 --priority ignore`,
		Flags: editFlags(
			&urfave.StringFlag{Name: "label", Usage: "`LABEL` of the image"},
			&urfave.StringFlag{Name: "subsystem", Usage: "`NAME` of the subsystem that the image belongs to"},
			&urfave.StringFlag{Name: "flags", Usage: "`LIST` of flags, a comma between them, instead of what was there; none for none"},
			&urfave.StringFlag{Name: "priority", Usage: "`PRIORITY` of key slot --key-slot: prefer, normal or ignore"},
			&urfave.IntFlag{Name: "key-slot", Usage: "set the priority of key slot `N`"}),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			o := luksConfigOptions{json: c.Bool("json")}
			if err := o.read(c); err != nil {
				return err
			}
			return luksConfig(s, o)
		}),
	}
}

// read reads the flags.
func (o *luksConfigOptions) read(c *urfave.Context) (err error) {
	if o.place, err = luksPlaceOf(c, c.Args().First()); err != nil {
		return err
	}
	for name, to := range map[string]**string{"label": &o.label, "subsystem": &o.subsystem} {
		if !c.IsSet(name) {
			continue
		}
		if n := len(c.String(name)); n > maxLUKSLabel {
			return ui.Usagef("--%s: %d bytes, the header has room for %d", name, n, maxLUKSLabel)
		}
		*to = new(c.String(name))
	}
	if o.setFlags = c.IsSet("flags"); o.setFlags && c.String("flags") != "none" {
		o.flags = strings.Split(c.String("flags"), ",")
	}
	if o.priority, err = priorityOf(c); err != nil {
		return err
	}
	if o.slot, err = slotNumber(c, "key-slot"); err != nil {
		return err
	}
	switch {
	case (o.priority == nil) != (o.slot == luks.AnySlot):
		return ui.Usagef("--priority and --key-slot go together")
	case o.priority == nil && o.label == nil && o.subsystem == nil && !o.setFlags:
		return ui.Usagef("what shall be set? Give --label, --subsystem, --flags or --priority")
	}
	return nil
}

// priorityOf reads --priority; nil if it was not given.
func priorityOf(c *urfave.Context) (*int64, error) {
	if !c.IsSet("priority") {
		return nil, nil
	}
	switch c.String("priority") {
	case "ignore":
		return new(int64(0)), nil
	case "normal":
		return new(int64(1)), nil
	case "prefer":
		return new(int64(2)), nil
	}
	return nil, ui.Usagef("--priority %q: prefer, normal or ignore", c.String("priority"))
}

// luksConfig changes the header.
func luksConfig(s ui.Streams, o luksConfigOptions) (err error) {
	e, err := editLUKS(s, o.place)
	if err != nil {
		return err
	}
	defer closeInto(e, &err)
	if o.priority != nil {
		if err := e.SetPriority(o.slot, *o.priority); err != nil {
			return e.failed(err)
		}
	}
	if o.label != nil || o.subsystem != nil {
		if err := e.SetLabel(o.label, o.subsystem); err != nil {
			return e.failed(err)
		}
	}
	if o.setFlags {
		if err := e.SetFlags(o.flags); err != nil {
			return e.failed(err)
		}
	}
	if !o.json {
		return nil
	}
	return ui.WriteJSON(s.Out, luksReportOf(e.Header()))
}
