package luks

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/tables"
)

// DeviceOptions say for which data device tables are made, and how they refer to the key.
type DeviceOptions struct {
	Name       string // of the mapped device; "" means none
	Device     string // what the tables call the data device
	DeviceSize int64  // bytes
	Offset     int64  // bytes: where the LUKS image starts on it; a multiple of 512

	// KeyDescription makes tables refer to a key of this description in the kernel's
	// keyring, of type logon, instead of holding it. [KeyringDescription] is cryptsetup's.
	KeyDescription string

	// Integrity tells what the dm-integrity superblock at byte offset of the data device
	// says. nil: segments with integrity are ErrUnsupported.
	Integrity func(offset int64) (IntegrityArea, error)
}

// IntegrityArea is a dm-integrity device under a segment whose sectors carry tags.
type IntegrityArea struct {
	TagSize  uint64   // bytes for a sector
	DataSize uint64   // bytes that it provides
	Features []string // option words of its table, such as "fix_padding"
}

// KeyringDescription is what cryptsetup calls the volume key of segment 0 in the kernel's
// keyring.
func (h *Header) KeyringDescription() string {
	if h.Version == 1 {
		return "cryptsetup:" + h.UUID()
	}
	id := 0
	for _, d := range sortedIDs(h.V2.Metadata.Digests) {
		if slices.Contains(h.V2.Metadata.Digests[d].Segments, 0) {
			id = d
		}
	}
	return fmt.Sprintf("cryptsetup:%s-d%d", h.UUID(), id)
}

// Devices returns the device-mapper devices that the data is behind: one, or, where
// sectors carry tags, a dm-integrity device NAME_dif and the one on top of it, last. key
// may be nil with KeyDescription, or if nothing is encrypted. Tables hold copies of the key,
// which are the caller's to wipe ([WipeTables]). Errors wrap [ErrUnsupported], [ErrNoData],
// [ErrWrongKey] or [ErrHeader].
func (h *Header) Devices(key *Key, o DeviceOptions) ([]tables.Device, error) {
	list, err := h.devices(key, o)
	if err != nil {
		return nil, fmt.Errorf("luks: mapping the data: %w", err)
	}
	return list, nil
}

func (h *Header) devices(key *Key, o DeviceOptions) ([]tables.Device, error) {
	m := &mapping{o: o, key: key}
	segments := []*Segment{{Type: segmentCrypt, SectorSize: SectorSize, Size: SegmentSize{Dynamic: true}}}
	if h.Version == 1 {
		segments[0].Offset, segments[0].Encryption = Number(h.V1.PayloadOffset)*SectorSize, h.V1.encryption()
		m.keySize = int64(h.V1.KeySize)
	} else {
		if err := h.V2.Metadata.refuse(); err != nil {
			return nil, err
		}
		segments = h.V2.Metadata.dataSegments()
		m.flags = h.V2.Metadata.Config.cryptFlags()
		m.keySize = h.V2.Metadata.dataKeySize()
		m.noJournal = slices.Contains(h.V2.Metadata.Config.Flags, "no-journal")
	}
	if o.KeyDescription == "" && key == nil && slices.ContainsFunc(segments, func(s *Segment) bool { return s.Type == segmentCrypt }) {
		return nil, fmt.Errorf("a key is needed: %w", ErrWrongKey)
	}
	return m.devices(segments)
}

// refuse names what a header demands that is not done here.
func (m *Metadata) refuse() error {
	if m.Config.Requirements != nil {
		for _, r := range m.Config.Requirements.Mandatory {
			return fmt.Errorf("the header requires %q%s: %w", clip(r), advice(r), ErrUnsupported)
		}
	}
	for _, id := range sortedIDs(m.Segments) {
		s := m.Segments[id]
		switch {
		case slices.Contains(s.Flags, recodingFlag):
			return fmt.Errorf("segment %d is being re-encrypted%s: %w", id, advice("online-reencrypt"), ErrUnsupported)
		case s.IsBackup() || s.Type == segmentCrypt || s.Type == segmentLinear:
		default:
			return fmt.Errorf("segment %d is of type %q%s: %w", id, clip(s.Type), advice(s.Type), ErrUnsupported)
		}
	}
	return nil
}

// advice says what to do about a requirement or kind of segment.
func advice(what string) string {
	switch {
	case strings.Contains(what, "reencrypt"):
		return ` (a re-encryption was not finished: "cryptsetup reencrypt --resume-only" finishes it)`
	case strings.Contains(what, "opal"):
		return " (the drive encrypts by itself: unlock it there, with cryptsetup 2.7 or later)"
	case what == "inline-hw-tags":
		return " (the tags are in the drive's own sectors, which are not in an image)"
	}
	return " (it is of a later version of the format)"
}

// dataSegments are those of the volume, in order.
func (m *Metadata) dataSegments() (list []*Segment) {
	for _, id := range sortedIDs(m.Segments) {
		if s := m.Segments[id]; !s.IsBackup() {
			list = append(list, s)
		}
	}
	return list
}

