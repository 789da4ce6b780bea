package cli

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

func luksVolumeKeyCommand() *urfave.Command {
	return &urfave.Command{
		Name: "volume-key", Usage: "write the volume key of a LUKS image to the file OUT", ArgsUsage: "IMAGE OUT",
		Description: `OUT holds the raw key, readable by its owner only; whoever has it can decrypt the image without a
passphrase, for ever. It is what --volume-key-file takes. It is never printed.
` + luksKeyHelp,
		Flags: append(append(luksKeyFlags(), luksPlaceFlags()...), ui.ForceFlag(), ui.JobsFlag()),
		Action: verb(2, 2, func(c *urfave.Context, s ui.Streams) error {
			k, err := luksKeyOf(c)
			if err != nil {
				return err
			}
			place, err := luksPlaceOf(c, c.Args().Get(0))
			if err != nil {
				return err
			}
			return luksVolumeKey(c.Context, s, place, c.Args().Get(1), k, c.Bool("force"))
		}),
	}
}

// luksVolumeKey writes the key.
func luksVolumeKey(ctx context.Context, s ui.Streams, place luksPlace, out string, k luksKey, force bool) (err error) {
	if out == "-" {
		return ui.Usagef("OUT: the key goes to a file only")
	}
	im, err := openLUKS(s, place)
	if err != nil {
		return err
	}
	defer closeInto(im, &err)
	file, err := ui.CreateOutput(out, ui.OutputOptions{Force: force, Perm: 0o600})
	if err != nil {
		return err
	}
	defer file.Close()
	key, err := k.unlock(ctx, s, im.header)
	if err != nil {
		return err
	}
	defer key.Wipe()
	if _, err := file.Write(key.Bytes()); err != nil {
		return err
	}
	return ui.CommitAll(file)
}
