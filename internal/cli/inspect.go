package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume/probe"
)

// inspectOptions is what `inspect` is told.
type inspectOptions struct {
	images         []string
	offset, length int64 // bytes; length -1: to the end
	json           bool
	key            luksKey // opens LUKS layers, if given
}

func inspectCommand() *urfave.Command { return inspectVerb() }

// inspectVerb makes the command, which is a noun of its own and a verb of volume.
func inspectVerb() *urfave.Command {
	return &urfave.Command{
		Name: "inspect", Usage: "say what an image holds and what would open it", ArgsUsage: "IMAGE…",
		Description: `Recognises partition tables (GPT, MBR), LUKS, dm-verity and dm-integrity superblocks, metadata of other
device-mapper targets, LVM2, MD RAID, file systems, swap and disk files of hypervisors, and prints what their
headers say. Partitions are looked into one level deep. LUKS is decrypted to see what is inside when a
passphrase or key is given by a flag. Damage is listed as "problem"
lines; the exit status is 0 as long as the image could be read.
Where a table opens what was found, the lines are printed: put them into a file for
"dmimg volume read --table FILE". Words in capitals in them (KEY, ROOT, DATA, SIZE) are yours to fill in;
KEY is the key in hex, or a reference such as :64:logon:name with --key name=FILE.
An image without any signature is "unknown"; "empty" has zeros only at its start.`,
		Flags: append(luksKeyFlags(),
			ui.SizeFlag("offset", "look at byte `OFFSET` of the image (default 0)"),
			ui.SizeFlag("length", "look at `BYTES` from there only (default: to the end)"),
			ui.JSONFlag(),
		),
		Action: verb(1, anyNumber, func(c *urfave.Context, s ui.Streams) error {
			key, err := luksKeyOf(c)
			if err != nil {
				return err
			}
			return inspectImages(c.Context, s, inspectOptions{
				images: c.Args().Slice(), offset: ui.SizeOf(c, "offset", 0), length: ui.SizeOf(c, "length", -1), json: c.Bool("json"), key: key,
			})
		}),
	}
}

// inspected is one image with what was found in it.
type inspected struct {
	path  string
	size  int64
	layer *probe.Layer

	luks *luksInspector // what was decrypted; may be nil
}

// inspectImages describes each image. One that cannot be read does not keep the others from being described.
func inspectImages(ctx context.Context, s ui.Streams, o inspectOptions) error {
	opener, err := newLUKSInspector(ctx, s, o.key)
	if err != nil {
		return err
	}
	var found []inspected
	var failed []error
	for _, path := range o.images {
		i, err := inspectImage(ctx, s.In, path, o, opener)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		found = append(found, i)
	}
	failed = append(failed, opener.end(s))
	if o.json {
		err = ui.WriteJSON(s.Out, inspectReport(found))
	} else {
		err = writeInspected(s.Out, found)
	}
	return errors.Join(append([]error{err}, failed...)...)
}

func inspectImage(ctx context.Context, stdin io.Reader, path string, o inspectOptions, opener *luksInspector) (i inspected, err error) {
	if err := ctx.Err(); err != nil {
		return i, err
	}
	in, err := ui.OpenInput(ctx, path, stdin)
	if err != nil {
		return i, err
	}
	defer closeInto(in, &err)
	if in.IsStream() {
		return i, &ui.Error{
			Code: ui.ExitFailed, Hint: "save it to a file first",
			Err: fmt.Errorf("%s is a stream, and an image has to be read here and there", in.Name()),
		}
	}
	size := in.Size()
	if o.offset > size {
		return i, ui.Failf("%s: --offset %d is past the end: it has %s", path, o.offset, ui.FormatSize(size))
	}
	length := size - o.offset
	if o.length >= 0 {
		if o.length > length {
			return i, ui.Failf("%s: --length %d from offset %d is past the end: it has %s", path, o.length, o.offset, ui.FormatSize(size))
		}
		length = o.length
	}
	l, err := probe.Inspect(in, o.offset, length)
	if err != nil {
		return i, ui.Failf("%s: %w", path, err)
	}
	opener.look(ctx, in, path, l)
	return inspected{path, size, l, opener}, nil
}
