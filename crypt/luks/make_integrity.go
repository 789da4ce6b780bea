package luks

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/internal/hashes"
)

// IntegrityFormat says how the dm-integrity device has to be made that a segment with tags
// lies on: without a hash of its own, and all tags have to be written before sectors can be
// read, by encrypting zeros through the device on top.
type IntegrityFormat struct {
	Offset        int64 // bytes: where its superblock goes on the data device
	SectorSize    int   // bytes of its blocks
	TagSize       int   // bytes for each
	LegacyPadding bool  // with padding as of old kernels: the caller's choice, no header says it
}

// IntegrityFormat returns how the dm-integrity device under the data is made, and false if
// the data has no tags. Errors wrap [ErrUnsupported].
func (h *Header) IntegrityFormat() (f IntegrityFormat, ok bool, err error) {
	if h.Version == 1 {
		return f, false, nil
	}
	for _, s := range h.V2.Metadata.dataSegments() {
		if s.Type != segmentCrypt || s.Integrity == nil {
			continue
		}
		f = IntegrityFormat{Offset: int64(s.Offset), SectorSize: int(s.SectorSize)}
		if f.TagSize, err = tagSize(s.Encryption, s.Integrity.Type); err != nil {
			return f, false, fmt.Errorf("luks: integrity of segment: %w", err)
		}
		return f, true, nil
	}
	return f, false, nil
}

// integrities are the kinds that cryptsetup knows, as it is told and as a header says.
var integrities = []struct {
	word, header string
	hash         string // of hmac
	key          int    // bytes of the volume key that are for tags; hmac: as long as the digest
	tag          int    // bytes, likewise
}{
	{word: "aead", header: "aead", tag: 16},
	{word: "poly1305", header: "poly1305", tag: 16},
	{word: "hmac-sha1", header: "hmac(sha1)", hash: "sha1"},
	{word: "hmac-sha256", header: "hmac(sha256)", hash: "sha256"},
	{word: "hmac-sha512", header: "hmac(sha512)", hash: "sha512"},
	{word: "cmac-aes", header: "cmac(aes)", key: 16, tag: 16},
}

// lookupIntegrity finds a kind by either of its names.
func lookupIntegrity(name string) (header string, key, tag int, err error) {
	var words []string
	for _, i := range integrities {
		words = append(words, i.word)
		if name != i.word && name != i.header {
			continue
		}
		if i.hash == "" {
			return i.header, i.key, i.tag, nil
		}
		a, err := hashes.Lookup(i.hash)
		return i.header, a.Size, a.Size, err
	}
	return "", 0, 0, option("integrity %q: want one of %s, none", clip(name), strings.Join(words, ", "))
}

// IntegrityKeySize is how many bytes at the end of a volume key are for tags of a kind,
// such as "hmac-sha256" or "hmac(sha256)"; "" and "none" have none. Errors wrap [ErrOption].
func IntegrityKeySize(integrity string) (int, error) {
	if integrity == "" || integrity == "none" {
		return 0, nil
	}
	_, key, _, err := lookupIntegrity(integrity)
	return key, err
}

// tagSize is how many bytes are stored for a sector: the tag, and the IV if it is random.
func tagSize(encryption, integrity string) (int, error) {
	tag := 0
	if integrity != "none" {
		var err error
		if _, _, tag, err = lookupIntegrity(integrity); err != nil {
			return 0, fmt.Errorf("%w: %w", err, ErrUnsupported)
		}
	}
	name, iv, _ := strings.Cut(encryption, "-")
	mode, rest, ok := strings.Cut(iv, "-") // chacha20-random has no mode
	if ok {
		iv = rest
	}
	switch {
	case iv != "random":
		return tag, nil
	case mode == "gcm" || name == "chacha20":
		return tag + 12, nil
	case mode == "ccm":
		return tag + 8, nil
	}
	return tag + 16, nil
}

func (o *FormatOptions) settleIntegrity() error {
	if o.Integrity == "none" {
		o.Integrity = ""
	}
	if o.Integrity == "" {
		return nil
	}
	if o.Version == 1 {
		return option("LUKS1 has no integrity %s", clip(o.Integrity))
	}
	var err error
	o.Integrity, _, _, err = lookupIntegrity(o.Integrity)
	return err
}

// tryTags is tryCipher for sectors with tags.
func tryTags(encryption, integrity string, keySize, sectorSize int) error {
	n, err := tagSize(encryption, integrity)
	if err != nil {
		return err
	}
	spec, kind := AuthenticatedSpec(encryption, integrity)
	d, err := crypt.NewAEADDevice(noTags(n), crypt.Config{
		Spec: spec, Key: make([]byte, keySize), SectorSize: sectorSize, Integrity: fmt.Sprintf("%d:%s", n, kind),
	})
	if err != nil {
		return fmt.Errorf("integrity %s: %w", integrity, engineError(err))
	}
	return d.Close()
}

// noTags is storage with tags of so many bytes, for nothing but trying a cipher.
type noTags int

func (n noTags) TagSize() int { return int(n) }

func (noTags) ReadTagged([]byte, []byte, int64) error { return errors.ErrUnsupported }

func (noTags) WriteTagged([]byte, []byte, int64) error { return errors.ErrUnsupported }
