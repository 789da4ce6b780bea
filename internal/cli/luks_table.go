package cli

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/tables"
)

// luksTableOptions is what `luks table` is told.
type luksTableOptions struct {
	place           luksPlace
	key             luksKey
	name, device    string
	keyring         string // description of the key
	showKeys, named bool
	json            bool
}

func luksTableCommand() *urfave.Command {
	return &urfave.Command{
		Name: "table", Usage: "print the table that activates a LUKS image in a kernel", ArgsUsage: "IMAGE",
		Description: `The key is a reference to the kernel's keyring, as cryptsetup names it or as --keyring says; no passphrase is
needed for that. With --show-keys the image is unlocked and the key itself is on the line.
With --partition or --image-offset the line counts from the start of IMAGE, and the WORD of --device is the
whole disk, too. Where sectors carry tags there are two devices, and lines begin with their names: the lower one has the
suffix _dif.
` + luksKeyHelp + `
  dmimg luks table disk.img --device /dev/sda2`,
		Flags: append(append(luksKeyFlags(), luksPlaceFlags()...),
			&urfave.BoolFlag{Name: "show-keys", Usage: "unlock the image and print the key"},
			&urfave.StringFlag{Name: "keyring", Usage: "refer to the key as `DESCRIPTION` (default: cryptsetup's)"},
			&urfave.StringFlag{Name: "device", Usage: "what the table calls the data device: `WORD` (default: IMAGE)"},
			&urfave.StringFlag{Name: "name", Usage: "call the device `NAME` and begin its lines with it"},
			ui.JSONFlag(), ui.JobsFlag()),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			o := luksTableOptions{
				name: c.String("name"), device: c.String("device"),
				keyring: c.String("keyring"), showKeys: c.Bool("show-keys"), named: c.IsSet("name"), json: c.Bool("json"),
			}
			if o.showKeys && o.keyring != "" {
				return ui.Usagef("--show-keys and --keyring exclude each other")
			}
			var err error
			if o.place, err = luksPlaceOf(c, c.Args().First()); err != nil {
				return err
			}
			if o.key, err = luksKeyOf(c); err != nil {
				return err
			}
			return luksTable(c.Context, s, o)
		}),
	}
}

// luksTable prints the table.
func luksTable(ctx context.Context, s ui.Streams, o luksTableOptions) (err error) {
	im, err := openLUKS(s, o.place)
	if err != nil {
		return err
	}
	defer closeInto(im, &err)
	d := im.deviceOptions()
	if o.named {
		d.Name = o.name
	}
	if o.device != "" {
		d.Device = o.device
	}
	var key *luks.Key
	if o.showKeys || o.key.given() {
		if key, err = o.key.unlock(ctx, s, im.header); err != nil {
			return err
		}
		defer key.Wipe()
	}
	if !o.showKeys {
		if d.KeyDescription = o.keyring; o.keyring == "" {
			d.KeyDescription = im.header.KeyringDescription()
		}
	}
	devices, err := im.header.Devices(key, d)
	if err != nil {
		return im.explain(err)
	}
	defer luks.WipeTables(devices)
	if len(devices) == 1 && !o.named {
		devices[0].Name = ""
	}
	return writeLUKSTable(s, devices, o)
}

// writeLUKSTable prints tables as text or JSON.
func writeLUKSTable(s ui.Streams, devices []tables.Device, o luksTableOptions) error {
	if o.json {
		return tables.EncodeJSON(s.Out, tables.JSONOptions{ShowKeys: o.showKeys}, devices...)
	}
	if len(devices) == 1 && devices[0].Name == "" {
		return tables.Format(s.Out, devices[0].Tables...)
	}
	return tables.FormatDevices(s.Out, devices...)
}
