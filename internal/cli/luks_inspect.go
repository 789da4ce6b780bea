package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/probe"
	"github.com/dmimg/dmimg/volume/stack"
)

// decrypted is what was found inside a LUKS layer.
type decrypted struct {
	by    string // what opened it
	layer *probe.Layer
}

// luksInspector opens the LUKS layers of images with one key.
type luksInspector struct {
	key    luksKey
	secret []byte // the passphrase or volume key, read once
	inside map[*probe.Layer]decrypted
	found  int // LUKS layers
	failed error
}

// newLUKSInspector reads the key, if one is given; nil otherwise.
func newLUKSInspector(ctx context.Context, s ui.Streams, key luksKey) (*luksInspector, error) {
	if !key.given() {
		return nil, nil
	}
	secret, err := key.read(ctx, s)
	if err != nil {
		return nil, err
	}
	return &luksInspector{key: key, secret: secret, inside: make(map[*probe.Layer]decrypted)}, nil
}

// content is what was found inside a layer, if it was opened.
func (i *luksInspector) content(l *probe.Layer) (decrypted, bool) {
	if i == nil {
		return decrypted{}, false
	}
	d, ok := i.inside[l]
	return d, ok
}

// look opens l, and what is in its partitions, as far as that is LUKS. A layer that does
// not open gets a problem line.
func (i *luksInspector) look(ctx context.Context, image io.ReaderAt, path string, l *probe.Layer) {
	if i == nil || l == nil {
		return
	}
	if l.Kind == "luks1" || l.Kind == "luks2" {
		i.found++
		d, err := i.open(ctx, image, path, l)
		if err == nil {
			i.inside[l] = d
			return
		}
		i.failed = errors.Join(i.failed, fmt.Errorf("%s: %w", path, err))
		l.Problems = append(l.Problems, "it was not opened: "+err.Error())
		return
	}
	for _, p := range l.Partitions {
		i.look(ctx, image, path, p.Content)
	}
}

// open decrypts a layer to see what is inside.
func (i *luksInspector) open(ctx context.Context, image io.ReaderAt, path string, l *probe.Layer) (d decrypted, err error) {
	h, err := luks.Read(io.NewSectionReader(image, l.Offset, l.Size))
	if err != nil {
		return d, err
	}
	key, err := i.key.unlockWith(ctx, h, i.secret)
	if err != nil {
		return d, err
	}
	defer key.Wipe()
	end := l.Offset + l.Size
	devices, err := h.Devices(key, luks.DeviceOptions{
		Name: luksName, Device: path, DeviceSize: end, Offset: l.Offset,
		Integrity: func(off int64) (luks.IntegrityArea, error) { return stack.IntegrityUnder(image, end, off) },
	})
	if err != nil {
		return d, err
	}
	defer luks.WipeTables(devices)
	v, err := stack.Open(stack.Options{}, devices, luksName)
	if err != nil {
		return d, err
	}
	defer closeInto(v, &err)
	size, err := v.Size()
	if err != nil {
		return d, err
	}
	layer, err := probe.Inspect(volume.Bytes(v), 0, size)
	return decrypted{slotName(key), layer}, err
}

// end wipes the key and returns why nothing was opened, if nothing was.
func (i *luksInspector) end(s ui.Streams) error {
	if i == nil {
		return nil
	}
	ui.Wipe(i.secret)
	switch {
	case i.found == 0:
		ui.Warnf(s.Err, "the key was not used: there is no LUKS layer")
	case len(i.inside) == 0:
		return i.failed
	}
	return nil
}
