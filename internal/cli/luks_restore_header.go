package cli

import (
	"bytes"
	"context"
	"errors"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

func luksRestoreHeaderCommand() *urfave.Command {
	return &urfave.Command{
		Name: "restore-header", Usage: "put a backup of header and key slots back into a LUKS image", ArgsUsage: "IMAGE BACKUP",
		Description: `BACKUP is what "dmimg luks backup-header" or cryptsetup wrote. Only the passphrases of that day open the data
then. Where there is no valid header, or that of another volume, it is put only into blank space, or with
--force; one with which the data would be sought at another place is refused always.
` + luksEditHelp + `
  dmimg luks restore-header disk.img header.backup`,
		Flags: append(luksPlaceFlags(), ui.ForceFlag()),
		Action: verb(2, 2, func(c *urfave.Context, s ui.Streams) error {
			place, err := luksPlaceOf(c, c.Args().Get(0))
			if err != nil {
				return err
			}
			return luksRestoreHeader(c.Context, s, place, c.Args().Get(1), c.Bool("force"))
		}),
	}
}

// luksRestoreHeader writes a backup into an image.
func luksRestoreHeader(ctx context.Context, s ui.Streams, place luksPlace, backup string, force bool) (err error) {
	in, err := openSized(ctx, "BACKUP", backup)
	if err != nil {
		return err
	}
	defer in.Close()
	if ui.IsSameFile(in.Info(), ui.StatFile(place.headerFile())) {
		return ui.Usagef("IMAGE and BACKUP are the same file")
	}
	file, storage, err := openHeader(s, place, true)
	if err != nil {
		return err
	}
	defer closeInto(file, &err)
	blank, err := isZero(storage, in.Size())
	if err != nil {
		return err
	}
	err = luks.Restore(storage, in, in.Size(), luks.RestoreOptions{Replace: force || blank})
	if errors.Is(err, luks.ErrOtherVolume) {
		err = ui.Hint(err, "--force puts it there all the same; backup-header saves what is there")
	}
	if err != nil {
		return ui.Failf("%s: %w", place.headerName(), err)
	}
	return nil
}

// isZero reports whether the first size bytes, as far as they are there, are zeros.
func isZero(r io.ReaderAt, size int64) (bool, error) {
	buf := make([]byte, len(skipZeros))
	for off := int64(0); off < size; {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		if !bytes.Equal(buf[:n], skipZeros[:n]) {
			return false, nil
		}
		if off += int64(n); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return true, err
		}
	}
	return true, nil
}
