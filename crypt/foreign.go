package crypt

import (
	"fmt"

	"github.com/dmimg/dmimg/internal/hashes"
)

// The names below are known to the kernel and not supported here, so that the
// error for one of them says "unsupported" and for any other word "unknown".

// foreignNames are ciphers, chaining modes and other templates that occur in
// the cipher word of crypt tables.
var foreignNames = nameSet(
	"anubis",
	"khazad", "seed", "tea", "xeta", "xtea",
	"chacha20", "poly1305", "xchacha12", "xchacha20", "cmac", "hmac",
	"aegis128", "aegis128l", "aegis256", "ghash", "vmac64", "xcbc",
	"authenc", "authencesn", "ccm", "cts", "essiv", "gcm",
	"rfc3686", "rfc4106", "rfc4309", "rfc4543", "rfc7539", "rfc7539esp",
)

func nameSet(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// missingCipher is the error for an algorithm that is not in the list. It names
// the part that is to blame: the first that nobody knows, else the first that
// is not supported, else the combination.
func missingCipher(name apiName) error {
	if isAEAD(name) {
		return fmt.Errorf("crypt: cipher mode %q: %s makes tags: integrity option and storage with tags wanted: %w", name.name, name, ErrUnsupported)
	}
	blame, cause := name, ErrUnsupported
	found := false
	name.walk(func(n apiName) {
		switch {
		case isListed(n.name) || isHash(n.name) || cause == ErrUnknownCipher:
		case !foreignNames[n.name]:
			blame, cause = n, ErrUnknownCipher
		case !found:
			blame, found = n, true
		}
	})
	switch {
	case isListed(blame.name):
		return fmt.Errorf("crypt: cipher %q: %w", name, cause)
	case len(blame.args) > 0:
		return fmt.Errorf("crypt: cipher mode %q: %s: %w", blame.name, name, cause)
	}
	return fmt.Errorf("crypt: cipher %q: %s: %w", blame.name, name, cause)
}

// isListed reports whether part is a cipher or a chaining mode of the list.
func isListed(part string) bool {
	for i := range ciphers {
		if part == ciphers[i].chain || part == ciphers[i].cipher.name {
			return true
		}
	}
	return false
}

// isHash reports whether part is a hash, as in essiv(…,sha256) and hmac(sha256).
func isHash(part string) bool {
	_, err := hashes.Lookup(part)
	return err == nil
}
