package activate

import (
	"context"
	"fmt"

	"github.com/dmimg/dmimg/kernel"
)

// Reload gives a device that is there its tables anew, as with other options or another
// length: it is suspended for a moment, and what is written meanwhile waits. One that is
// read-only stays so. When it fails the device runs on with the tables it had, and no key
// is left in the keyring.
//
// [ErrMismatch] when the device has another UUID, kernel.ErrNotFound when there is none.
func (a *Activator) Reload(ctx context.Context, name string, c Crypt) (kernel.Info, error) {
	info, err := a.reload(ctx, name, c)
	if err != nil {
		return kernel.Info{}, fmt.Errorf("activate: reloading %q: %w", name, err)
	}
	return info, nil
}

func (a *Activator) reload(ctx context.Context, name string, c Crypt) (info kernel.Info, err error) {
	ref := kernel.ByName(name)
	before, err := a.control.Info(ref, kernel.InfoOptions{})
	if err != nil {
		return info, err
	}
	if before.UUID != c.UUID {
		what := fmt.Sprintf("its UUID is %q, that of the device to reload is %q", before.UUID, c.UUID)
		return info, &MismatchError{Name: name, What: what}
	}
	d, err := c.device(name)
	if err != nil {
		return info, err
	}
	o := kernel.ReloadOptions{Load: kernel.LoadOptions{ReadOnly: d.readOnly || before.ReadOnly()}, Resume: d.resume}
	err = a.withKeys(d.keys, func() error {
		info, err = a.control.Reload(ctx, ref, o, d.tables...)
		return err
	})
	return info, err
}
