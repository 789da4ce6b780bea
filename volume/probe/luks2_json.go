package probe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// luks2Metadata is the part of the JSON area that describes geometry (LUKS2 on-disk format, section 3). Keys,
// salts and digests are never decoded.
type luks2Metadata struct {
	keyslots     map[string]luks2Keyslot
	segments     map[string]luks2Segment
	keyslotsSize uint64
	tokens       []string // "0: systemd-tpm2"
	flags        []string
	requirements []string
}

type luks2Keyslot struct {
	Type     string `json:"type"`
	KeySize  *int64 `json:"key_size"`
	Priority *int64 `json:"priority"`
	Area     *struct {
		Type       string  `json:"type"`
		Offset     string  `json:"offset"`
		Size       string  `json:"size"`
		Encryption *string `json:"encryption"`
		KeySize    *int64  `json:"key_size"`
	} `json:"area"`
	KDF *struct {
		Type       string `json:"type"`
		Hash       string `json:"hash"`
		Iterations int64  `json:"iterations"`
		Time       int64  `json:"time"`
		Memory     int64  `json:"memory"`
		CPUs       int64  `json:"cpus"`
	} `json:"kdf"`
	AF *struct {
		Type    string `json:"type"`
		Stripes int64  `json:"stripes"`
	} `json:"af"`
	Mode      *string `json:"mode"`      // of a reencrypt slot
	Direction *string `json:"direction"` // of a reencrypt slot

	offset, size uint64
}

type luks2Segment struct {
	Type       string   `json:"type"`
	Offset     string   `json:"offset"`
	Size       string   `json:"size"`
	Tweak      *string  `json:"iv_tweak"`
	Encryption string   `json:"encryption"`
	SectorSize uint64   `json:"sector_size"`
	Flags      []string `json:"flags"`
	Integrity  *struct {
		Type string `json:"type"`
	} `json:"integrity"`

	offset, size, tweak uint64
	dynamic             bool
}

type luks2Config struct {
	JSONSize     string   `json:"json_size"`
	KeyslotsSize string   `json:"keyslots_size"`
	Flags        []string `json:"flags"`
	Requirements struct {
		Mandatory []string `json:"mandatory"`
	} `json:"requirements"`
}

// luks2Reference is what digests and tokens have in common.
type luks2Reference struct {
	Type     string   `json:"type"`
	Keyslots []string `json:"keyslots"`
	Segments []string `json:"segments"`
}

const (
	luks2MaxObjects  = 32
	luks2MaxKeyslots = 128 << 20 // bytes of the keyslots area
)

// parseLUKS2Metadata decodes and checks the JSON area of a header of headerSize bytes.
func parseLUKS2Metadata(area []byte, headerSize int64) (*luks2Metadata, error) {
	doc, err := luks2Text(area)
	if err != nil {
		return nil, err
	}
	var top struct {
		Keyslots map[string]luks2Keyslot   `json:"keyslots"`
		Tokens   map[string]luks2Reference `json:"tokens"`
		Segments map[string]luks2Segment   `json:"segments"`
		Digests  map[string]luks2Reference `json:"digests"`
		Config   *luks2Config              `json:"config"`
	}
	if err := json.Unmarshal(doc, &top); err != nil {
		return nil, jsonError(err)
	}
	if top.Keyslots == nil || top.Tokens == nil || top.Segments == nil || top.Digests == nil || top.Config == nil {
		return nil, errors.New("one of keyslots, tokens, segments, digests and config is missing")
	}
	if max(len(top.Keyslots), len(top.Tokens), len(top.Segments), len(top.Digests)) > luks2MaxObjects {
		return nil, fmt.Errorf("there are more than %d objects of a kind", luks2MaxObjects)
	}
	m := &luks2Metadata{keyslots: top.Keyslots, segments: top.Segments}
	steps := []func() error{
		func() error { return m.checkConfig(top.Config, headerSize) },
		func() error { return m.checkKeyslots(headerSize) },
		m.checkSegments,
		func() error { return m.checkReferences("digest", top.Digests) },
		func() error { return m.checkReferences("token", top.Tokens) },
		func() error { return m.checkDigested(top.Digests) },
	}
	for _, check := range steps {
		if err := check(); err != nil {
			return nil, err
		}
	}
	for _, id := range sortedIDs(top.Tokens) {
		m.tokens = append(m.tokens, id+": "+printable(top.Tokens[id].Type))
	}
	return m, nil
}

