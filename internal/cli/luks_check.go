package cli

import (
	"context"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// luksCheckOptions is what `luks check` is told.
type luksCheckOptions struct {
	place luksPlace
	key   luksKey
	json  bool
}

func luksCheckCommand() *urfave.Command {
	return &urfave.Command{
		Name: "check", Usage: "say which key slot a passphrase opens, without decrypting anything", ArgsUsage: "IMAGE",
		Description: luksKeyHelp,
		Flags: append(append(luksKeyFlags(), luksPlaceFlags()...),
			&urfave.BoolFlag{Name: "unbound", Usage: "try slots whose key is for no data, too"}, ui.JSONFlag(), ui.JobsFlag()),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			o := luksCheckOptions{json: c.Bool("json")}
			var err error
			if o.place, err = luksPlaceOf(c, c.Args().First()); err != nil {
				return err
			}
			if o.key, err = luksKeyOf(c); err != nil {
				return err
			}
			o.key.options.Unbound = c.Bool("unbound")
			return luksCheck(c.Context, s, o)
		}),
	}
}

// luksCheckReport is the JSON of `luks check`.
type luksCheckReport struct {
	KeySlot  *int  `json:"key_slot"` // null with a volume key
	KeyBits  int   `json:"key_bits"`
	Unbound  bool  `json:"unbound"`
	Segments []int `json:"segments"` // that the key decrypts
}

// luksCheck opens a key slot and says which.
func luksCheck(ctx context.Context, s ui.Streams, o luksCheckOptions) (err error) {
	im, err := openLUKS(s, o.place)
	if err != nil {
		return err
	}
	defer closeInto(im, &err)
	key, err := o.key.unlock(ctx, s, im.header)
	if err != nil {
		return err
	}
	defer key.Wipe()
	if o.json {
		r := luksCheckReport{KeyBits: 8 * len(key.Bytes()), Unbound: len(key.Segments) == 0, Segments: append([]int{}, key.Segments...)}
		if key.Slot >= 0 {
			r.KeySlot = &key.Slot
		}
		return ui.WriteJSON(s.Out, r)
	}
	_, err = fmt.Fprintf(s.Out, "%s opens\n", slotName(key))
	return err
}
