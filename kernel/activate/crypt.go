package activate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// KeyPlace says how a key gets to the kernel.
type KeyPlace int

// The places of keys.
const (
	// KeyLogon is a logon key in the keyring, which no program can read.
	KeyLogon KeyPlace = iota
	// KeyUser is a user key in the keyring, for kernels or policies without logon keys.
	KeyUser
	// KeyOnTableLine puts the key in hexadecimal on the table line: it then passes
	// through Go strings that cannot be wiped, and root can read it with dmsetup table
	// --showkeys for as long as the device lives. For kernels without keyrings.
	KeyOnTableLine
)

// Crypt is a device of the target crypt: one segment or several, with others such as linear
// between them. For LUKS volumes see [LUKS].
type Crypt struct {
	// Tables are the targets of the device. The [tables.CryptTable] ones get VolumeKey,
	// unless they have a Key of their own, which then takes the same way, or a KeyID. They
	// are not changed.
	Tables []tables.Table
	// VolumeKey is the key in raw bytes. It stays the caller's, who wipes it.
	VolumeKey []byte `json:"-"`
	// Place says how keys get to the kernel; the zero value is a logon key.
	Place KeyPlace
	// KeyDescription names the key in the keyring and on the table line; "" makes one of
	// the device's name: "dmimg:" and the name. Further keys have "-2", "-3", … behind.
	// cryptsetup's for LUKS2 is "cryptsetup:UUID-dN".
	KeyDescription string
	// UUID of the device, see [DeviceUUID]; "": none.
	UUID string
	// ReadOnly refuses writes.
	ReadOnly bool
	// The options of the target, see the CryptFlag constants of package tables. They are
	// added to those of the tables.
	AllowDiscards, SameCPUCrypt, SubmitFromCryptCPUs bool
	NoReadWorkqueue, NoWriteWorkqueue, HighPriority  bool
	// Resume says how nodes are made and what udev is told.
	Resume kernel.ResumeOptions
}

// Format implements [fmt.Formatter], so that no verb prints a key.
func (c Crypt) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "activate.Crypt{%d tables, UUID %q, a key of %d bytes}", len(c.Tables), c.UUID, len(c.VolumeKey))
}

// maxDeviceUUID is the kernel's limit of a device's UUID in bytes.
const maxDeviceUUID = 128

// DeviceUUID is the UUID that cryptsetup gives to the device of this name over an image:
// "CRYPT-", what it is ("LUKS2", "VERITY", "PLAIN"), the image's UUID without dashes if it
// has one, and the name; cut at the kernel's 128 bytes. The drop-in tools and systemd know
// devices by it.
func DeviceUUID(kind, imageUUID, name string) string {
	parts := []string{"CRYPT", kind}
	if imageUUID != "" {
		parts = append(parts, strings.ReplaceAll(imageUUID, "-", ""))
	}
	uuid := strings.Join(append(parts, name), "-")
	return uuid[:min(len(uuid), maxDeviceUUID)]
}

// cryptKeyring is the first version of the target whose keys in keyrings work.
var cryptKeyring = kernel.Version{Major: 1, Minor: 18, Patch: 1}

// Crypt makes the device and returns when udev has made its node. When it fails nothing is
// left: no device, and no key in the keyring. [ErrKeyring] when the keyring is what failed,
// kernel.ErrExists when the name or the UUID is taken, kernel.ErrBusy when a device below
// is in use.
func (a *Activator) Crypt(ctx context.Context, name string, c Crypt) (kernel.Info, error) {
	d, err := c.device(name)
	if err == nil && len(d.keys) > 0 {
		err = a.needTarget("crypt", cryptKeyring, "keys in the keyring")
	}
	var info kernel.Info
	if err == nil {
		info, err = a.bring(ctx, d)
	}
	if err != nil {
		return kernel.Info{}, fmt.Errorf("activate: crypt %q: %w", name, err)
	}
	return info, nil
}

