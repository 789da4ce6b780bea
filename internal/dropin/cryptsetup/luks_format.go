package cryptsetup

import (
	"errors"
	"strings"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/hashes"
)

// luksFormat makes a LUKS device.
func (r *run) luksFormat() (err error) {
	o, err := r.formatOptions()
	if err != nil {
		return err
	}
	t, err := r.openToFormat(&o)
	if err != nil {
		return err
	}
	defer func() { err = t.close(err) }()
	if err := r.sayWhatIsLost(t.header); err != nil {
		return err
	}
	if r.Has("volume-key-file") {
		if o.VolumeKey, err = r.volumeKey(o.KeySize); err != nil {
			return err
		}
		defer ui.Wipe(o.VolumeKey)
	}
	k := r.oldKey()
	if !r.Has("key-file") {
		k.path = r.word(1)
	}
	pass, err := r.secret(k, r.prompt(), !r.Has("batch-mode") || r.Has("verify-passphrase"))
	if err != nil {
		return err
	}
	defer ui.Wipe(pass)
	return r.format(t, pass, o)
}

// format writes the header and says what it is like.
func (r *run) format(t *target, pass []byte, o luks.FormatOptions) error {
	key, err := luks.Format(r.ctx, t.header, pass, o)
	if errors.Is(err, luks.ErrNoRoom) && t.grows() {
		o.DataSize = -1 // a header without room for data is useful as a detached one
		key, err = luks.Format(r.ctx, t.header, pass, o)
	}
	if err != nil {
		return r.explainFormat(o, err)
	}
	defer key.Wipe()
	h, err := luks.Read(t.header)
	if err != nil {
		return err
	}
	if err := r.sayShape(t.header, h, o); err != nil {
		return err
	}
	if o.Integrity != "" {
		if err := r.makeIntegrity(t, h, key, o); err != nil {
			return err
		}
	}
	r.sayf("Key slot %d created.", o.Slot.Slot)
	return nil
}

// fewSlots is a size in bytes of the area for key slots that holds not many.
const fewSlots = 4096 * 1000

// sayShape says what about the new header may surprise.
func (r *run) sayShape(f *luks.File, h *luks.Header, o luks.FormatOptions) error {
	if h.Version == 2 && h.V2.Metadata.Config.KeyslotsSize < fewSlots {
		r.printf("WARNING: keyslots area (%d bytes) is very small, available LUKS2 keyslot count is very limited.\n", h.V2.Metadata.Config.KeyslotsSize)
	}
	if o.Detached {
		return nil
	}
	size, err := f.Size()
	if err == nil && dataOffset(h) >= size {
		r.printf("Device %s is too small for activation, there is no remaining space for data.\n", r.word(0))
	}
	return err
}

// dataOffset is where the data begins in bytes.
func dataOffset(h *luks.Header) int64 {
	if h.Version == 1 {
		return int64(h.V1.PayloadOffset) * luks.SectorSize
	}
	var least int64
	for i, id := range segmentIDs(h.V2.Metadata) {
		if offset := int64(h.V2.Metadata.Segments[id].Offset); i == 0 || offset < least {
			least = offset
		}
	}
	return least
}

func segmentIDs(m *luks.Metadata) (ids []int) {
	for id, s := range m.Segments {
		if !s.IsBackup() {
			ids = append(ids, id)
		}
	}
	return ids
}

// explainFormat gives a failed format cryptsetup's words, where it has any.
func (r *run) explainFormat(o luks.FormatOptions, err error) error {
	switch {
	case r.ctx.Err() != nil:
		return err
	case errors.Is(err, luks.ErrNoRoom) && o.KeyslotsSize != 0:
		return exit.Failf("%s\nNo space for new keyslot.", sentence(err))
	case errors.Is(err, luks.ErrNoRoom) && !o.Detached:
		return exit.Failf("Device %s is too small.", r.word(0))
	case errors.Is(err, luks.ErrCostly):
		return exit.New(exit.NoMemory, ui.ExitFailed, sentence(err))
	}
	return exit.New(exit.Failed, ui.ExitCode(err), sentence(err))
}

