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
	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/stack"
)

// luksImage is an image whose header was read.
type luksImage struct {
	path   string
	data   volume.Backend
	detach volume.Backend // of the header; nil if it is in the image
	size   int64          // bytes of data
	header *luks.Header
}

// openLUKS opens an image and reads its header, which may be in a file of its own. What
// is wrong with a header that can be used all the same is a warning on s.Err.
func openLUKS(s ui.Streams, path, headerPath string) (im *luksImage, err error) {
	im = &luksImage{path: path}
	defer func() {
		if err != nil {
			err = errors.Join(err, im.Close())
		}
	}()
	if im.data, err = volume.OpenFile(path, os.O_RDONLY, 0); err != nil {
		return im, err
	}
	if im.size, err = im.data.Size(); err != nil {
		return im, err
	}
	source, name := im.data, path
	if headerPath != "" {
		name = headerPath
		if im.detach, err = volume.OpenFile(headerPath, os.O_RDONLY, 0); err != nil {
			return im, err
		}
		source = im.detach
	}
	if im.header, err = luks.Read(source); err != nil {
		err = ui.Failf("%s: %w", name, err)
		if errors.Is(err, luks.ErrNotLUKS) {
			err = ui.Hint(err, `"dmimg inspect" says what it is; --header FILE names a detached header`)
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

// headerSource is the file that the header is in.
func (im *luksImage) headerSource() volume.Backend {
	if im.detach != nil {
		return im.detach
	}
	return im.data
}

// luksName is what the mapped device is called in tables.
const luksName = "luks"

// deviceOptions are those of the data in the image.
func (im *luksImage) deviceOptions() luks.DeviceOptions {
	return luks.DeviceOptions{
		Name: luksName, Device: im.path, DeviceSize: im.size,
		Integrity: func(off int64) (luks.IntegrityArea, error) { return integrityUnder(im.data, im.size, off) },
	}
}

// integrityUnder reads the dm-integrity superblock that is under a segment with tags.
func integrityUnder(data io.ReaderAt, size, off int64) (area luks.IntegrityArea, err error) {
	sb, err := integrity.ReadSuperblock(data, off)
	if err != nil {
		return area, err
	}
	layout, err := integrity.NewLayout(sb.Geometry(off), size, 0)
	if err != nil {
		return area, err
	}
	area = luks.IntegrityArea{TagSize: uint64(sb.TagSize), DataSize: uint64(layout.Size())}
	if sb.Flags&integrity.FlagFixPadding != 0 {
		area.Features = []string{"fix_padding"}
	}
	return area, nil
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
	return &openVolume{Stack: s, devices: maskKeys(devices), words: map[string]string{im.path: im.path}}, nil
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
		return ui.Hint(ui.Failf("%s: %w", im.path, err), "if %s is a header only, give it as --header, with the image of the data", filepath.Base(im.path))
	}
	return err
}

// unlockLUKS opens an image with its key, for reading or (os.O_RDWR) writing; both are to be closed.
func unlockLUKS(ctx context.Context, s ui.Streams, o volumeSource, flag int) (v *openVolume, key *luks.Key, err error) {
	im, err := openLUKS(s, o.luks, o.header)
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
	if o.header != "" {
		v.words["the header"] = o.header
	}
	return v, key, nil
}
