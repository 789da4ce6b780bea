package cli

import (
	"context"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

func luksBackupHeaderCommand() *urfave.Command {
	return &urfave.Command{
		Name: "backup-header", Usage: "copy header and key slots of a LUKS image to the file OUT", ArgsUsage: "IMAGE OUT",
		Description: `OUT is what "cryptsetup luksHeaderBackup" writes: everything before the data, or all that the header says it
has. It opens the data as a detached header (--header OUT), also after its passphrases were changed in
IMAGE: keep it as safe as a key.`,
		Flags: append(luksPlaceFlags(), ui.ForceFlag()),
		Action: verb(2, 2, func(c *urfave.Context, s ui.Streams) error {
			place, err := luksPlaceOf(c, c.Args().Get(0))
			if err != nil {
				return err
			}
			return luksBackupHeader(c.Context, s, place, c.Args().Get(1), c.Bool("force"))
		}),
	}
}

// luksBackupHeader copies the header.
func luksBackupHeader(ctx context.Context, s ui.Streams, place luksPlace, out string, force bool) (err error) {
	f, storage, err := openHeader(s, place, false)
	if err != nil {
		return err
	}
	defer closeInto(f, &err)
	if ui.IsSameFile(ui.StatFile(place.headerFile()), ui.StatFile(out)) {
		return ui.Usagef("IMAGE and OUT are the same file")
	}
	h, err := luks.Read(storage)
	if err != nil {
		return place.headerFailed(f, err)
	}
	for _, p := range h.Problems {
		ui.Warnf(s.Err, "%s: %s", place.headerName(), p)
	}
	file, err := ui.CreateOutput(out, ui.OutputOptions{Force: force, Perm: 0o400})
	if err != nil {
		return err
	}
	defer file.Close()
	if err := luks.Backup(storage, contextWriter{ctx, file}); err != nil {
		return ui.Failf("%s: %w", place.headerName(), err)
	}
	return ui.CommitAll(file)
}

// contextWriter writes until its context ends.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

// Write follows io.Writer.
func (c contextWriter) Write(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.w.Write(p)
}
