package manifest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// UUID is written in its canonical form: lower case, with dashes, each byte in the
// order of the text (RFC 9562, section 4).
type UUID [16]byte

// String returns the canonical form.
func (u UUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// MarshalText implements [encoding.TextMarshaler].
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. Capital letters are taken too.
func (u *UUID) UnmarshalText(text []byte) error {
	groups := strings.Split(string(text), "-")
	ok := len(groups) == 5
	for i, n := range []int{8, 4, 4, 4, 12} {
		ok = ok && len(groups[i]) == n
	}
	if ok {
		_, err := hex.Decode(u[:], []byte(strings.Join(groups, "")))
		ok = err == nil
	}
	if !ok {
		return errors.New("not a UUID of the form a60c98d2-ae9b-4865-bfcb-b4e3ace11033")
	}
	return nil
}
