package volume

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// KeyID is the key word of a crypt table that refers to the kernel's keyring,
// ":<bytes>:<logon|user|encrypted|trusted>:<description>".
type KeyID struct {
	Size        uint64 // bytes the payload must have exactly
	Type        string // kind of kernel key
	Description string // may hold colons
}

var errKeyID = errors.New(`want ":bytes:type:description"`)

// ParseKeyID splits a key word.
func ParseKeyID(word string) (KeyID, error) {
	rest, ok := strings.CutPrefix(word, ":")
	size, rest, ok1 := strings.Cut(rest, ":")
	kind, desc, ok2 := strings.Cut(rest, ":")
	if !ok || !ok1 || !ok2 || kind == "" || desc == "" {
		return KeyID{}, fmt.Errorf("key reference %q: %w", word, errKeyID)
	}
	n, err := strconv.ParseUint(size, 10, 32)
	if err != nil {
		return KeyID{}, fmt.Errorf("key reference %q: size: %w", word, errKeyID)
	}
	return KeyID{Size: n, Type: kind, Description: desc}, nil
}
