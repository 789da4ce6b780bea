package cli

import (
	"context"
	"errors"
	"math"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

func cryptCommand() *urfave.Command {
	return noun("crypt", "decrypt and encrypt images that have no header, with a raw key or a plain-mode passphrase (dm-crypt)",
		cryptDecryptCommand(),
		cryptEncryptCommand(),
		cryptCiphersCommand(),
	)
}

// defaultCipher is what --cipher stands at with a raw key; cryptsetup's for LUKS.
const defaultCipher = "aes-xts-plain64"

// cryptOptions is what `crypt decrypt` and `crypt encrypt` are told.
type cryptOptions struct {
	in, out    string
	config     crypt.Config // without the key
	key        keySource
	offset     int64 // bytes, where sector 0 is in the image
	length     int64 // bytes; -1: to the end of IN
	force      bool
	progress   ui.ProgressMode
	jobs       int
	decrypting bool
}

// cryptFlags are the flags of both verbs.
func cryptFlags() []urfave.Flag {
	flags := []urfave.Flag{
		&urfave.StringFlag{Name: "cipher", Usage: "cipher specification `SPEC` as on a crypt table line (default: " + defaultCipher + ")"},
		ui.SizeFlag("sector-size", "`BYTES` of an encryption sector: 512, 1024, 2048 or 4096 (default: 512)"),
		&urfave.BoolFlag{Name: "iv-large-sectors", Usage: "IVs count encryption sectors, not 512-byte sectors"},
		&urfave.Uint64Flag{Name: "iv-offset", Usage: "`SECTORS` of 512 bytes added to the number of each sector for its IV (default: 0)"},
		ui.SizeFlag("offset", "where the encrypted area begins in the image, in `BYTES` (default: 0)"),
		ui.SizeFlag("length", "how much to convert, in `BYTES` (default: to the end of IN)"),
	}
	flags = append(flags, keySourceFlags()...)
	return append(flags, ui.ForceFlag(), ui.ProgressFlag(), ui.JobsFlag())
}

// cryptAction makes the action of a verb that converts IN to OUT.
func cryptAction(decrypting bool) urfave.ActionFunc {
	return verb(2, 2, func(c *urfave.Context, s ui.Streams) error {
		o := cryptOptions{
			in: c.Args().Get(0), out: c.Args().Get(1), decrypting: decrypting,
			offset: ui.SizeOf(c, "offset", 0), length: ui.SizeOf(c, "length", -1),
			force: c.Bool("force"), progress: ui.ProgressOf(c), jobs: ui.JobsOf(c),
		}
		var err error
		if o.key, err = keySourceOf(c); err != nil {
			return err
		}
		if o.config, err = cryptConfigOf(c, o.key); err != nil {
			return err
		}
		return cryptConvert(c.Context, s, o)
	})
}

func cryptConfigOf(c *urfave.Context, key keySource) (crypt.Config, error) {
	spec := c.String("cipher")
	if !c.IsSet("cipher") {
		if key.plain {
			return crypt.Config{}, plainNeeds("--cipher")
		}
		spec = defaultCipher
	}
	size := ui.SizeOf(c, "sector-size", 512)
	if size < 512 || size > 4096 || size&(size-1) != 0 {
		return crypt.Config{}, ui.Usagef("--sector-size %d: 512, 1024, 2048 or 4096", size)
	}
	return crypt.Config{
		Spec: spec, SectorSize: int(size),
		IVLargeSectors: c.Bool("iv-large-sectors"), IVOffset: c.Uint64("iv-offset"),
	}, nil
}

// newSectorCipher reads the key and makes the cipher; the key is wiped.
func newSectorCipher(ctx context.Context, s ui.Streams, o cryptOptions) (crypt.SectorCipher, error) {
	key, err := o.key.read(ctx, s)
	if err != nil {
		return nil, err
	}
	defer ui.Wipe(key)
	config := o.config
	config.Key = key
	cipher, err := crypt.NewCipher(config)
	for _, wrong := range []error{crypt.ErrSpec, crypt.ErrSectorSize, crypt.ErrUnaligned} {
		if errors.Is(err, wrong) { // flags that cannot be, as against names that are not known
			return nil, &ui.Error{Code: ui.ExitWrongUse, Err: err}
		}
	}
	return cipher, err
}

// checkRange refuses a range of sectors that is not whole, or beyond what an offset
// can say.
func (o cryptOptions) checkRange() error {
	unit := int64(o.config.SectorSize)
	switch {
	case o.length > 0 && o.length%unit != 0:
		return ui.Usagef("--length %d: not a multiple of the sector size %d", o.length, unit)
	case o.length == 0:
		return ui.Usagef("--length 0: nothing to do")
	case o.length > math.MaxInt64-o.offset:
		return ui.Usagef("--offset %d and --length %d: beyond the largest offset", o.offset, o.length)
	}
	return nil
}
