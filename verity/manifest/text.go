package manifest

import (
	"encoding/hex"
	"errors"
)

// Hex is bytes that are written as lower-case hex digits.
type Hex []byte

// MarshalText implements [encoding.TextMarshaler].
func (h Hex) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *Hex) UnmarshalText(text []byte) (err error) {
	*h, err = unhex(text)
	return err
}

// String returns the digits.
func (h Hex) String() string { return hex.EncodeToString(h) }

// Salt is bytes that are written as hex digits, no bytes as "-".
type Salt []byte

// MarshalText implements [encoding.TextMarshaler].
func (s Salt) MarshalText() ([]byte, error) {
	if len(s) == 0 {
		return []byte("-"), nil
	}
	return Hex(s).MarshalText()
}

// UnmarshalText implements [encoding.TextUnmarshaler]. No salt is not nil.
func (s *Salt) UnmarshalText(text []byte) (err error) {
	if string(text) == "-" {
		*s = Salt{}
		return nil
	}
	*s, err = unhex(text)
	return err
}

func unhex(text []byte) ([]byte, error) {
	b := make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(b, text); err != nil || len(b) == 0 {
		return nil, errors.New("not hex digits in pairs")
	}
	return b, nil
}
