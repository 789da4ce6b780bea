package cryptsetup

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/tables"
)

// refresh gives an active device other flags. What is said of its data device is not looked
// at, as by cryptsetup: it is the one that it has.
func (r *run) refresh() error {
	name := r.word(len(r.Words) - 1)
	if len(r.Words) > 1 {
		name = r.word(1)
	}
	var header *luks.Header
	var path string
	err := r.bodies.Machine.With(exit.Failed, func(s *live.Session) (err error) {
		m, err := r.active(s, name, exit.Failed)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.Close()) }()
		if header = m.header; header != nil {
			path = m.source.Name()
		}
		key, place, err := r.keyOf(m)
		if err != nil {
			return err
		}
		defer ui.Wipe(key)
		c := r.crypt()
		c.Place, m.table.Flags = place, r.keptFlags(m)
		return r.reload(s, name, m, c, key)
	})
	if err != nil || header == nil || !r.Has("persistent") {
		return err
	}
	return r.keepFlags(header, path)
}

// keptFlags are the flags that a refreshed device has whatever is asked for: that which
// changes what is read, and those of its header.
func (r *run) keptFlags(m mapped) (flags []string) {
	if m.table.HasFlag(tables.CryptFlagIVLargeSectors) {
		flags = append(flags, tables.CryptFlagIVLargeSectors)
	}
	if m.header == nil || m.header.Version == 1 || r.Has("persistent") {
		return flags
	}
	for _, f := range m.header.V2.Metadata.Config.Flags {
		if f != "no-journal" {
			flags = append(flags, strings.ReplaceAll(f, "-", "_"))
		}
	}
	return flags
}

// keyOf gets the key of an active device in the way in which open does. The caller wipes it.
func (r *run) keyOf(m mapped) ([]byte, activate.KeyPlace, error) {
	switch {
	case kind(m.info.UUID) == "PLAIN":
		key, err := r.plainKey()
		return key, activate.KeyOnTableLine, err
	case m.header == nil:
		return nil, 0, exit.Failf("The header of device %s is not found: name it with --header.", m.info.Name)
	}
	key, err := r.openKey(m.header, luks.UnlockOptions{})
	if err != nil {
		return nil, 0, err
	}
	defer key.Wipe()
	return append([]byte(nil), key.Bytes()...), r.keyPlace(m.header), nil
}

// reload exchanges the table of an active device for m.table with another key or options.
func (r *run) reload(s *live.Session, name string, m mapped, c activate.Crypt, key []byte) error {
	if m.header != nil {
		c.KeyDescription = m.header.KeyringDescription()
	}
	m.table.Key, m.table.KeyID = nil, ""
	c.Tables, c.VolumeKey, c.UUID = []tables.Table{m.table}, key, m.info.UUID
	_, err := s.Reload(r.ctx, m.info.Name, c)
	return explainMapping(name, err)
}

// resizeAction changes the length of an active device.
func (r *run) resizeAction() error {
	word := r.word(0)
	return r.bodies.Machine.With(exit.Device, func(s *live.Session) (err error) {
		m, err := r.active(s, word, exit.Device)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.Close()) }()
		if m.tagged {
			return exit.Failf("Device %s keeps tags of its sectors: it cannot be resized.", word)
		}
		key, place := append([]byte(nil), m.table.Key...), activate.KeyOnTableLine
		if m.table.KeyID != "" {
			if key, place, err = r.keyOf(m); err != nil {
				return err
			}
		}
		defer ui.Wipe(key)
		if m.table.Length, err = r.newLength(m); err != nil {
			return err
		}
		return r.reload(s, word, m, activate.Crypt{Place: place}, key)
	})
}

// newLength is how long the device shall be in bytes.
func (r *run) newLength(m mapped) (uint64, error) {
	path := m.file
	if path == "" {
		path = m.device
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, exit.Devicef("Device %s does not exist or access denied.", path)
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, exit.Devicef("Device %s does not exist or access denied.", path)
	}
	rest, sector := uint64(max(size-int64(m.table.BackendOffset), 0)), max(m.table.SectorSize, sectorBytes)
	length := r.Number("size", 0) * sectorBytes
	if r.Has("device-size") {
		length = uint64(r.size("device-size"))
	}
	switch {
	case r.Number("size", 0) > maxSectors || length > rest || rest < sector:
		return 0, exit.Failf("Device %s is too small.", m.device)
	case length == 0:
		return rest - rest%sector, nil
	case length%sector != 0:
		return 0, exit.Paramf("Device size is not aligned to requested sector size.")
	}
	return length, nil
}
