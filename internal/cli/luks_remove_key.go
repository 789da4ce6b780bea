package cli

import (
	"context"
	"errors"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// luksRemovalOptions is what `luks remove-key` and `luks kill-slot` are told.
type luksRemovalOptions struct {
	place       luksPlace
	key         luksKey
	slot        int // of kill-slot
	force, json bool
}

const lastSlotHint = "--force removes it all the same: then only the volume key opens the data"

func forceLastFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "force", Usage: "remove it even if no other passphrase opens the data"}
}

func luksRemoveKeyCommand() *urfave.Command {
	return &urfave.Command{
		Name: "remove-key", Usage: "let a passphrase open a LUKS image no more", ArgsUsage: "IMAGE",
		Description: `The key slot that the passphrase opens, with --key-slot N that one only, is overwritten. The last one that
opens the data is removed with --force only.
` + luksKeyHelp + `
` + luksEditHelp + `
  dmimg luks remove-key disk.img --key-file pass`,
		Flags: append(luksKeyFlags(), editFlags(forceLastFlag(), ui.JobsFlag())...),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			o := luksRemovalOptions{force: c.Bool("force"), json: c.Bool("json")}
			var err error
			if o.place, err = luksPlaceOf(c, c.Args().First()); err != nil {
				return err
			}
			if o.key, err = luksKeyOf(c); err != nil {
				return err
			}
			if o.key.volumeKeyFile != "" {
				return ui.Usagef("--volume-key-file opens no slot: kill-slot removes one by its number")
			}
			o.key.prompt = "Passphrase to be removed: "
			o.key.options.Unbound = true
			return luksRemoveKey(c.Context, s, o)
		}),
	}
}

// luksRemoveKey removes the slot that a passphrase opens.
func luksRemoveKey(ctx context.Context, s ui.Streams, o luksRemovalOptions) (err error) {
	e, err := editLUKS(s, o.place)
	if err != nil {
		return err
	}
	defer closeInto(e, &err)
	pass, err := o.key.read(ctx, s)
	defer ui.Wipe(pass)
	if err != nil {
		return err
	}
	e.AllowLast = o.force
	slot, err := e.RemoveKey(ctx, pass, o.key.options)
	if err != nil {
		return e.removalFailed(err)
	}
	return reportSlot(s, o.json, slot, "removed")
}

// removalFailed adds to the error of a removal what can be done about it.
func (e *luksEditor) removalFailed(err error) error {
	if errors.Is(err, luks.ErrLastSlot) {
		err = ui.Hint(err, lastSlotHint)
	}
	return e.failed(err)
}
