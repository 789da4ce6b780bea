package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

func luksKillSlotCommand() *urfave.Command {
	return &urfave.Command{
		Name: "kill-slot", Usage: "remove a key slot of a LUKS image by its number", ArgsUsage: "IMAGE [SLOT]",
		Description: `SLOT, or --key-slot N, is overwritten, whatever passphrase opens it. A passphrase of another slot that opens
the data, or the volume key, has to be given or typed first: who removes a slot shall not lose the data. With
--force nothing is asked for, and even the last one is removed. A slot whose key is for no data needs nothing.
` + luksKeyHelp + `
` + luksEditHelp + `
  dmimg luks kill-slot disk.img 1 --key-file pass`,
		Flags: append(luksSecretFlags(), editFlags(&urfave.IntFlag{Name: "key-slot", Usage: "remove key slot `N`"},
			&urfave.BoolFlag{Name: "force", Usage: "remove it without a remaining passphrase, and even if it is the last"}, ui.JobsFlag())...),
		Action: verb(1, 2, func(c *urfave.Context, s ui.Streams) error {
			o := luksRemovalOptions{force: c.Bool("force"), json: c.Bool("json")}
			var err error
			if o.place, err = luksPlaceOf(c, c.Args().First()); err != nil {
				return err
			}
			if o.key, err = luksSecretOf(c); err != nil {
				return err
			}
			if o.slot, err = killedSlot(c); err != nil {
				return err
			}
			o.key.prompt = "Passphrase that remains: "
			return luksKillSlot(c.Context, s, o)
		}),
	}
}

// killedSlot reads the number of the slot.
func killedSlot(c *urfave.Context) (int, error) {
	slot, err := slotNumber(c, "key-slot")
	if err != nil || c.NArg() == 1 && slot != luks.AnySlot {
		return slot, err
	}
	switch word := c.Args().Get(1); {
	case c.NArg() == 1:
		return slot, ui.Usagef("which key slot? Give its number, or --key-slot")
	case slot != luks.AnySlot:
		return slot, ui.Usagef("SLOT and --key-slot exclude each other")
	default:
		n, err := strconv.ParseUint(word, 10, 31)
		if err != nil {
			return slot, ui.Usagef("SLOT %q: not a number of a slot", word)
		}
		return int(n), nil
	}
}

// luksKillSlot removes a slot by its number.
func luksKillSlot(ctx context.Context, s ui.Streams, o luksRemovalOptions) (err error) {
	e, err := editLUKS(s, o.place)
	if err != nil {
		return err
	}
	defer closeInto(e, &err)
	e.AllowLast = o.force
	if !o.force {
		if err := o.prove(ctx, s, e); err != nil {
			return err
		}
	}
	if err := e.KillSlot(o.slot); err != nil {
		return e.removalFailed(err)
	}
	return reportSlot(s, o.json, o.slot, "removed")
}

// prove makes sure that the data can still be opened without the slot. Where that cannot be, KillSlot says why.
func (o luksRemovalOptions) prove(ctx context.Context, s ui.Streams, e *luksEditor) error {
	others := e.dataSlots(o.slot)
	unbound := e.hasSlot(o.slot) && !slices.Contains(e.dataSlots(luks.AnySlot), o.slot)
	if !e.hasSlot(o.slot) || len(others) == 0 || unbound && !o.key.given() {
		return nil
	}
	k := o.key
	k.options.Slots = others
	key, err := k.unlock(ctx, s, e.Header())
	if err != nil {
		return fmt.Errorf("a passphrase that remains: %w", ui.Hint(err, "--force removes the slot without one"))
	}
	key.Wipe()
	return nil
}
