package journal

import (
	"fmt"
	"strings"

	"github.com/dmimg/dmimg/crypt"
)

// sectionCipher encrypts sections. Its methods may be called concurrently.
type sectionCipher interface {
	// encrypt works on a whole section, in place.
	encrypt(b []byte, number uint32)
	// decrypt works on sectors of a section from the first on, in place.
	// before is the ciphertext of the sector in front of them, unless first is 0
	// or needsBefore is false.
	decrypt(b, before []byte, number uint32, first int)
	needsBefore() bool
	wipe()
}

// modes are the ones that a journal may be encrypted with: the kernel takes any,
// and asks only whether it is a stream.
var modes = []struct {
	name string
	new  func(cipher string, a Algorithm, g geometry) (sectionCipher, error)
}{
	{"ctr", newCTR},
	{"cbc", newCBC},
	{"ecb", newECB},
}

// newSectionCipher returns nil for a journal that is not encrypted.
func newSectionCipher(a Algorithm, g geometry) (sectionCipher, error) {
	switch a.Name {
	case "":
		if len(a.Key) > 0 {
			return nil, badConfig("a key, but no cipher for the journal")
		}
		return nil, nil
	case "chacha20":
		return newChaCha20(a, g)
	}
	name, rest, _ := strings.Cut(a.Name, "(")
	cipher, closed := strings.CutSuffix(rest, ")")
	if closed && cipher != "" && !strings.ContainsAny(cipher, "()-:, ") {
		for _, m := range modes {
			if m.name == name {
				return m.new(cipher, a, g)
			}
		}
	}
	return nil, fmt.Errorf("journal: cipher %q: %w (want chacha20, or ctr, cbc or ecb of a block cipher)", a.Name, ErrUnsupported)
}

// sectorCipher makes a cipher of package crypt that works on sectors of 512 bytes.
func sectorCipher(spec string, a Algorithm) (crypt.SectorCipher, error) {
	c, err := crypt.NewCipher(crypt.Config{Spec: spec, Key: a.Key})
	if err != nil {
		return nil, fmt.Errorf("journal: cipher %q: %w", a.Name, err)
	}
	return c, nil
}

// blockSize is the size in bytes of the cipher in a mode of package crypt.
func blockSize(mode string, a Algorithm) (int, error) {
	for _, info := range crypt.Ciphers() {
		if info.APIName == mode && info.BlockSize >= 8 && info.BlockSize <= SectorSize {
			return info.BlockSize, nil
		}
	}
	return 0, fmt.Errorf("journal: cipher %q: %w", a.Name, ErrUnsupported)
}
