package luks

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

const uuidSize = 36 // characters

// newUUID returns a random UUID (RFC 9562, section 5.4).
func newUUID() string {
	s, err := randomUUID(rand.Reader)
	if err != nil {
		panic("luks: internal error: " + err.Error()) // crypto/rand ends the program rather than fail
	}
	return s
}

// randomUUID makes a random UUID of bytes of r.
func randomUUID(r io.Reader) (string, error) {
	var b [16]byte
	if err := fill(r, b[:]); err != nil {
		return "", err
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

// isUUID reports whether s is a UUID as text: 32 hexadecimal digits with four dashes.
func isUUID(s string) bool {
	if len(s) != uuidSize || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	return err == nil && len(b) == 16
}
