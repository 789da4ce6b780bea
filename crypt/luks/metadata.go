package luks

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
)

// Metadata is the JSON area of LUKS2 (specification, section 3). The objects are known by
// the numbers that are their names. Each keeps the members that this package does not
// know, so that what was decoded can be written again without loss.
type Metadata struct {
	Keyslots map[int]*Keyslot
	Tokens   map[int]*Token
	Segments map[int]*Segment
	Digests  map[int]*Digest
	Config   Config
	Extra    Members
}

// Keyslot is a key, encrypted with what is made from a passphrase. Of a type that is not
// "luks2" only Type, KeySize, Area and Priority are known.
type Keyslot struct {
	Type     string  `json:"type"`     // "luks2" or "reencrypt"
	KeySize  int64   `json:"key_size"` // bytes
	AF       *AF     `json:"af,omitempty"`
	Area     Area    `json:"area"`
	KDF      *KDF    `json:"kdf,omitempty"`
	Priority *int64  `json:"priority,omitempty"` // 0: only on request, 1: normal, 2: first
	Extra    Members `json:"-"`
}

// AF says how the key is spread over its area.
type AF struct {
	Type    string  `json:"type"` // "luks1"
	Stripes int64   `json:"stripes"`
	Hash    string  `json:"hash"`
	Extra   Members `json:"-"`
}

// Area is where a key slot has its bytes.
type Area struct {
	Type       string  `json:"type"`       // "raw"
	Offset     Number  `json:"offset"`     // bytes
	Size       Number  `json:"size"`       // bytes
	Encryption string  `json:"encryption"` // raw: cipher specification
	KeySize    int64   `json:"key_size"`   // raw: bytes
	Extra      Members `json:"-"`
}

// KDF makes a key from a passphrase.
type KDF struct {
	Type       string  `json:"type"`                 // "pbkdf2", "argon2i" or "argon2id"
	Hash       string  `json:"hash,omitempty"`       // pbkdf2
	Iterations int64   `json:"iterations,omitempty"` // pbkdf2
	Time       int64   `json:"time,omitempty"`       // argon2: passes
	Memory     int64   `json:"memory,omitempty"`     // argon2: KiB
	CPUs       int64   `json:"cpus,omitempty"`       // argon2: lanes
	Salt       []byte  `json:"salt"`
	Extra      Members `json:"-"`
}

// Segment is a range of the data device.
type Segment struct {
	Type       string      `json:"type"`   // "crypt", "linear", …
	Offset     Number      `json:"offset"` // bytes
	Size       SegmentSize `json:"size"`
	IVTweak    Number      `json:"iv_tweak"`    // crypt: 512-byte sectors
	Encryption string      `json:"encryption"`  // crypt
	SectorSize int64       `json:"sector_size"` // crypt: bytes
	Integrity  *Integrity  `json:"integrity,omitempty"`
	Flags      []string    `json:"flags,omitempty"`
	Extra      Members     `json:"-"`
}

// Integrity says that the data of a segment carries tags.
type Integrity struct {
	Type              string  `json:"type"` // "hmac(sha256)", "aead", "poly1305", "none"
	JournalEncryption string  `json:"journal_encryption"`
	JournalIntegrity  string  `json:"journal_integrity"`
	Extra             Members `json:"-"`
}

// Digest proves volume keys.
type Digest struct {
	Type       string  `json:"type"` // "pbkdf2"
	Keyslots   IDs     `json:"keyslots"`
	Segments   IDs     `json:"segments"`
	Hash       string  `json:"hash,omitempty"`
	Iterations int64   `json:"iterations,omitempty"`
	Salt       []byte  `json:"salt,omitempty"`
	Digest     []byte  `json:"digest,omitempty"`
	Extra      Members `json:"-"`
}

// Token tells other programs how to get at a passphrase.
type Token struct {
	Type     string  `json:"type"`
	Keyslots IDs     `json:"keyslots"`
	Extra    Members `json:"-"`
}

// Config is what concerns the whole device.
type Config struct {
	JSONSize     Number        `json:"json_size"`     // bytes
	KeyslotsSize Number        `json:"keyslots_size"` // bytes
	Flags        []string      `json:"flags,omitempty"`
	Requirements *Requirements `json:"requirements,omitempty"`
	Extra        Members       `json:"-"`
}

// Requirements list what a program must know to use the device.
type Requirements struct {
	Mandatory []string `json:"mandatory,omitempty"`
	Extra     Members  `json:"-"`
}

// ParseMetadata decodes and checks the JSON text of a header of headerSize bytes. Errors
// wrap [ErrHeader].
func ParseMetadata(doc []byte, headerSize uint64) (*Metadata, error) {
	if uint64(len(doc)) > maxSize2 {
		return nil, bad("JSON area: %d bytes", len(doc))
	}
	if err := checkJSON(doc); err != nil {
		return nil, bad("JSON area: %w", err)
	}
	m := new(Metadata)
	if err := m.decode(doc); err != nil {
		return nil, bad("JSON area: %w", err)
	}
	if err := m.check(headerSize); err != nil {
		return nil, bad("JSON area: %w", err)
	}
	return m, nil
}

// sections are the top-level objects, in the order in which they are written.
var sections = []string{"keyslots", "tokens", "segments", "digests", "config"}

func (m *Metadata) decode(doc []byte) (err error) {
	if err := json.Unmarshal(doc, &m.Extra); err != nil || m.Extra == nil {
		return errors.New("it is no object")
	}
	read := map[string]func(json.RawMessage) error{
		"keyslots": func(v json.RawMessage) error { m.Keyslots, err = objects[Keyslot](v); return err },
		"tokens":   func(v json.RawMessage) error { m.Tokens, err = objects[Token](v); return err },
		"segments": func(v json.RawMessage) error { m.Segments, err = objects[Segment](v); return err },
		"digests":  func(v json.RawMessage) error { m.Digests, err = objects[Digest](v); return err },
		"config":   func(v json.RawMessage) error { return json.Unmarshal(v, &m.Config) },
	}
	for _, name := range sections {
		v, ok := m.Extra[name]
		if !ok {
			return errors.New(name + " is missing")
		}
		if err := read[name](v); err != nil {
			return wrap(name, plainError(err))
		}
		delete(m.Extra, name)
	}
	if len(m.Extra) == 0 {
		m.Extra = nil
	}
	return nil
}

// MarshalJSON encodes the text of the JSON area, unknown members included.
func (m *Metadata) MarshalJSON() ([]byte, error) {
	return join(struct {
		Keyslots map[int]*Keyslot `json:"keyslots"`
		Tokens   map[int]*Token   `json:"tokens"`
		Segments map[int]*Segment `json:"segments"`
		Digests  map[int]*Digest  `json:"digests"`
		Config   *Config          `json:"config"`
	}{m.Keyslots, m.Tokens, m.Segments, m.Digests, &m.Config}, m.Extra)
}

// sortedIDs lists the numbers of objects in order.
func sortedIDs[T any](objects map[int]*T) []int { return slices.Sorted(maps.Keys(objects)) }
