package luks

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The methods here give the structs of metadata.go their unknown members. Names are taken
// as they are: encoding/json alone would also accept "Type" for "type", which cryptsetup
// does not.

// UnmarshalJSON decodes the object.
func (k *Keyslot) UnmarshalJSON(b []byte) (err error) {
	type plain Keyslot
	k.Extra, err = split(b, (*plain)(k), []string{"type", "key_size", "area"}, []string{"af", "kdf", "priority"})
	return err
}

// MarshalJSON encodes the object.
func (k *Keyslot) MarshalJSON() ([]byte, error) {
	type plain Keyslot
	return join((*plain)(k), k.Extra)
}

// UnmarshalJSON decodes the object.
func (a *AF) UnmarshalJSON(b []byte) (err error) {
	type plain AF
	a.Extra, err = split(b, (*plain)(a), []string{"type", "stripes", "hash"}, nil)
	return wrap("af", err)
}

// MarshalJSON encodes the object.
func (a *AF) MarshalJSON() ([]byte, error) {
	type plain AF
	return join((*plain)(a), a.Extra)
}

// UnmarshalJSON decodes the object.
func (a *Area) UnmarshalJSON(b []byte) (err error) {
	type plain Area
	known := []string{"type", "offset", "size"}
	if typeOf(b) == areaRaw {
		known = append(known, "encryption", "key_size")
	}
	a.Extra, err = split(b, (*plain)(a), known, nil)
	return wrap("area", err)
}

// typeOf is the type of an object, "" if it has none.
func typeOf(b []byte) string {
	var head struct {
		Type string `json:"type"`
	}
	if _, err := split(b, &head, []string{"type"}, nil); err != nil {
		return ""
	}
	return head.Type
}

// plainArea is what an area has that holds no key.
type plainArea struct {
	Type   string `json:"type"`
	Offset Number `json:"offset"`
	Size   Number `json:"size"`
}

// MarshalJSON encodes the object.
func (a *Area) MarshalJSON() ([]byte, error) {
	if a.Type != areaRaw {
		return join(plainArea{a.Type, a.Offset, a.Size}, a.Extra)
	}
	type plain Area
	return join((*plain)(a), a.Extra)
}

// UnmarshalJSON decodes the object.
func (k *KDF) UnmarshalJSON(b []byte) (err error) {
	type plain KDF
	k.Extra, err = split(b, (*plain)(k), []string{"type", "salt"}, []string{"hash", "iterations", "time", "memory", "cpus"})
	return wrap("kdf", err)
}

// MarshalJSON encodes the object.
func (k *KDF) MarshalJSON() ([]byte, error) {
	type plain KDF
	return join((*plain)(k), k.Extra)
}

// UnmarshalJSON decodes the object.
func (s *Segment) UnmarshalJSON(b []byte) (err error) {
	type plain Segment
	known := []string{"type", "offset", "size"}
	if typeOf(b) == segmentCrypt {
		known = append(known, "iv_tweak", "encryption", "sector_size")
		s.Extra, err = split(b, (*plain)(s), known, []string{"flags", "integrity"})
		return err
	}
	s.Extra, err = split(b, (*plain)(s), known, []string{"flags"})
	return err
}

// linearShape is what a segment has that is not encrypted.
type linearShape struct {
	Type   string      `json:"type"`
	Offset Number      `json:"offset"`
	Size   SegmentSize `json:"size"`
	Flags  []string    `json:"flags,omitempty"`
}

// MarshalJSON encodes the object.
func (s *Segment) MarshalJSON() ([]byte, error) {
	if s.Type != segmentCrypt {
		return join(linearShape{s.Type, s.Offset, s.Size, s.Flags}, s.Extra)
	}
	type plain Segment
	return join((*plain)(s), s.Extra)
}

// UnmarshalJSON decodes the object.
func (i *Integrity) UnmarshalJSON(b []byte) (err error) {
	type plain Integrity
	i.Extra, err = split(b, (*plain)(i), []string{"type", "journal_encryption", "journal_integrity"}, nil)
	return wrap("integrity", err)
}

// MarshalJSON encodes the object.
func (i *Integrity) MarshalJSON() ([]byte, error) {
	type plain Integrity
	return join((*plain)(i), i.Extra)
}

// UnmarshalJSON decodes the object.
func (d *Digest) UnmarshalJSON(b []byte) (err error) {
	type plain Digest
	d.Extra, err = split(b, (*plain)(d), []string{"type", "keyslots", "segments"}, []string{"hash", "iterations", "salt", "digest"})
	return err
}

// MarshalJSON encodes the object.
func (d *Digest) MarshalJSON() ([]byte, error) {
	type plain Digest
	return join((*plain)(d), d.Extra)
}

// UnmarshalJSON decodes the object.
func (t *Token) UnmarshalJSON(b []byte) (err error) {
	type plain Token
	t.Extra, err = split(b, (*plain)(t), []string{"type", "keyslots"}, nil)
	return err
}

// MarshalJSON encodes the object.
func (t *Token) MarshalJSON() ([]byte, error) {
	type plain Token
	return join((*plain)(t), t.Extra)
}

// UnmarshalJSON decodes the object.
func (c *Config) UnmarshalJSON(b []byte) (err error) {
	type plain Config
	c.Extra, err = split(b, (*plain)(c), []string{"json_size", "keyslots_size"}, []string{"flags", "requirements"})
	return err
}

// MarshalJSON encodes the object.
func (c *Config) MarshalJSON() ([]byte, error) {
	type plain Config
	return join((*plain)(c), c.Extra)
}

// UnmarshalJSON decodes the object.
func (r *Requirements) UnmarshalJSON(b []byte) (err error) {
	type plain Requirements
	r.Extra, err = split(b, (*plain)(r), nil, []string{"mandatory"})
	return wrap("requirements", err)
}

// MarshalJSON encodes the object.
func (r *Requirements) MarshalJSON() ([]byte, error) {
	type plain Requirements
	return join((*plain)(r), r.Extra)
}

// SegmentSize is bytes, or everything up to the end of the device.
type SegmentSize struct {
	Bytes   uint64
	Dynamic bool
}

// UnmarshalJSON reads digits in a string, or "dynamic".
func (s *SegmentSize) UnmarshalJSON(b []byte) error {
	if string(b) == `"dynamic"` {
		*s = SegmentSize{Dynamic: true}
		return nil
	}
	var n Number
	if err := json.Unmarshal(b, &n); err != nil {
		return errors.New("size is neither digits in a string nor dynamic")
	}
	*s = SegmentSize{Bytes: uint64(n)}
	return nil
}

// MarshalJSON writes what UnmarshalJSON reads.
func (s SegmentSize) MarshalJSON() ([]byte, error) {
	if s.Dynamic {
		return []byte(`"dynamic"`), nil
	}
	return Number(s.Bytes).MarshalJSON()
}

// wrap says in which member an error is.
func wrap(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}