// device is what to bring up, with the keys taken out of the tables.
func (c Crypt) device(name string) (device, error) {
	d := device{name: name, uuid: c.UUID, readOnly: c.ReadOnly, resume: c.Resume}
	if len(c.Tables) == 0 {
		return d, errors.New("no tables given")
	}
	for _, t := range c.Tables {
		if crypt, ok := tables.Unwrap(t).(tables.CryptTable); ok {
			t = c.segment(name, crypt, &d.keys)
		}
		d.tables = append(d.tables, t)
	}
	return d, nil
}

// segment is a crypt table with the options, and its key where it belongs.
func (c Crypt) segment(name string, t tables.CryptTable, keys *[]key) tables.CryptTable {
	t.Flags = c.flags(t)
	if t.Key == nil && t.KeyID == "" {
		t.Key = c.VolumeKey
	}
	if len(t.Key) == 0 || c.Place == KeyOnTableLine {
		return t
	}
	i := slices.IndexFunc(*keys, func(k key) bool { return bytes.Equal(k.payload, t.Key) })
	if i < 0 {
		i = len(*keys)
		*keys = append(*keys, key{kind: c.keyType(), description: c.describe(name, i), payload: t.Key})
	}
	t.Key, t.KeyID = nil, (*keys)[i].word()
	return t
}

func (c Crypt) keyType() KeyType {
	if c.Place == KeyUser {
		return UserKey
	}
	return LogonKey
}

// describe names the key of this index.
func (c Crypt) describe(name string, i int) string {
	description := c.KeyDescription
	if description == "" {
		description = ourDescription(name)
	}
	if i > 0 {
		description += "-" + strconv.Itoa(i+1)
	}
	return description
}

// ourDescription is a description that a table can hold.
func ourDescription(name string) string {
	return "dmimg:" + strings.Map(func(r rune) rune {
		if needsEscape(r) {
			return '_'
		}
		return r
	}, name)
}

// flags are the option words of a table and those of c that it does not have, in the order
// in which the kernel prints them.
func (c Crypt) flags(t tables.CryptTable) []string {
	var flags []string
	known := []struct {
		set  bool
		word string
	}{
		{c.AllowDiscards, tables.CryptFlagAllowDiscards},
		{c.SameCPUCrypt, tables.CryptFlagSameCPUCrypt},
		{c.HighPriority, tables.CryptFlagHighPriority},
		{c.SubmitFromCryptCPUs, tables.CryptFlagSubmitFromCryptCPUs},
		{c.NoReadWorkqueue, tables.CryptFlagNoReadWorkqueue},
		{c.NoWriteWorkqueue, tables.CryptFlagNoWriteWorkqueue},
	}
	rest := slices.Clone(t.Flags)
	for _, f := range known {
		if f.set || t.HasFlag(f.word) {
			flags = append(flags, f.word)
		}
		rest = slices.DeleteFunc(rest, func(word string) bool { return strings.EqualFold(word, f.word) })
	}
	return append(flags, rest...)
}

// needTarget demands a version of a target, if the kernel can be asked for it.
func (a *Activator) needTarget(target string, first kernel.Version, what string) error {
	v, err := a.control.TargetVersion(target)
	switch {
	case errors.Is(err, kernel.ErrNotSupported): // too old a kernel to ask: the load will tell
		return nil
	case errors.Is(err, kernel.ErrNotFound):
		return fmt.Errorf("%w: the kernel has no target %s: is the module dm-%s there?", kernel.ErrNotSupported, target, target)
	case err != nil:
		return err
	case older(v.Version, first):
		return fmt.Errorf("%w: %s: the target %s is version %v here, %v is needed", kernel.ErrNotSupported, what, target, v.Version, first)
	}
	return nil
}

func older(a, b kernel.Version) bool {
	return slices.Compare([]uint32{a.Major, a.Minor, a.Patch}, []uint32{b.Major, b.Minor, b.Patch}) < 0
}