// dataKeySize is the length of the volume key in bytes as a slot has it; 0 if none does.
func (m *Metadata) dataKeySize() int64 {
	for _, d := range sortedIDs(m.Digests) {
		if len(m.Digests[d].Segments) == 0 {
			continue
		}
		for _, k := range m.Digests[d].Keyslots {
			if s := m.Keyslots[k]; s.Type == keyslotLUKS2 {
				return s.KeySize
			}
		}
	}
	return 0
}

// cryptFlags are the flags of the header that a crypt table has under another name.
func (c *Config) cryptFlags() (flags []string) {
	for _, f := range []struct{ header, table string }{
		{"allow-discards", tables.CryptFlagAllowDiscards},
		{"same-cpu-crypt", tables.CryptFlagSameCPUCrypt},
		{"submit-from-crypt-cpus", tables.CryptFlagSubmitFromCryptCPUs},
		{"no-read-workqueue", tables.CryptFlagNoReadWorkqueue},
		{"no-write-workqueue", tables.CryptFlagNoWriteWorkqueue},
	} {
		if slices.Contains(c.Flags, f.header) {
			flags = append(flags, f.table)
		}
	}
	return flags
}

// mapping is the work of Devices.
type mapping struct {
	o       DeviceOptions
	key     *Key
	keySize int64
	flags   []string

	noJournal bool
}

func (m *mapping) devices(segments []*Segment) ([]tables.Device, error) {
	if len(segments) == 1 && segments[0].Integrity != nil {
		return m.authenticated(segments[0])
	}
	var start uint64
	var list []tables.Table
	for i, s := range segments {
		length, err := m.length(s)
		if err != nil {
			return nil, fmt.Errorf("segment %d: %w", i, err)
		}
		t, err := m.table(s, start, length)
		if err != nil {
			return nil, fmt.Errorf("segment %d: %w", i, err)
		}
		list = append(list, t)
		start += length
	}
	return []tables.Device{{Name: m.o.Name, Tables: list}}, nil
}

// length is how many bytes of the device a segment has.
func (m *mapping) length(s *Segment) (uint64, error) {
	size := m.o.DeviceSize - m.o.Offset
	if m.o.Offset < 0 || m.o.Offset%SectorSize != 0 || size < 0 {
		return 0, fmt.Errorf("the image is said to start at byte %d of %d", m.o.Offset, m.o.DeviceSize)
	}
	if uint64(s.Offset) >= uint64(size) {
		return 0, fmt.Errorf("it starts at byte %d of an image of %d (a header backup, a detached header, or the image is cut off): %w",
			s.Offset, size, ErrNoData)
	}
	rest := uint64(size) - uint64(s.Offset)
	unit := uint64(max(s.SectorSize, SectorSize))
	switch {
	case s.Size.Dynamic && rest < unit:
		return 0, fmt.Errorf("%d bytes are left for it, not a sector of %d: %w", rest, unit, ErrNoData)
	case s.Size.Dynamic:
		return rest - rest%unit, nil
	case s.Size.Bytes > rest:
		return 0, fmt.Errorf("it has %d bytes from %d on, the image ends after %d of them: %w", s.Size.Bytes, s.Offset, rest, ErrNoData)
	}
	return s.Size.Bytes, nil
}

// table makes the table of a segment.
func (m *mapping) table(s *Segment, start, length uint64) (tables.Table, error) {
	offset := uint64(s.Offset) + uint64(m.o.Offset)
	switch {
	case s.Type == segmentLinear:
		return tables.LinearTable{Start: start, Length: length, BackendDevice: m.o.Device, BackendOffset: offset}, nil
	case s.Integrity != nil:
		return nil, fmt.Errorf("integrity %s beside other segments: %w", clip(s.Integrity.Type), ErrUnsupported)
	}
	t := tables.CryptTable{
		Start: start, Length: length, BackendDevice: m.o.Device, BackendOffset: offset,
		Encryption: s.Encryption, IVTweak: uint64(s.IVTweak), Flags: slices.Clone(m.flags),
	}
	if s.SectorSize != SectorSize {
		t.SectorSize = uint64(s.SectorSize)
	}
	return m.withKey(t)
}

// withKey gives a table its key, or the reference to it.
func (m *mapping) withKey(t tables.CryptTable) (tables.Table, error) {
	switch {
	case m.o.KeyDescription != "":
		n := m.keySize
		if m.key != nil {
			n = int64(len(m.key.Bytes()))
		}
		if n == 0 {
			return nil, errors.New("no key slot tells how long the key is, which a reference to it has to say")
		}
		t.KeyID = fmt.Sprintf(":%d:logon:%s", n, m.o.KeyDescription)
	case len(m.key.Segments) == 0:
		return nil, fmt.Errorf("key slot %d holds a key that is for no segment: %w", m.key.Slot, ErrWrongKey)
	default:
		t.Key = slices.Clone(m.key.Bytes())
	}
	return t, nil
}

// WipeTables zeroes the keys in tables.
func WipeTables(devices []tables.Device) {
	for _, d := range devices {
		for _, t := range d.Tables {
			if c, ok := tables.Unwrap(t).(tables.CryptTable); ok {
				clear(c.Key)
			}
		}
	}
}
