package cli

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

func luksDumpCommand() *urfave.Command {
	return &urfave.Command{
		Name: "dump", Usage: "print the header of a LUKS image", ArgsUsage: "IMAGE",
		Description: `The text is that of "cryptsetup luksDump". Where one copy of a LUKS2 header is damaged the other is
printed, and a warning says so. Exit status 1: no copy is valid.`,
		Flags: append(luksPlaceFlags(), ui.JSONFlag()),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			place, err := luksPlaceOf(c, c.Args().First())
			if err != nil {
				return err
			}
			return luksDump(s, place, c.Bool("json"))
		}),
	}
}

// luksDump prints a header.
func luksDump(s ui.Streams, place luksPlace, asJSON bool) (err error) {
	im, err := openLUKS(s, place)
	if err != nil {
		return err
	}
	defer closeInto(im, &err)
	if asJSON {
		return ui.WriteJSON(s.Out, luksReportOf(im.header))
	}
	name := place.String()
	if place.header != "" {
		name = place.header
	}
	return writeLUKSDump(s.Out, name, im.header)
}

// luksReport is the JSON of `luks dump`.
type luksReport struct {
	Version           int                 `json:"version"`
	UUID              string              `json:"uuid"`
	Label             string              `json:"label"`
	Subsystem         string              `json:"subsystem"`
	Epoch             uint64              `json:"epoch"` // 0 with version 1
	HeaderBytes       uint64              `json:"header_bytes"`
	HeaderOffsetBytes uint64              `json:"header_offset_bytes"` // of the copy that is used
	KeyslotsBytes     uint64              `json:"keyslots_bytes"`      // of the area for all key slots
	Flags             []string            `json:"flags"`
	Requirements      []string            `json:"requirements"`
	Segments          []luksSegmentReport `json:"segments"`
	Keyslots          []luksKeyslotReport `json:"keyslots"`
	Digests           []luksDigestReport  `json:"digests"`
	Tokens            []luksTokenReport   `json:"tokens"`
	Problems          []string            `json:"problems"`
}

type luksSegmentReport struct {
	ID          int      `json:"id"`
	Type        string   `json:"type"`
	OffsetBytes uint64   `json:"offset_bytes"`
	SizeBytes   *uint64  `json:"size_bytes"` // null: to the end of the device
	Cipher      string   `json:"cipher"`
	SectorBytes int64    `json:"sector_bytes"`
	IVTweak     uint64   `json:"iv_tweak_sectors"`
	Integrity   string   `json:"integrity"`
	Flags       []string `json:"flags"`
}

type luksKeyslotReport struct {
	ID            int    `json:"id"`
	Type          string `json:"type"`
	Priority      string `json:"priority"`
	Unbound       bool   `json:"unbound"`
	KeyBits       int64  `json:"key_bits"`
	KDF           string `json:"kdf"`
	Hash          string `json:"hash"`       // pbkdf2
	Iterations    int64  `json:"iterations"` // pbkdf2
	Time          int64  `json:"time"`       // argon2
	MemoryKiB     int64  `json:"memory_kib"` // argon2
	Threads       int64  `json:"threads"`    // argon2
	Salt          string `json:"salt"`
	Cipher        string `json:"cipher"`
	CipherKeyBits int64  `json:"cipher_key_bits"`
	AFHash        string `json:"af_hash"`
	AFStripes     int64  `json:"af_stripes"`
	OffsetBytes   uint64 `json:"offset_bytes"`
	SizeBytes     uint64 `json:"size_bytes"`
	Digests       []int  `json:"digests"`
}

type luksDigestReport struct {
	ID         int    `json:"id"`
	Type       string `json:"type"`
	Hash       string `json:"hash"`
	Iterations int64  `json:"iterations"`
	Salt       string `json:"salt"`
	Digest     string `json:"digest"`
	Keyslots   []int  `json:"keyslots"`
	Segments   []int  `json:"segments"`
}

type luksTokenReport struct {
	ID       int             `json:"id"`
	Type     string          `json:"type"`
	Keyslots []int           `json:"keyslots"`
	Token    json.RawMessage `json:"token"` // all of it, as it stands in the header
}

func luksReportOf(h *luks.Header) luksReport {
	r := luksReport{Version: h.Version, UUID: h.UUID(), Problems: elements(h.Problems)}
	if h.Version == 1 {
		r.addVersion1(h.V1)
		return r
	}
	v, m := h.V2, h.V2.Metadata
	r.Label, r.Subsystem, r.Epoch = v.Label, v.Subsystem, v.SequenceID
	r.HeaderBytes, r.HeaderOffsetBytes, r.KeyslotsBytes = v.Size, v.Offset, uint64(m.Config.KeyslotsSize)
	r.Flags, r.Requirements = elements(m.Config.Flags), elements(mandatory(m))
	r.Segments, r.Keyslots, r.Digests, r.Tokens = []luksSegmentReport{}, []luksKeyslotReport{}, []luksDigestReport{}, []luksTokenReport{}
	for _, id := range ids(m.Segments) {
		r.Segments = append(r.Segments, segmentReport(id, m.Segments[id]))
	}
	for _, id := range ids(m.Keyslots) {
		r.Keyslots = append(r.Keyslots, keyslotReport(m, id))
	}
	for _, id := range ids(m.Digests) {
		d := m.Digests[id]
		r.Digests = append(r.Digests, luksDigestReport{
			id, d.Type, d.Hash, d.Iterations, hex.EncodeToString(d.Salt), hex.EncodeToString(d.Digest), elements(d.Keyslots), elements(d.Segments),
		})
	}
	for _, id := range ids(m.Tokens) {
		t := m.Tokens[id]
		text, err := t.MarshalJSON()
		if err != nil {
			text = nil
		}
		r.Tokens = append(r.Tokens, luksTokenReport{id, t.Type, elements(t.Keyslots), text})
	}
	return r
}

