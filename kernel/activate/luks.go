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
	// Options say how keys get to the kernel, what the target does beside what the header
	// asks for, and what udev is told. Tables, VolumeKey, KeyDescription and UUID are not
	// looked at: they are those of the header, as cryptsetup has them.
	Options Crypt
	// Existing says what to do when a device of the name is there already. [ReuseSame]
	// takes one that has the UUID of the volume and encrypts as its header says; it does
	// not tell a volume from its copy on another disk.
	Existing Existing
}

// LUKSResult is a LUKS volume that is mapped.
type LUKSResult struct {
	Info   kernel.Info
	Reused bool // it was there before
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
	top := devices[len(devices)-1].Tables
	if result, found, err := a.existingLUKS(name, l, top); found || err != nil {
		return result, err
	}
	if err := a.needTarget("crypt", cryptKeyring, "keys in the keyring"); err != nil && l.Options.Place != KeyOnTableLine {
		return LUKSResult{}, err
	}
	if len(devices) == 1 {
		info, err := a.bringLUKS(ctx, name, l, top)
		return LUKSResult{Info: info}, err
	}
	if t, ok := devices[0].Tables[0].(tables.IntegrityTable); ok && l.NoJournal {
		t.Mode = "D"
		devices[0].Tables[0] = t
	}
	info, err := a.bringTagged(ctx, name, l, devices[0].Tables, top)
	return LUKSResult{Info: info}, err
}

// bringLUKS makes the device that the volume is read through.
func (a *Activator) bringLUKS(ctx context.Context, name string, l LUKS, ts []tables.Table) (kernel.Info, error) {
	c := l.Options
	c.Tables, c.VolumeKey, c.KeyDescription, c.UUID = ts, nil, l.Header.KeyringDescription(), LUKSDeviceUUID(l.Header, name)
	d, err := c.device(name)
	if err != nil {
		return kernel.Info{}, err
	}
	return a.bring(ctx, d)
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
	for i, t := range ts { // by number: a node may be anywhere
		if c, ok := tables.Unwrap(t).(tables.CryptTable); ok {
			c.BackendDevice = kernel.ByDevno(lower.DevNo).String()
			ts[i] = c
		}
	}
	info, err := a.bringLUKS(ctx, name, l, ts)
	if err != nil {
		return kernel.Info{}, errors.Join(err, a.undo(ctx, below.name, below.resume.Udev.Flags))
	}
	return info, nil
}
