package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/integrity"
)

// integrityCheckOptions is what `integrity check` is told.
type integrityCheckOptions struct {
	device, dataDevice string
	config             integrity.Config
	given              bool // the hash was named, not assumed
	json               bool
	progress           ui.ProgressMode
	jobs               int
}

func integrityCheckCommand() *urfave.Command {
	return &urfave.Command{
		Name: "check", Usage: "check every block of DEV against its tag", ArgsUsage: "DEV",
		Description: `Prints nothing and exits 0 when every block fits its tag; otherwise prints every damaged range, in bytes
of the data, and exits 3:
  corrupt blocks 17-19 offset 8704 length 1536       they do not fit their tags
  unreadable blocks 40-40 offset 20480 length 512    the device failed
Nothing is written: blocks that are still in the journal are checked there. Blocks whose tags are yet to be
computed anew, after a crash in bitmap mode, are not errors, as for the kernel.`,
		Flags: append(integrityHashFlags(),
			&urfave.StringFlag{Name: "data-device", Usage: "the data is apart, on `DEV`"},
			ui.SizeFlag("offset", "where the superblock is, in `BYTES` (default: 0)"),
			&urfave.StringFlag{Name: "mode", Value: "J", Usage: "as which `MODE` of the kernel: J, B or D"},
			&urfave.Uint64Flag{Name: "bitmap-sectors-per-bit", Usage: "`SECTORS` for each bit of the bitmap, with --mode B (default: 32768)"},
			&urfave.BoolFlag{Name: "allow-discards", Usage: "blocks that were discarded are no errors"},
			&urfave.BoolFlag{Name: "integrity-legacy-recalculate", Usage: "tags may be computed anew with a key"},
			ui.JSONFlag(), ui.ProgressFlag(), ui.JobsFlag()),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			keys, err := integrityKeys(c, s.In)
			defer wipeKeys(keys)
			if err != nil {
				return err
			}
			mode := c.String("mode")
			if mode != "J" && mode != "B" && mode != "D" {
				return ui.Usagef("--mode %q: want J, B or D", mode)
			}
			return integrityCheck(c.Context, s, integrityCheckOptions{
				device: c.Args().First(), dataDevice: c.String("data-device"), given: c.IsSet("integrity"),
				config: integrity.Config{
					Reserved: ui.SizeOf(c, "offset", 0), Mode: integrity.Mode(mode[0]),
					InternalHash: keys[0], JournalMAC: keys[1], JournalCrypt: keys[2],
					SectorsPerBit: c.Uint64("bitmap-sectors-per-bit"),
					AllowDiscards: c.Bool("allow-discards"), LegacyRecalculate: c.Bool("integrity-legacy-recalculate"),
				},
				json: c.Bool("json"), progress: ui.ProgressOf(c), jobs: ui.JobsOf(c),
			})
		}),
	}
}

// integrityCheck reads every block.
func integrityCheck(ctx context.Context, s ui.Streams, o integrityCheckOptions) (err error) {
	d, closeAll, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	progress := ui.NewProgress(s.Err, o.progress, "check", d.Size())
	defer progress.Close()
	damage, err := d.Check(ctx, o.jobs, progress.Add)
	if err != nil {
		return integrityFailure(o.device, err)
	}
	progress.Finish()
	return printIntegrityDamage(s, d, damage, o.json)
}

// open opens the device as its superblock says it is.
func (o integrityCheckOptions) open(ctx context.Context) (d *integrity.Device, closeAll func() error, err error) {
	sb, in, err := openSuperblock(ctx, o.device, o.config.Reserved)
	if err != nil {
		return nil, nil, err
	}
	if err := in.Close(); err != nil {
		return nil, nil, err
	}
	if err := o.fits(sb); err != nil {
		return nil, nil, err
	}
	o.config.TagSize, o.config.BlockSize = int(sb.TagSize), sb.BlockSize()
	var files []volume.Backend
	closeFiles := func() error {
		var errs []error
		for _, f := range files {
			errs = append(errs, f.Close())
		}
		return errors.Join(errs...)
	}
	for _, path := range []string{o.device, o.dataDevice} {
		if path == "" {
			continue
		}
		f, err := volume.OpenFile(path, os.O_RDONLY, 0)
		if err != nil {
			return nil, nil, errors.Join(err, closeFiles())
		}
		files = append(files, f)
	}
	data, meta := integrity.Storage(files[0]), integrity.Storage(nil)
	if len(files) > 1 {
		data, meta = files[1], files[0]
	}
	if d, err = integrity.Open(ctx, data, meta, o.config); err != nil {
		return nil, nil, errors.Join(integrityFailure(o.device, err), closeFiles())
	}
	return d, func() error { return errors.Join(d.Close(), closeFiles()) }, nil
}

// fits refuses to check with a hash that nobody named and that cannot be the right
// one, and devices whose tags only the layer above can check.
func (o integrityCheckOptions) fits(sb *integrity.Superblock) error {
	if o.config.InternalHash.Name == "" {
		return ui.Failf("%s: without a hash of its own its tags belong to encryption above, which alone can check them", o.device)
	}
	if !o.given && sb.TagSize != 4 {
		return ui.Hint(ui.Usagef("%s has tags of %d bytes, which are not those of %s", o.device, sb.TagSize, defaultIntegrity),
			"say with --integrity what they are")
	}
	if sb.MetaDevice() && o.dataDevice == "" {
		return ui.Hint(ui.Usagef("%s: the data is on a device of its own", o.device), "--data-device names it")
	}
	return nil
}

// integrityDamage is a damaged range as JSON has it.
type integrityDamage struct {
	FirstBlock int64  `json:"first_block"`
	LastBlock  int64  `json:"last_block"`
	Offset     int64  `json:"offset_bytes"`
	Length     int64  `json:"length_bytes"`
	Cause      string `json:"cause"` // corrupt, unreadable
}

// printIntegrityDamage lists damage, and returns the error to exit with.
func printIntegrityDamage(s ui.Streams, d *integrity.Device, damage []integrity.Damage, asJSON bool) error {
	list, total := []integrityDamage{}, int64(0)
	for _, x := range damage {
		block := int64(d.BlockSize)
		cause := map[bool]string{true: "corrupt", false: "unreadable"}[x.Corrupt]
		list = append(list, integrityDamage{x.Offset / block, (x.Offset+x.Length)/block - 1, x.Offset, x.Length, cause})
		total += x.Length
	}
	if asJSON {
		err := ui.WriteJSON(s.Out, struct {
			OK        bool              `json:"ok"`
			Checked   int64             `json:"checked_bytes"`
			Journaled int               `json:"journaled_blocks"`
			Damage    []integrityDamage `json:"damage"`
		}{len(list) == 0, d.Size(), d.Journaled(), list})
		if err != nil {
			return err
		}
	} else {
		for _, x := range list {
			if _, err := fmt.Fprintf(s.Out, "%s blocks %d-%d offset %d length %d\n", x.Cause, x.FirstBlock, x.LastBlock, x.Offset, x.Length); err != nil {
				return err
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	return ui.Corruptf("%d of %d bytes are damaged", total, d.Size())
}
