package cli

import (
	"context"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// volumeSource is what `volume read` and `volume write` work on: a device of a table, or the data of a LUKS
// image.
type volumeSource struct {
	volumeSelection
	luks luksPlace // an image instead of a table
	key  luksKey   // of luks
}

// sourceFlags are the flags of a source; what says what is done with a LUKS image.
func sourceFlags(what string) []urfave.Flag {
	flags := append(selectionFlags(""), &urfave.StringFlag{Name: "luks", Usage: what + " this LUKS `IMAGE` instead of a table's device"})
	return append(append(flags, luksKeyFlags()...), luksPlaceFlags()...)
}

func sourceOf(c *urfave.Context) (v volumeSource, err error) {
	v.volumeSelection = selectionOf(c, "")
	if v.luks, err = luksPlaceOf(c, c.String("luks")); err != nil {
		return v, err
	}
	v.key, err = luksKeyOf(c)
	return v, err
}

// checkSource finds wrong use: there is a table or a LUKS image, each with its own flags.
func (o volumeSource) checkSource() error {
	switch {
	case o.luks.image == "" && (o.key.given() || o.luks != luksPlace{} || o.key.options.Slots != nil):
		return ui.Usagef("flags for a passphrase or key of LUKS, or for where it is, need --luks IMAGE")
	case o.luks.image == "":
		return o.check("table")
	case o.table != "" || o.name != "" || len(o.maps)+len(o.keys)+len(o.messages) > 0:
		return ui.Usagef("--luks and the flags of a table exclude each other")
	}
	return nil
}

// usesStdin reports whether the table or a key comes through standard input.
func (o volumeSource) usesStdin() bool {
	if o.luks.image != "" {
		return o.key.usesStdin()
	}
	return o.table == "-" || o.keyFromStdin()
}

// openSource opens the volume; flag is os.O_RDONLY or os.O_RDWR.
func (o volumeSource) openSource(ctx context.Context, s ui.Streams, flag int) (*openVolume, error) {
	if o.luks.image == "" {
		v, err := o.open(ctx, s.In, flag)
		if flag == os.O_RDWR {
			err = writable(err)
		}
		return v, err
	}
	v, key, err := unlockLUKS(ctx, s, o, flag)
	if err != nil {
		return nil, err
	}
	key.Wipe() // the volume has its own
	return v, nil
}
