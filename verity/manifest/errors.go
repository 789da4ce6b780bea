package manifest

import (
	"errors"
	"fmt"
)

var (
	// ErrMalformed is wrapped by errors about a document that is no manifest, or
	// that says what cannot be.
	ErrMalformed = errors.New("malformed manifest")
	// ErrVersion is wrapped by the error about a manifest of another version than
	// [Version].
	ErrVersion = errors.New("unknown version of manifest")
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("manifest: reading: "+format+": %w", append(args, ErrMalformed)...)
}