// jsonError says what is wrong with the document without naming the types of this program.
func jsonError(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s is a %s where something else belongs", strings.TrimPrefix(wrong.Field, "."), wrong.Value)
	}
	return fmt.Errorf("it is no JSON: %w", err)
}

// luks2Text cuts the JSON text out of its area: it ends at the first NUL, and only zeros may follow.
func luks2Text(area []byte) ([]byte, error) {
	if area[0] != '{' {
		return nil, errors.New("it does not start with an opening brace")
	}
	end := bytes.IndexByte(area, 0)
	if end < 0 {
		return nil, errors.New("its text has no end")
	}
	if !allZero(area[end:]) {
		return nil, errors.New("bytes behind its text are not zero")
	}
	return area[:end], nil
}

func (m *luks2Metadata) checkConfig(c *luks2Config, headerSize int64) error {
	size, err := decimal(c.JSONSize)
	if err != nil || size != uint64(headerSize-luks2Binary) {
		return fmt.Errorf("config: json_size %q does not fit the header of %d bytes", c.JSONSize, headerSize)
	}
	m.keyslotsSize, err = decimal(c.KeyslotsSize)
	if err != nil || m.keyslotsSize > luks2MaxKeyslots || m.keyslotsSize%4096 != 0 {
		return fmt.Errorf("config: keyslots_size %q is not possible", c.KeyslotsSize)
	}
	for _, f := range c.Flags {
		m.flags = append(m.flags, printable(f))
	}
	for _, r := range c.Requirements.Mandatory {
		m.requirements = append(m.requirements, printable(r))
	}
	return nil
}

// mainSegment is the first segment of data.
func (m *luks2Metadata) mainSegment() *luks2Segment {
	s, ok := m.segments["0"]
	if !ok {
		return nil
	}
	return &s
}

func (m *luks2Metadata) describeKeyslots() []string {
	out := []string{}
	for _, id := range sortedIDs(m.keyslots) {
		k := m.keyslots[id]
		s := id + ": " + printable(k.Type)
		if k.KDF != nil && k.KDF.Type == "pbkdf2" {
			s += fmt.Sprintf(", pbkdf2-%s, %d iterations", printable(k.KDF.Hash), k.KDF.Iterations)
		} else if k.KDF != nil {
			s += fmt.Sprintf(", %s, time %d, memory %d KiB, %d threads", printable(k.KDF.Type), k.KDF.Time, k.KDF.Memory, k.KDF.CPUs)
		}
		if k.KeySize != nil && k.Type != "reencrypt" {
			s += fmt.Sprintf(", key of %d bits", *k.KeySize*8)
		}
		out = append(out, s)
	}
	return out
}

// decimal parses a 64-bit number as the format writes it: digits only.
func decimal(s string) (uint64, error) {
	if s == "" || len(s) > 20 {
		return 0, fmt.Errorf("%q is not a decimal number", printable(s))
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%q is not a decimal number", printable(s))
		}
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s does not fit 64 bits", s)
	}
	return n, nil
}

// sortedIDs lists the names of objects in numeric order.
func sortedIDs[T any](objects map[string]T) []string {
	ids := make([]string, 0, len(objects))
	for id := range objects {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool {
		a, b := ids[i], ids[j]
		if len(a) != len(b) {
			return len(a) < len(b)
		}
		return a < b
	})
	return ids
}