// formatOptions reads what the options say about the new header.
func (r *run) formatOptions() (o luks.FormatOptions, err error) {
	switch r.kind {
	case "", "luks", "luks2":
		o.Version = 2
	case "luks1":
		o.Version = 1
	default:
		return o, exit.Paramf("Unrecognized metadata device type %s: want luks1 or luks2.", r.kind)
	}
	if err := r.checkVersion1(o.Version); err != nil {
		return o, err
	}
	o.Cipher, o.Hash, o.KeySize = r.Values["cipher"], r.Values["hash"], int(r.Number("key-size", 0)/8)
	if o.Slot, err = r.slotOptions(o.Version); err != nil {
		return o, err
	}
	if a, err := hashes.Lookup(o.Hash); o.Version == 1 && err == nil && a.Size < 20 {
		return o, exit.Paramf("Requested LUKS hash %s is not supported.", o.Hash)
	}
	o.Slot.Slot = r.Int("key-slot", 0)
	if err := checkSlot(o.Version, o.Slot.Slot); err != nil {
		return o, err
	}
	if r.Has("uuid") {
		if err := checkUUID(r.Values["uuid"]); err != nil {
			return o, err
		}
		o.UUID = r.Values["uuid"]
	}
	o.Label, o.Subsystem = r.Values["label"], r.Values["subsystem"]
	o.SectorSize = int(r.Number("sector-size", 0))
	o.Integrity, o.IntegrityLegacyPadding = r.Values["integrity"], r.Has("integrity-legacy-padding")
	o.MetadataSize, o.KeyslotsSize = r.size("luks2-metadata-size"), r.size("luks2-keyslots-size")
	if o.KeySize != 0 || r.Has("volume-key-file") {
		o.KeySize, err = fullKeySize(o)
	}
	return o, errors.Join(err, r.readOffset(&o))
}

// fullKeySize is how many bytes the volume key has: that of the cipher, which is asked for
// or usual, and that of the tags.
func fullKeySize(o luks.FormatOptions) (int, error) {
	mac, err := luks.IntegrityKeySize(o.Integrity)
	switch {
	case err != nil:
		return 0, exit.Paramf("%s", sentence(err))
	case o.KeySize != 0:
		return o.KeySize + mac, nil
	case o.Cipher == "" || strings.Contains(o.Cipher, "-xts-"):
		return 64 + mac, nil
	}
	return 32 + mac, nil
}

// checkVersion1 refuses options of LUKS2 with LUKS1, in cryptsetup's words where it has any.
func (r *run) checkVersion1(version int) error {
	switch {
	case version != 1:
		return nil
	case r.Has("integrity"):
		return exit.Paramf("Integrity option can be used only for LUKS2 format.")
	case r.Number("sector-size", luks.SectorSize) != luks.SectorSize:
		return exit.Paramf("Unsupported encryption sector size.")
	case r.Has("luks2-metadata-size") || r.Has("luks2-keyslots-size"):
		return exit.Paramf("Unsupported LUKS2 metadata size options.")
	case r.Has("label") || r.Has("subsystem"):
		return exit.Paramf("LUKS1 has no label and no subsystem: --type luks2 has.")
	}
	return nil
}

// readOffset reads where the data begins.
func (r *run) readOffset(o *luks.FormatOptions) error {
	const most = 1 << 54 // sectors of 512 bytes
	sectors, align := r.Number("offset", 0), r.Number("align-payload", 0)
	if sectors > most {
		return exit.Paramf("A data offset of %d sectors is more than a device can have.", sectors)
	}
	o.DataOffset, o.DataOffsetSet = int64(sectors)*luks.SectorSize, r.Has("offset")
	o.Alignment = int64(align) * luks.SectorSize
	if o.Version == 2 && o.DataOffset%4096 != 0 {
		return exit.Paramf("Data offset is not multiple of 4096 bytes.")
	}
	return nil
}
