package cli

import (
	"context"
	"errors"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// luksChangeKeyOptions is what `luks change-key` is told.
type luksChangeKeyOptions struct {
	place       luksPlace
	key         luksKey          // the one to be replaced
	pass        newPassphrase    // the new one
	slot        luks.SlotOptions // Slot is luks.AnySlot if any may be the one
	force, json bool
}

func luksChangeKeyCommand() *urfave.Command {
	flags := append(luksSecretFlags(), newPassphraseFlags("new-")...)
	flags = append(flags, luksSlotFlags()...)
	return &urfave.Command{
		Name: "change-key", Usage: "replace a passphrase of a LUKS image by another", ArgsUsage: "IMAGE",
		Description: `The key slot that the existing passphrase opens, with --key-slot N that one only, opens with the new one
afterwards, and keeps its number and priority. With --volume-key-file the passphrase of --key-slot N is
replaced without knowing it. The costs are made anew: the same passphrase again changes those only.
The new key material is written beside the old, which is overwritten then; where there is no room for that,
--force overwrites in place, and a crash in that moment loses the slot.
` + newPassphraseHelp + `
` + luksKeyHelp + `
` + luksCostHelp + `
` + luksEditHelp + `
  dmimg luks change-key disk.img --key-file pass --new-key-file other`,
		Flags: append(flags, editFlags(
			&urfave.IntFlag{Name: "key-slot", Usage: "change key slot `N`"},
			&urfave.BoolFlag{Name: "force", Usage: "overwrite the slot in place if there is no room beside it"},
			ui.JobsFlag())...),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			o := luksChangeKeyOptions{force: c.Bool("force"), json: c.Bool("json")}
			if err := o.read(c); err != nil {
				return err
			}
			return luksChangeKey(c.Context, s, o)
		}),
	}
}

// read reads the flags.
func (o *luksChangeKeyOptions) read(c *urfave.Context) (err error) {
	if o.place, err = luksPlaceOf(c, c.Args().First()); err != nil {
		return err
	}
	if o.key, err = luksSecretOf(c); err != nil {
		return err
	}
	if o.pass, err = newPassphraseOf(c, "new-"); err != nil {
		return err
	}
	if o.slot, err = luksSlotOf(c); err != nil {
		return err
	}
	if o.slot.Slot, err = slotNumber(c, "key-slot"); err != nil {
		return err
	}
	switch {
	case o.key.usesStdin() && o.pass.usesStdin():
		return ui.Usagef("standard input cannot be both the existing and the new passphrase")
	case o.key.volumeKeyFile != "" && o.slot.Slot == luks.AnySlot:
		return ui.Usagef("--volume-key-file: --key-slot must say which passphrase is replaced")
	}
	o.key = o.key.only(o.slot.Slot)
	o.key.prompt = "Passphrase to be changed: "
	return nil
}

// luksChangeKey replaces a key slot.
func luksChangeKey(ctx context.Context, s ui.Streams, o luksChangeKeyOptions) (err error) {
	e, err := editLUKS(s, o.place)
	if err != nil {
		return err
	}
	defer closeInto(e, &err)
	e.AllowInPlace = o.force
	key, err := o.key.unlock(ctx, s, e.Header())
	if err != nil {
		return err
	}
	defer key.Wipe()
	if o.slot.Slot == luks.AnySlot {
		o.slot.Slot = key.Slot
	}
	pass, err := o.pass.read(ctx, s)
	defer ui.Wipe(pass)
	if err != nil {
		return err
	}
	slot, err := e.ChangeKey(ctx, key, pass, o.slot)
	if errors.Is(err, luks.ErrNoRoom) && !o.force {
		err = ui.Hint(err, "--force overwrites the slot in place: a crash in that moment loses it")
	}
	if err != nil {
		return e.failed(err)
	}
	return reportSlot(s, o.json, slot, "changed")
}
