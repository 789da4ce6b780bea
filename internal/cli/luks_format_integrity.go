package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/stack"
)

// makeIntegrity makes the dm-integrity device that the tags of an image are in, and writes zeros to all
// sectors, so that each has its tag.
func (o luksFormatOptions) makeIntegrity(ctx context.Context, s ui.Streams, t *luksTargets, h *luks.Header, key *luks.Key) error {
	f, ok, err := h.IntegrityFormat()
	if err != nil || !ok {
		return err
	}
	_, _, err = integrity.Format(ctx, t.data, nil, integrity.FormatConfig{
		Reserved: f.Offset, TagSize: f.TagSize, BlockSize: f.SectorSize,
		LegacyPadding: f.LegacyPadding || o.format.IntegrityLegacyPadding, NoWipe: true,
		LegacyHMAC: true, // there is no MAC below the encryption: the kernel makes no salt then
	})
	if err != nil {
		return integrityFailure(o.place.String(), err)
	}
	if o.noWipe {
		return nil
	}
	if err := o.wipe(ctx, s, t, h, key); err != nil {
		return fmt.Errorf("%w (the header is made; sectors without a tag are errors until they are written)", err)
	}
	return nil
}

// wipe writes zeros to the whole volume. Nothing is in it, so that the journal is not needed.
func (o luksFormatOptions) wipe(ctx context.Context, s ui.Streams, t *luksTargets, h *luks.Header, key *luks.Key) (err error) {
	size, err := t.data.Size()
	if err != nil {
		return err
	}
	devices, err := h.Devices(key, luks.DeviceOptions{
		Name: luksName, Device: o.place.image, DeviceSize: size,
		Integrity: func(off int64) (luks.IntegrityArea, error) { return stack.IntegrityUnder(t.data, size, off) },
	})
	if err != nil {
		return err
	}
	defer luks.WipeTables(devices)
	if under, ok := devices[0].Tables[0].(tables.IntegrityTable); ok {
		under.Mode = "D"
		devices[0].Tables[0] = under
	}
	v, err := stack.Open(stack.Options{Options: volume.Options{Flag: os.O_RDWR, Open: openBorrowed(t.data)}}, devices, luksName)
	if err != nil {
		return err
	}
	defer closeInto(v, &err)
	return zeroVolume(ctx, s, v, o.progress)
}

// zeroVolume writes zeros to all of a volume.
func zeroVolume(ctx context.Context, s ui.Streams, v volume.Backend, mode ui.ProgressMode) error {
	size, err := v.Size()
	if err != nil {
		return err
	}
	progress := ui.NewProgress(s.Err, mode, "wipe", size)
	defer progress.Close()
	zeros := &paddedReader{r: io.MultiReader(), size: size}
	if _, err := copyChunks(ctx, &volumeWriter{w: volume.Bytes(v), size: size, progress: progress}, zeros); err != nil {
		return err
	}
	if err := v.Sync(); err != nil {
		return err
	}
	progress.Finish()
	return nil
}
