package crypt_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/internal/hashes"
)

// TestPlainHash has the rules; 150 keys of real mappings are compared by the command line.
func TestPlainHash(t *testing.T) {
	t.Parallel()
	one, two := sha256.Sum256([]byte("secret")), sha256.Sum256([]byte("Asecret"))
	for _, c := range []struct {
		hash string
		size int
		want []byte
	}{
		{"sha256", 16, one[:16]},
		{"sha256", 40, append(append([]byte{}, one[:]...), two[:8]...)},
		{"sha256:7", 10, append(append([]byte{}, one[:7]...), 0, 0, 0)},
		{"sha256:0", 2, []byte{0, 0}},
		{"plain", 8, []byte("secret\x00\x00")},
		{"plain", 3, []byte("sec")},
		{"plain:2", 4, []byte("se\x00\x00")},
	} {
		h, err := crypt.ParsePlainHash(c.hash, c.size)
		if err != nil {
			t.Errorf("%s: %v", c.hash, err)
			continue
		}
		if got := h.Key([]byte("secret")); !bytes.Equal(got, c.want) {
			t.Errorf("%s, %d bytes: %x, want %x", c.hash, c.size, got, c.want)
		}
	}
	for text, want := range map[string]error{
		"sha256:": crypt.ErrPlainHash, "sha256:x": crypt.ErrPlainHash, "sha256:17": crypt.ErrPlainHash, "plain:-1": crypt.ErrPlainHash,
		"sha257": hashes.ErrUnknown, "": hashes.ErrUnknown,
	} {
		if _, err := crypt.ParsePlainHash(text, 16); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}
