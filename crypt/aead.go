package crypt

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// aeadModes is the list of authenticated modes, besides those that authenc puts
// together from a cipher and a MAC (aead_authenc.go). To add one, write
// aead_<name>.go and put its function here; it is asked for every name and
// returns nil when the name is not its own.
var aeadModes = []func(apiName) *aeadMode{
	gcmMode,
	rfc4106Mode,
	rfc4309Mode,
	rfc7539Mode,
	rfc7539ESPMode,
	aegis128Mode,
}

// aeadMode is an authenticated mode: an algorithm that takes one key, encrypts
// an encryption sector and makes a tag for it.
type aeadMode struct {
	name         string // the crypto API's, such as "gcm(aes)"
	keySizes     []int  // bytes, of authenc those of the cipher
	saltSize     int    // bytes of the key's tail that begin every nonce
	macKeySize   int    // bytes that the MAC takes of the key's tail; 0: none
	ivSize       int    // bytes of the IV of a sector
	apiBlockSize int    // as the crypto API reports it
	tagSizes     []int  // bytes that a tag may have, ascending
	note         string // for people: timing behaviour, origin

	// cipher is the one that essiv uses around the mode; nil: it cannot be.
	cipher *cipherMode

	// new returns the keyed mode. key has a length that is right and must not be
	// kept; macKey is its tail if the mode has a MAC.
	new func(key, macKey []byte, tagSize int, implementation string) (sectorAEAD, error)
}

// sectorAEAD is a keyed aeadMode. Both methods may be called concurrently.
type sectorAEAD interface {
	// seal encrypts whole sectors from src to dst, which are of equal length and
	// the same memory or apart, and writes their tags.
	seal(dst, src []byte, r *tagRun)

	// open decrypts whole sectors in place. It returns how many bytes at the front
	// of p are sectors that authenticate; behind these is no plaintext.
	open(p []byte, r *tagRun) int
}

// tagRun is what belongs to a run of encryption sectors besides their data.
type tagRun struct {
	unit   int    // bytes of a sector
	first  uint64 // number of the first sector, in units of 512 bytes, without IV offset
	step   uint64 // from one sector to the next, in the same units
	ivs    []byte // one after the other; may be changed
	ivSize int    // bytes
	tags   []byte // for each sector stride bytes, of which the first are the tag
	stride int
}

// sectorNumber is the sector as it is in the associated data.
type sectorNumber [8]byte

// number returns that of sector i of the run.
func (r *tagRun) number(i int) (n sectorNumber) {
	binary.LittleEndian.PutUint64(n[:], r.first+uint64(i)*r.step)
	return n
}

func (r *tagRun) iv(i int) []byte { return r.ivs[i*r.ivSize : (i+1)*r.ivSize] }

// tag returns the tag of sector i, size bytes.
func (r *tagRun) tag(i, size int) []byte { return r.tags[i*r.stride:][:size:size] }

// lookupAEAD finds the authenticated mode that name, without essiv around it,
// stands for.
func lookupAEAD(name apiName) (*aeadMode, error) {
	if name.name == authencName {
		return authencMode(name)
	}
	for _, mode := range aeadModes {
		if m := mode(name); m != nil {
			return m, nil
		}
	}
	if _, err := lookupCipher(name); err == nil {
		return nil, fmt.Errorf("crypt: cipher %q with integrity aead: it makes no tags; authenc puts it together with a MAC: %w", name, ErrSpec)
	}
	return nil, missingCipher(name)
}

// isAEAD reports whether lookupAEAD would find name.
func isAEAD(name apiName) bool {
	if name.name == authencName {
		_, err := authencMode(name)
		return err == nil
	}
	return slices.ContainsFunc(aeadModes, func(mode func(apiName) *aeadMode) bool { return mode(name) != nil })
}

// blockOf finds the block cipher that name stands for, if it is in the list and
// has blocks of 16 bytes.
func blockOf(name apiName) *blockCipher {
	for i := range ciphers {
		b := &ciphers[i].cipher
		if len(name.args) == 0 && b.name == name.name && b.blockSize == 16 && b.new != nil {
			return b
		}
	}
	return nil
}

// inside returns the argument of name if it is the template with that one
// argument.
func (n apiName) inside(template string) (arg apiName, ok bool) {
	if n.name != template || len(n.args) != 1 {
		return apiName{}, false
	}
	return n.args[0], true
}

// checkTagSize refuses tags of a size that the mode does not make.
func (m *aeadMode) checkTagSize(size int) error {
	if slices.Contains(m.tagSizes, size) {
		return nil
	}
	return fmt.Errorf("crypt: tag of %d bytes, %s makes tags of %s: %w", size, m.name, sizeList(m.tagSizes), ErrTagSize)
}

// AEADInfo describes an authenticated mode for a listing.
type AEADInfo struct {
	Name       string // as table lines begin, "capi:gcm(aes)"
	KeySizes   []int  // bytes, without the key of a MAC
	MACKeySize int    // bytes of the key of a MAC if the table does not say otherwise; 0: none
	SaltSize   int    // bytes that follow the key and begin every nonce
	IVSize     int    // bytes
	TagSizes   []int  // bytes
	Note       string // timing behaviour and where it comes from
}

// AEADs lists authenticated modes that [NewAEADDevice] supports: all with AES,
// and authenc with one hash. The others are made by putting the name of another
// cipher of [Ciphers], with blocks of 16 bytes, or of another hash in the place.
func AEADs() []AEADInfo {
	var infos []AEADInfo
	for _, name := range []string{
		"authenc(hmac(sha256),xts(aes))",
		"authenc(hmac(sha256),cbc(aes))",
		"authenc(hmac(sha256),ctr(aes))",
		"authenc(cmac(aes),xts(aes))",
		"gcm(aes)",
		"rfc4106(gcm(aes))",
		"rfc4309(ccm(aes))",
		"rfc7539(chacha20,poly1305)",
		"rfc7539esp(chacha20,poly1305)",
		"aegis128",
	} {
		n, err := parseAPIName(name)
		if err != nil {
			panic("crypt: internal error: " + err.Error())
		}
		m, err := lookupAEAD(n)
		if err != nil {
			panic("crypt: internal error: " + err.Error())
		}
		infos = append(infos, AEADInfo{
			Name: capiPrefix + name, KeySizes: slices.Clone(m.keySizes), MACKeySize: m.macKeySize,
			SaltSize: m.saltSize, IVSize: m.ivSize, TagSizes: slices.Clone(m.tagSizes), Note: m.note,
		})
	}
	return infos
}
