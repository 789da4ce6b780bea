package luks

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/internal/hashes"
)

// tryCipher refuses a cipher specification that the engine does not have, or not with a key
// of keySize bytes and sectors of sectorSize.
func tryCipher(spec string, keySize, sectorSize int) error {
	if keySize < 0 || keySize > maxKey1 {
		return option("a key of %d bytes: want at most %d", keySize, maxKey1)
	}
	key := make([]byte, keySize)
	for i := range key {
		key[i] = byte(i) // halves of xts keys that are equal, and weak keys of DES, may be refused
	}
	d, err := crypt.NewDevice(loaded(nil), 0, crypt.Config{Spec: spec, Key: key, SectorSize: sectorSize})
	if err != nil {
		return engineError(err)
	}
	return d.Close()
}

// engineError says whether the engine could do something else instead.
func engineError(err error) error {
	for _, own := range []error{crypt.ErrKeySize, crypt.ErrSpec, crypt.ErrSectorSize, crypt.ErrTagSize} {
		if errors.Is(err, own) {
			return fmt.Errorf("%w: %w", err, ErrOption)
		}
	}
	return fmt.Errorf("%w: %w", err, ErrUnsupported)
}

// usualKeySize is cryptsetup's in bytes: 256 bits, twice that where the mode needs two keys.
func usualKeySize(cipher string) int {
	const single = 32
	spec, err := crypt.ParseSpec(cipher)
	if err == nil && spec.Chain == "xts" {
		return 2 * single
	}
	return single
}

// sameHash reports whether two names are of one hash.
func sameHash(a, b string) bool {
	x, err1 := hashes.Lookup(a)
	y, err2 := hashes.Lookup(b)
	return err1 == nil && err2 == nil && x.Name == y.Name
}

// tableCipher is a specification as tables and headers have it: cryptsetup takes short ones,
// such as "aes", for cbc-plain.
func tableCipher(s string) string {
	name, chain, _ := strings.Cut(s, "-")
	switch {
	case s == "":
		return defaultCipher
	case strings.HasPrefix(s, "capi:"):
		return s
	case chain == "" || chain == "plain":
		return name + "-cbc-plain"
	}
	return s
}

// splitCipher is a specification as the two texts of LUKS1.
func splitCipher(spec string) (name, mode string) {
	name, mode, _ = strings.Cut(spec, "-")
	return name, mode
}
