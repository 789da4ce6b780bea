package cli

import (
	"context"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

func luksDecryptCommand() *urfave.Command {
	flags := append(luksKeyFlags(), luksPlaceFlags()...)
	flags = append(flags, rangeFlags()...)
	return &urfave.Command{
		Name: "decrypt", Usage: "decrypt the data of a LUKS image into the file OUT", ArgsUsage: "IMAGE OUT",
		Description: luksKeyHelp + `
OUT may be - for standard output; it appears when all of it is written, or not at all, and runs of zeros
become holes. --offset and --length are bytes of the decrypted volume. IMAGE is never changed.
Where sectors carry tags (integrity), those that do not authenticate are named and the exit status is 3.
  dmimg luks decrypt disk.img plain.img --passphrase-file pass
  dmimg luks decrypt whole-disk.img plain.img --partition 3 --passphrase-file pass`,
		Flags: append(flags, keepGoingFlag(), ui.ForceFlag(), ui.ProgressFlag(), ui.JobsFlag()),
		Action: verb(2, 2, func(c *urfave.Context, s ui.Streams) error {
			key, err := luksKeyOf(c)
			if err != nil {
				return err
			}
			place, err := luksPlaceOf(c, c.Args().Get(0))
			if err != nil {
				return err
			}
			return luksDecrypt(c.Context, s, volumeReadOptions{
				volumeSource: volumeSource{luks: place, key: key},
				byteRange:    rangeOf(c), out: c.Args().Get(1), keepGoing: c.Bool("keep-going"),
				force: c.Bool("force"), progress: ui.ProgressOf(c), jobs: ui.JobsOf(c),
			})
		}),
	}
}

// luksDecrypt writes the data of an image to a file.
func luksDecrypt(ctx context.Context, s ui.Streams, o volumeReadOptions) (err error) {
	defer limitJobs(o.jobs)()
	v, err := o.openSource(ctx, s, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer closeInto(v, &err)
	return o.copyOut(ctx, s, v, "decrypt")
}