// addVersion1 puts a header of LUKS1 into the words of LUKS2.
func (r *luksReport) addVersion1(h *luks.Header1) {
	r.HeaderBytes = 592
	r.Flags, r.Requirements, r.Tokens, r.Keyslots = []string{}, []string{}, []luksTokenReport{}, []luksKeyslotReport{}
	cipher := h.Cipher + "-" + h.Mode
	r.Segments = []luksSegmentReport{{
		Type: "crypt", OffsetBytes: uint64(h.PayloadOffset) * luks.SectorSize, Cipher: cipher, SectorBytes: luks.SectorSize, Flags: []string{},
	}}
	d := luksDigestReport{
		Type: "pbkdf2", Hash: h.Hash, Iterations: int64(h.DigestIterations),
		Salt: hex.EncodeToString(h.DigestSalt[:]), Digest: hex.EncodeToString(h.Digest[:]), Keyslots: []int{}, Segments: []int{0},
	}
	for i, s := range h.Slots {
		if !s.Active {
			continue
		}
		d.Keyslots = append(d.Keyslots, i)
		r.Keyslots = append(r.Keyslots, luksKeyslotReport{
			ID: i, Type: "luks1", Priority: "normal", KeyBits: 8 * int64(h.KeySize),
			KDF: "pbkdf2", Hash: h.Hash, Iterations: int64(s.Iterations), Salt: hex.EncodeToString(s.Salt[:]),
			Cipher: cipher, CipherKeyBits: 8 * int64(h.KeySize), AFHash: h.Hash, AFStripes: int64(s.Stripes),
			OffsetBytes: uint64(s.Offset) * luks.SectorSize, SizeBytes: uint64(h.KeySize) * uint64(s.Stripes), Digests: []int{0},
		})
	}
	r.Digests = []luksDigestReport{d}
}

func segmentReport(id int, s *luks.Segment) luksSegmentReport {
	r := luksSegmentReport{
		ID: id, Type: s.Type, OffsetBytes: uint64(s.Offset), Cipher: s.Encryption, SectorBytes: s.SectorSize,
		IVTweak: uint64(s.IVTweak), Flags: elements(s.Flags),
	}
	if !s.Size.Dynamic {
		r.SizeBytes = &s.Size.Bytes
	}
	if s.Integrity != nil {
		r.Integrity = s.Integrity.Type
	}
	return r
}

func keyslotReport(m *luks.Metadata, id int) luksKeyslotReport {
	k := m.Keyslots[id]
	r := luksKeyslotReport{
		ID: id, Type: k.Type, Priority: priorityName(k), Unbound: isUnbound(m, id), KeyBits: 8 * k.KeySize,
		Cipher: k.Area.Encryption, CipherKeyBits: 8 * k.Area.KeySize,
		OffsetBytes: uint64(k.Area.Offset), SizeBytes: uint64(k.Area.Size), Digests: digestsOf(m, id),
	}
	if k.KDF != nil {
		r.KDF, r.Hash, r.Iterations, r.Salt = k.KDF.Type, k.KDF.Hash, k.KDF.Iterations, hex.EncodeToString(k.KDF.Salt)
		r.Time, r.MemoryKiB, r.Threads = k.KDF.Time, k.KDF.Memory, k.KDF.CPUs
	}
	if k.AF != nil {
		r.AFHash, r.AFStripes = k.AF.Hash, k.AF.Stripes
	}
	return r
}

// priorityName is cryptsetup's word for a slot's priority.
func priorityName(k *luks.Keyslot) string {
	switch {
	case k.Priority == nil || *k.Priority == 1:
		return "normal"
	case *k.Priority == 0:
		return "ignored"
	case *k.Priority == 2:
		return "preferred"
	}
	return "invalid"
}

// digestsOf lists the digests that prove the key of a slot.
func digestsOf(m *luks.Metadata, keyslot int) []int {
	found := []int{}
	for _, id := range ids(m.Digests) {
		if slices.Contains(m.Digests[id].Keyslots, keyslot) {
			found = append(found, id)
		}
	}
	return found
}

// isUnbound reports whether the key of a slot is for no segment, but those that are only
// kept for re-encryption.
func isUnbound(m *luks.Metadata, keyslot int) bool {
	return !slices.ContainsFunc(digestsOf(m, keyslot), func(id int) bool {
		return slices.ContainsFunc(m.Digests[id].Segments, func(s int) bool { return !m.Segments[s].IsBackup() })
	})
}

func mandatory(m *luks.Metadata) []string {
	if m.Config.Requirements == nil {
		return nil
	}
	return m.Config.Requirements.Mandatory
}

// ids lists the numbers of objects in order.
func ids[T any](objects map[int]*T) []int { return slices.Sorted(maps.Keys(objects)) }

// elements makes a slice that prints as [] when it is empty.
func elements[S ~[]E, E any](s S) []E { return append([]E{}, s...) }

// words joins flags for people, a space behind each, as cryptsetup does.
func words(flags []string, none string) string {
	if len(flags) == 0 {
		return none
	}
	clean := make([]string, len(flags))
	for i, f := range flags {
		clean[i] = printable(f)
	}
	return strings.Join(clean, " ") + " "
}
