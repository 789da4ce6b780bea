package activate

import (
	"context"
	"errors"
	"time"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// undoTime bounds the removal of a device whose activation failed: udev may be what failed.
const undoTime = 30 * time.Second

// device is what to bring up.
type device struct {
	name, uuid string
	readOnly   bool
	resume     kernel.ResumeOptions
	keys       []key // in the keyring while the tables are loaded
	tables     []tables.Table
}

// bring creates a device, loads its tables and makes them live. When a step fails the
// device is removed again. The keys are gone when it returns.
func (a *Activator) bring(ctx context.Context, d device) (kernel.Info, error) {
	if err := tables.Validate(d.tables...); err != nil { // before anything exists
		return kernel.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return kernel.Info{}, err
	}
	if _, err := a.control.Create(d.name, kernel.CreateOptions{UUID: d.uuid}); err != nil {
		return kernel.Info{}, err
	}
	ref := kernel.ByName(d.name)
	err := a.withKeys(d.keys, func() error {
		_, err := a.control.Load(ref, kernel.LoadOptions{ReadOnly: d.readOnly}, d.tables...)
		return err
	})
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		var info kernel.Info
		if info, err = a.control.Resume(ctx, ref, d.resume); err == nil {
			return info, nil
		}
	}
	return kernel.Info{}, errors.Join(err, a.undo(ctx, d.name, d.resume.Udev.Flags))
}

// undo removes a device that should not be there after all.
func (a *Activator) undo(ctx context.Context, name string, flags kernel.UdevFlags) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	o := kernel.RemoveOptions{Retry: true, Udev: kernel.UdevOptions{Flags: flags}}
	_, err := a.control.Remove(ctx, kernel.ByName(name), o)
	if errors.Is(err, kernel.ErrNotFound) || errors.Is(err, kernel.ErrUdevTimeout) {
		return nil // somebody else removed it, or it is gone and only udev has not said so
	}
	return err
}
