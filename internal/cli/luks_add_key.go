package cli

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// luksAddKeyOptions is what `luks add-key` is told.
type luksAddKeyOptions struct {
	place       luksPlace
	key         luksKey       // an existing one
	pass        newPassphrase // the new one
	slot        luks.SlotOptions
	unboundSize int // bytes of a random key for no data; 0: 64
	json        bool
}

func luksAddKeyCommand() *urfave.Command {
	flags := append(luksSecretFlags(), newPassphraseFlags("new-")...)
	flags = append(flags, luksSlotFlags()...)
	return &urfave.Command{
		Name: "add-key", Usage: "let a further passphrase open a LUKS image", ArgsUsage: "IMAGE",
		Description: `The new passphrase gets a free key slot, or --key-slot N. An existing one, or the volume key, is needed for
that; with --new-key-slot N for the new one, --key-slot says which slot the existing one opens.
` + newPassphraseHelp + `
` + luksKeyHelp + `
` + luksCostHelp + `
With --unbound the slot holds a key that is for no data, --volume-key-file or a random one, and no existing
passphrase is needed. ` + luksEditHelp + `
  dmimg luks add-key disk.img --key-file pass --new-key-file other`,
		Flags: append(flags, editFlags(
			&urfave.IntFlag{Name: "key-slot", Usage: "put the new passphrase into key slot `N`"},
			&urfave.IntFlag{Name: "new-key-slot", Usage: "put the new passphrase into key slot `N`; --key-slot is that of the existing one then"},
			&urfave.StringFlag{Name: "priority", Usage: "`PRIORITY` of the slot: prefer, normal or ignore (LUKS2)"},
			&urfave.BoolFlag{Name: "unbound", Usage: "make a slot whose key is for no data (LUKS2)"},
			&urfave.IntFlag{Name: "key-size", Usage: "`BITS` of a random key for no data (default: 512)"},
			ui.JobsFlag())...),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			o := luksAddKeyOptions{json: c.Bool("json")}
			if err := o.read(c); err != nil {
				return err
			}
			return luksAddKey(c.Context, s, o)
		}),
	}
}

// read reads the flags.
func (o *luksAddKeyOptions) read(c *urfave.Context) (err error) {
	if o.place, err = luksPlaceOf(c, c.Args().First()); err != nil {
		return err
	}
	if o.key, err = luksSecretOf(c); err != nil {
		return err
	}
	o.key.prompt = "Existing passphrase: "
	if o.pass, err = newPassphraseOf(c, "new-"); err != nil {
		return err
	}
	if o.slot, err = luksSlotOf(c); err != nil {
		return err
	}
	if o.slot.Slot, err = slotNumber(c, "key-slot"); err != nil {
		return err
	}
	if c.IsSet("new-key-slot") {
		if err := o.key.checkSlot(o.slot.Slot); err != nil {
			return err
		}
		o.key = o.key.only(o.slot.Slot)
		if o.slot.Slot, err = slotNumber(c, "new-key-slot"); err != nil {
			return err
		}
	}
	if o.slot.Priority, err = priorityOf(c); err != nil {
		return err
	}
	if o.unboundSize, err = keyBytes(c, "key-size"); err != nil {
		return err
	}
	o.slot.Unbound = c.Bool("unbound")
	return o.check()
}

// check finds wrong use.
func (o *luksAddKeyOptions) check() error {
	switch {
	case o.key.usesStdin() && o.pass.usesStdin():
		return ui.Usagef("standard input cannot be both the existing and the new passphrase")
	case o.unboundSize > 0 && (!o.slot.Unbound || o.key.volumeKeyFile != ""):
		return ui.Usagef("--key-size: only with --unbound, for a random key")
	case o.slot.Unbound && (o.key.keyFile.Path != "" || o.key.passphraseFile != ""):
		return ui.Usagef("--unbound needs no existing passphrase: --new-key-file or --new-passphrase-file is that of the slot")
	}
	return nil
}

// luksAddKey makes a key slot.
func luksAddKey(ctx context.Context, s ui.Streams, o luksAddKeyOptions) (err error) {
	e, err := editLUKS(s, o.place)
	if err != nil {
		return err
	}
	defer closeInto(e, &err)
	key, err := o.keyFor(ctx, s, e)
	if err != nil {
		return err
	}
	if key != nil {
		defer key.Wipe()
	}
	pass, err := o.pass.read(ctx, s)
	defer ui.Wipe(pass)
	if err != nil {
		return err
	}
	slot, err := e.AddKey(ctx, key, pass, o.slot)
	if err != nil {
		return e.failed(err)
	}
	return reportSlot(s, o.json, slot, "added")
}

// keyFor returns the key that the new slot will hold; nil for a random one.
func (o *luksAddKeyOptions) keyFor(ctx context.Context, s ui.Streams, e *luksEditor) (*luks.Key, error) {
	switch {
	case !o.slot.Unbound:
		return o.key.unlock(ctx, s, e.Header())
	case o.key.volumeKeyFile != "":
		b, err := ui.ReadKeyFile(ctx, ui.KeyFile{Path: o.key.volumeKeyFile}, s.In)
		defer ui.Wipe(b)
		if err != nil {
			return nil, err
		}
		return luks.NewKey(b), nil
	case o.unboundSize > 0:
		b, err := randomKey(o.unboundSize)
		defer ui.Wipe(b)
		return luks.NewKey(b), err
	}
	return nil, nil
}
