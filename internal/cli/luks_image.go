package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/stack"
)

// luksImage is an image whose header was read.
type luksImage struct {
	place      luksPlace
	data       volume.Backend
	detach     volume.Backend // of the header; nil if it is in the image
	start, end int64          // bytes of data: where the image is in it
	header     *luks.Header
}

// openLUKS opens an image and reads its header, which may be in a file of its own. What
// is wrong with a header that can be used all the same is a warning on s.Err.
func openLUKS(s ui.Streams, place luksPlace) (im *luksImage, err error) {
	im = &luksImage{place: place}
	defer func() {
		if err != nil {
			err = errors.Join(err, im.Close())
		}
	}()
	if im.data, err = volume.OpenFile(place.image, os.O_RDONLY, 0); err != nil {
		return im, err
	}
	size, err := im.data.Size()
	if err != nil {
		return im, err
	}
	if im.start, im.end, err = place.within(s, im.data, size); err != nil {
		return im, err
	}
	name := place.String()
	if place.header != "" {
		name = place.header
		if im.detach, err = volume.OpenFile(place.header, os.O_RDONLY, 0); err != nil {
			return im, err
		}
	}
	if im.header, err = luks.Read(im.headerSource()); err != nil {
		err = ui.Failf("%s: %w", name, err)
		if errors.Is(err, luks.ErrNotLUKS) {
			err = ui.Hint(err, "%s", place.notLUKS(im.data, size))
		}
		return im, err
	}
	for _, p := range im.header.Problems {
		ui.Warnf(s.Err, "%s: %s", name, p)
	}
	return im, nil
}

// Close closes the files.
func (im *luksImage) Close() error {
	var errs []error
	for _, b := range []volume.Backend{im.data, im.detach} {
		if b != nil {
			errs = append(errs, b.Close())
		}
	}
	return errors.Join(errs...)
}

// headerSource is what begins with the header.
func (im *luksImage) headerSource() io.ReaderAt {
	if im.detach != nil {
		return im.detach
	}
	return io.NewSectionReader(im.data, im.start, im.end-im.start)
}

// luksName is what the mapped device is called in tables.
const luksName = "luks"

// deviceOptions are those of the data in the image.
func (im *luksImage) deviceOptions() luks.DeviceOptions {
	return luks.DeviceOptions{
		Name: luksName, Device: im.place.image, DeviceSize: im.end, Offset: im.start,
		Integrity: func(off int64) (luks.IntegrityArea, error) { return stack.IntegrityUnder(im.data, im.end, off) },
	}
}

// open opens the data with the key, through the tables that a kernel would be given.
func (im *luksImage) open(key *luks.Key, flag int) (*openVolume, error) {
	devices, err := im.header.Devices(key, im.deviceOptions())
	if err != nil {
		return nil, im.explain(err)
	}
	defer luks.WipeTables(devices)
	s, err := stack.Open(stack.Options{Options: volume.Options{Flag: flag}}, devices, luksName)
	if err != nil {
		return nil, err
	}
	return &openVolume{Stack: s, devices: maskKeys(devices), words: map[string]string{im.place.image: im.place.image}}, nil
}

// maskKeys drops the tables, which held keys; what is left are the names.
func maskKeys(devices []tables.Device) []tables.Device {
	names := make([]tables.Device, len(devices))
	for i, d := range devices {
		names[i] = tables.Device{Name: d.Name}
	}
	return names
}

func (im *luksImage) explain(err error) error {
	if errors.Is(err, luks.ErrNoData) && im.detach == nil {
		return ui.Hint(ui.Failf("%s: %w", im.place, err), "if %s is a header only, give it as --header, with the image of the data", filepath.Base(im.place.image))
	}
	return err
}

// unlockLUKS opens an image with its key, for reading or (os.O_RDWR) writing; both are to be closed.
func unlockLUKS(ctx context.Context, s ui.Streams, o volumeSource, flag int) (v *openVolume, key *luks.Key, err error) {
	im, err := openLUKS(s, o.luks)
	if err != nil {
		return nil, nil, err
	}
	defer closeInto(im, &err)
	if key, err = o.key.unlock(ctx, s, im.header); err != nil {
		return nil, nil, err
	}
	if v, err = im.open(key, flag); err != nil {
		key.Wipe()
		return nil, nil, err
	}
	if o.luks.header != "" {
		v.words["the header"] = o.luks.header
	}
	return v, key, nil
}
