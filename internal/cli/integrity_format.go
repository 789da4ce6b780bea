package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/integrity"
)

// integrityFormatOptions is what `integrity format` is told.
type integrityFormatOptions struct {
	device, dataDevice string // dataDevice "": data and tags are on one
	config             integrity.FormatConfig
	hash               string // as the user calls it
	force, quiet, json bool
	progress           ui.ProgressMode
}

func integrityFormatCommand() *urfave.Command {
	flags := append(integrityShapeFlags(), integrityHashFlags()...)
	return &urfave.Command{
		Name: "format", Usage: "make DEV an integrity device", ArgsUsage: "DEV",
		Description: `DEV is a block device or a file that has its size already; nothing but its content changes. What is not
blank is overwritten only with --force. The journal is empty then, and every block zero with the tag that
belongs to it; with --no-wipe blocks stay as they are, and are errors until they are written. A kernel opens
it as if it had made it. With --data-device, DEV gets superblock, journal and tags, and the data is there.
  truncate -s 64M disk.img && dmimg integrity format disk.img`,
		Flags: append(flags,
			&urfave.StringFlag{Name: "data-device", Usage: "keep the data apart, on `DEV`"},
			&urfave.BoolFlag{Name: "no-wipe", Usage: "leave the blocks and their tags as they are"},
			&urfave.BoolFlag{Name: "batch-mode", Aliases: []string{"q"}, Usage: "print nothing, and overwrite what exists"},
			ui.ForceFlag(), ui.JSONFlag(), ui.ProgressFlag()),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			keys, err := integrityKeys(c, s.In)
			defer wipeKeys(keys)
			if err != nil {
				return err
			}
			config, err := integrityShape(c, keys)
			if err != nil {
				return err
			}
			config.NoWipe = c.Bool("no-wipe")
			return integrityFormat(c.Context, s, integrityFormatOptions{
				device: c.Args().First(), dataDevice: c.String("data-device"), config: config, hash: c.String("integrity"),
				force: c.Bool("force") || c.Bool("batch-mode"), quiet: c.Bool("batch-mode"),
				json: c.Bool("json"), progress: ui.ProgressOf(c),
			})
		}),
	}
}

// integrityFormat makes an integrity device.
func integrityFormat(ctx context.Context, s ui.Streams, o integrityFormatOptions) (err error) {
	device, data, closeAll, err := o.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	size, err := data.Size()
	if err != nil {
		return err
	}
	progress := ui.NewProgress(s.Err, o.progress, "wipe", size)
	defer progress.Close()
	done := int64(0)
	o.config.Progress = func(now int64) {
		progress.Add(now - done)
		done = now
	}
	var meta integrity.Storage
	if o.dataDevice != "" {
		meta = device
	}
	sb, l, err := integrity.Format(ctx, data, meta, o.config)
	if err != nil {
		return integrityFailure(o.device, err)
	}
	progress.Add(size - done) // what is not data
	progress.Finish()
	return o.print(s, sb, l)
}

// print reports what was made.
func (o integrityFormatOptions) print(s ui.Streams, sb *integrity.Superblock, l integrity.Layout) (err error) {
	switch {
	case o.json:
		err = ui.WriteJSON(s.Out, struct {
			integritySuperblock
			Integrity string `json:"integrity"`
			Journal   int64  `json:"journal_bytes"`
		}{newIntegritySuperblock(sb), o.hash, l.JournalSize()})
	case !o.quiet:
		_, err = fmt.Fprintf(s.Out, "Formatted with tag size %d, internal integrity %s.\n", sb.TagSize, o.hash)
	}
	return err
}

// open opens the devices for writing, after making sure that nothing is lost. device
// and data are the same without a data device.
func (o integrityFormatOptions) open() (device, data volume.Backend, closeAll func() error, err error) {
	if o.dataDevice != "" && ui.IsSameFile(ui.StatFile(o.device), ui.StatFile(o.dataDevice)) {
		return nil, nil, nil, ui.Usagef("--data-device %s: is DEV itself", o.dataDevice)
	}
	if device, err = o.openDevice(o.device); err != nil {
		return nil, nil, nil, err
	}
	if o.dataDevice == "" {
		return device, device, device.Close, nil
	}
	if data, err = o.openDevice(o.dataDevice); err != nil {
		return nil, nil, nil, errors.Join(err, device.Close())
	}
	return device, data, func() error { return errors.Join(data.Close(), device.Close()) }, nil
}

func (o integrityFormatOptions) openDevice(path string) (volume.Backend, error) {
	b, err := volume.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, ui.Hint(err, "DEV must be there, with the size that it shall have: truncate -s 64M %s", path)
	}
	if o.force {
		return b, nil
	}
	blank, err := isUnused(b)
	if err == nil && !blank {
		err = ui.Hint(ui.Failf("%s is not blank: formatting destroys what is on it", path), "--force overwrites it")
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// probed is how many bytes at both ends of a device are looked at: all formats that
// are recognised have something there.
const probed = 128 << 10

// isUnused says whether both ends of a device are zeros.
func isUnused(b volume.Backend) (bool, error) {
	size, err := b.Size()
	if err != nil {
		return false, err
	}
	for _, from := range []int64{0, max(0, size-probed)} {
		p := make([]byte, min(probed, size-from))
		if n, err := b.ReadAt(p, from); n < len(p) {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return false, err
		}
		for _, v := range p {
			if v != 0 {
				return false, nil
			}
		}
	}
	return true, nil
}
