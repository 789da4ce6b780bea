package activate

import (
	"context"
	"errors"
	"fmt"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// LUKS is the device of a LUKS volume whose key is known. Where its sectors carry tags
// there are two: the one of the name, and under it NAME_dif of the target integrity.
type LUKS struct {
	// Header is that of the volume, from wherever it was read.
	Header *luks.Header
	// Key is the volume key. It stays the caller's, who wipes it.
	Key *luks.Key `json:"-"`
	// Device is the block device with the data, see [AttachLoop] for files; Size is how
	// many bytes it has, and Offset where the volume begins on it, a multiple of 512.
	Device       string
	Size, Offset int64
	// Integrity tells of the superblock of dm-integrity on Device, as in
	// luks.DeviceOptions: package volume/integrity reads it. nil: volumes with tags are
	// luks.ErrUnsupported.
	Integrity func(offset int64) (luks.IntegrityArea, error)
	// NoJournal writes sectors and tags without the journal that keeps them together in a
	// crash.
	NoJournal bool
	// IgnoreFlags leaves out what the header asks of each activation, such as discards.
	IgnoreFlags bool
	// Options say how keys get to the kernel, what the target does beside what the header
	// asks for, and what udev is told. Tables, VolumeKey, KeyDescription and UUID are not
	// looked at: they are those of the header, as cryptsetup has them.
	Options Crypt
	// Existing says what to do when a device of the name is there already. [ReuseSame] and
	// [ReloadSame] take one that has the UUID of the volume and encrypts as its header says;
	// they do not tell a volume from its copy on another disk.
	Existing Existing
}

// LUKSResult is a LUKS volume that is mapped.
type LUKSResult struct {
	Info   kernel.Info
	Reused bool // it was there before, perhaps with another table
}

// integritySuffix ends the name of the device under a volume whose sectors carry tags.
const integritySuffix = "_dif"

// Format implements [fmt.Formatter], so that no verb prints a key.
func (l LUKS) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "activate.LUKS{%q on %q, a key that is not shown}", l.uuid(), l.Device)
}

func (l LUKS) uuid() string {
	if l.Header == nil {
		return ""
	}
	return l.Header.UUID()
}

// LUKSDeviceUUID is the UUID that cryptsetup gives to the device of this name over a LUKS
// volume.
func LUKSDeviceUUID(h *luks.Header, name string) string {
	return DeviceUUID(fmt.Sprintf("LUKS%d", h.Version), h.UUID(), name)
}

// LUKS makes the devices of a volume and returns when udev has made their nodes. When it
// fails nothing is left, but for a device that was there before: that one stays as it is.
//
// kernel.ErrExists or [ErrMismatch] when the name is taken, depending on Existing;
// [ErrKeyring] when the keyring is what failed; luks.ErrNoData, luks.ErrUnsupported and
// luks.ErrWrongKey as of luks.Header.Devices.
func (a *Activator) LUKS(ctx context.Context, name string, l LUKS) (LUKSResult, error) {
	result, err := a.luks(ctx, name, l)
	if err != nil {
		return LUKSResult{}, fmt.Errorf("activate: luks %q: %w", name, err)
	}
	return result, nil
}

func (a *Activator) luks(ctx context.Context, name string, l LUKS) (LUKSResult, error) {
	if l.Header == nil || l.Key == nil {
		return LUKSResult{}, errors.New("a header and a key are needed")
	}
	devices, err := l.Header.Devices(l.Key, luks.DeviceOptions{
		Name: name, Device: l.Device, DeviceSize: l.Size, Offset: l.Offset, Integrity: l.Integrity,
	})
	if err != nil {
		return LUKSResult{}, err
	}
	defer luks.WipeTables(devices)
	l.settle(devices)
	top := devices[len(devices)-1].Tables
	if err := a.needTarget("crypt", cryptKeyring, "keys in the keyring"); err != nil && l.Options.Place != KeyOnTableLine {
		return LUKSResult{}, err
	}
	result, found, err := a.existingLUKS(name, l, top)
	switch {
	case err != nil:
		return LUKSResult{}, err
	case found && l.Existing == ReloadSame:
		result.Info, err = a.reloadLUKS(ctx, name, l, top)
		return result, err
	case found:
		return result, nil
	}
	if len(devices) == 1 {
		info, err := a.bringLUKS(ctx, name, l, top)
		return LUKSResult{Info: info}, err
	}
	info, err := a.bringTagged(ctx, name, l, devices[0].Tables, top)
	return LUKSResult{Info: info}, err
}

// settle makes tables of a header those that are asked for.
func (l LUKS) settle(devices []tables.Device) {
	for _, d := range devices {
		for i, t := range d.Tables {
			switch t := t.(type) {
			case tables.CryptTable:
				if l.IgnoreFlags {
					t.Flags = nil
				}
				d.Tables[i] = t
			case tables.IntegrityTable:
				if l.IgnoreFlags {
					t.Mode = "J"
				}
				if l.NoJournal {
					t.Mode = "D"
				}
				d.Tables[i] = t
			}
		}
	}
}

// bringLUKS makes the device that the volume is read through.
func (a *Activator) bringLUKS(ctx context.Context, name string, l LUKS, ts []tables.Table) (kernel.Info, error) {
	d, err := l.crypt(name, ts).device(name)
	if err != nil {
		return kernel.Info{}, err
	}
	return a.bring(ctx, d)
}

// crypt is the device that the volume is read through.
func (l LUKS) crypt(name string, ts []tables.Table) Crypt {
	c := l.Options
	c.Tables, c.VolumeKey, c.KeyDescription, c.UUID = ts, nil, l.Header.KeyringDescription(), LUKSDeviceUUID(l.Header, name)
	return c
}

// reloadLUKS exchanges the table of the device that the volume is read through.
func (a *Activator) reloadLUKS(ctx context.Context, name string, l LUKS, ts []tables.Table) (kernel.Info, error) {
	if below := a.tagsOf(name); below != "" {
		info, err := a.control.Info(kernel.ByName(below), kernel.InfoOptions{})
		if err != nil {
			return kernel.Info{}, err
		}
		lieOn(ts, info)
	}
	return a.reload(ctx, name, l.crypt(name, ts))
}

// lieOn makes crypt tables name the device of their tags by its number: a node may be
// anywhere.
func lieOn(ts []tables.Table, below kernel.Info) {
	for i, t := range ts {
		if c, ok := tables.Unwrap(t).(tables.CryptTable); ok {
			c.BackendDevice = kernel.ByDevno(below.DevNo).String()
			ts[i] = c
		}
	}
}

// bringTagged makes the device that keeps the tags, hidden from what looks for file
// systems, and the one above it.
func (a *Activator) bringTagged(ctx context.Context, name string, l LUKS, under, ts []tables.Table) (kernel.Info, error) {
	below := device{
		name: name + integritySuffix, uuid: DeviceUUID("INTEGRITY", l.Header.UUID(), name+integritySuffix),
		readOnly: l.Options.ReadOnly, resume: l.Options.Resume, tables: under,
	}
	below.resume.Udev.Flags |= kernel.UdevPrivate
	lower, err := a.bring(ctx, below)
	if err != nil {
		return kernel.Info{}, fmt.Errorf("the device %s of its tags: %w", below.name, err)
	}
	lieOn(ts, lower)
	info, err := a.bringLUKS(ctx, name, l, ts)
	if err != nil {
		return kernel.Info{}, errors.Join(err, a.undo(ctx, below.name, below.resume.Udev.Flags))
	}
	return info, nil
}
