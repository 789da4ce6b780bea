package cli

import (
	"context"
	"errors"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// luksFormatOptions is what `luks format` is told.
type luksFormatOptions struct {
	place          luksPlace
	format         luks.FormatOptions // without the volume key
	volumeKeyFile  string             // "": a random key
	pass           newPassphrase
	size, dataSize int64 // bytes of a new IMAGE, or of its data; 0: IMAGE is there
	noWipe         bool
	force, json    bool
	progress       ui.ProgressMode
	jobs           int
}

func luksFormatCommand() *urfave.Command {
	flags := append(newPassphraseFlags(""), luksSlotFlags()...)
	flags = append(append(flags, luksShapeFlags()...), luksPlaceFlags()...)
	return &urfave.Command{
		Name: "format", Usage: "make IMAGE a LUKS image", ArgsUsage: "IMAGE",
		Description: `IMAGE is a block device or a file that has its size already; what is not blank is overwritten only with
--force. With --size or --data-size it is a new file, which appears when it is done, or not at all. The data
reads as noise until it is written ("dmimg luks encrypt"); with --integrity it is zeros, but for
--integrity-no-wipe: then sectors are errors until they are written. With --header the header goes to a file
of its own, which is made if it is not there, and IMAGE stays as it is (with --integrity its data does not).
The passphrase comes from --passphrase-file (one final newline is dropped), from --key-file (all bytes of it;
- is standard input), or is asked for on the terminal, twice. The volume key is random, or --volume-key-file.
` + luksCostHelp + `
  dmimg luks format disk.img --data-size 1G --passphrase-file pass`,
		Flags: append(flags, ui.ForceFlag(), ui.JSONFlag(), ui.ProgressFlag(), ui.JobsFlag()),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			o := luksFormatOptions{
				volumeKeyFile: c.String("volume-key-file"),
				size:          ui.SizeOf(c, "size", 0), dataSize: ui.SizeOf(c, "data-size", 0), noWipe: c.Bool("integrity-no-wipe"),
				force: c.Bool("force"), json: c.Bool("json"), progress: ui.ProgressOf(c), jobs: ui.JobsOf(c),
			}
			var err error
			if o.place, err = luksPlaceOf(c, c.Args().First()); err != nil {
				return err
			}
			if o.pass, err = newPassphraseOf(c, ""); err != nil {
				return err
			}
			if o.format, err = luksShapeOf(c); err != nil {
				return err
			}
			if err := o.check(c); err != nil {
				return err
			}
			return luksFormat(c.Context, s, o)
		}),
	}
}

// check finds wrong use.
func (o luksFormatOptions) check(c *urfave.Context) error {
	switch {
	case o.place.image == "-" || o.place.header == "-":
		return ui.Usagef("a LUKS image cannot be -: it is not written in order")
	case o.volumeKeyFile == "-" && o.pass.usesStdin():
		return ui.Usagef("standard input cannot be several things at once")
	case c.IsSet("size") && c.IsSet("data-size"):
		return ui.Usagef("--size and --data-size exclude each other")
	case c.IsSet("size") && o.size == 0 || c.IsSet("data-size") && o.dataSize == 0:
		return ui.Usagef("a new image of 0 bytes")
	case (o.size > 0 || o.dataSize > 0) && o.place.isPart():
		return ui.Usagef("--size and --data-size make a new file, which has no partitions yet")
	case o.dataSize > 0 && o.format.Integrity != "":
		return ui.Usagef("--data-size: what tags and journal take away depends on the size; give --size of the whole image")
	case o.format.Integrity == "" && (o.noWipe || o.format.IntegrityLegacyPadding):
		return ui.Usagef("--integrity-no-wipe and --integrity-legacy-padding: only with --integrity")
	}
	return nil
}

// luksFormat makes a LUKS image.
func luksFormat(ctx context.Context, s ui.Streams, o luksFormatOptions) (err error) {
	defer limitJobs(o.jobs)()
	t, err := o.open(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	key, err := o.write(ctx, s, t)
	if err != nil {
		return err
	}
	defer key.Wipe()
	h, err := luks.Read(t.header)
	if err != nil {
		return err
	}
	if err := t.fit(h, o.dataSize); err != nil {
		return err
	}
	if o.format.Integrity != "" {
		if err := o.makeIntegrity(ctx, s, t, h, key); err != nil {
			return err
		}
	}
	if err := t.commit(); err != nil {
		return err
	}
	return o.report(s, h, key)
}

// write reads the secrets and writes the header.
func (o luksFormatOptions) write(ctx context.Context, s ui.Streams, t *luksTargets) (*luks.Key, error) {
	f := o.format
	f.Detached = o.place.header != ""
	f.DataSize = -1
	switch size, err := t.data.Size(); {
	case err != nil:
		return nil, err
	case o.dataSize == 0:
		f.DataSize = size
	case f.SectorSize == 0 && f.Version == 2 && o.dataSize%4096 == 0:
		f.SectorSize = 4096 // as for a device of known size
	}
	if o.volumeKeyFile != "" {
		key, err := ui.ReadKeyFile(ctx, ui.KeyFile{Path: o.volumeKeyFile}, s.In)
		if err != nil {
			return nil, err
		}
		defer ui.Wipe(key)
		f.VolumeKey = key
	}
	pass, err := o.pass.read(ctx, s)
	defer ui.Wipe(pass)
	if err != nil {
		return nil, err
	}
	key, err := luks.Format(ctx, t.header, pass, f)
	if errors.Is(err, luks.ErrNoRoom) && f.Version == 2 {
		err = ui.Hint(err, "--offset 1M --luks2-keyslots-size 512K leaves more room for data, and less for key slots")
	}
	return key, wrongOption(err)
}
