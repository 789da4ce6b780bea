package crypt

import (
	"crypto/cipher"
	"fmt"
	"slices"
	"strings"
)

// ciphers is the list of cipher and chaining mode pairs. To add pairs, write the
// block cipher as cipher_<name>.go or the mode as cipher_<mode>.go and put it here.
var ciphers = slices.Concat(
	[]cipherMode{
		aesXTS(), cbcOf(aesCipher), ctrOf(aesCipher), ecbOf(aesCipher),
		lrwOf(aesCipher), pcbcOf(aesCipher), ctsOf(cbcOf(aesCipher)),
		ofbOf(aesCipher), cfbOf(aesCipher), xctrOf(aesCipher), hctr2Of(aesCipher),
	},
	bulkModes(serpentCipher),
	bulkModes(twofishCipher),
	bulkModes(camelliaCipher),
	bulkModes(ariaCipher),
	bulkModes(sm4Cipher),
	bulkModes(cast6Cipher),
	narrowModes(blowfishCipher),
	narrowModes(cast5Cipher),
	narrowModes(des3Cipher),
	narrowModes(desCipher),
	[]cipherMode{
		adiantum12(), adiantum20(),
		nullECB(), nullChained(cbcOf(nullCipher)), nullChained(pcbcOf(nullCipher)), nullChained(ctsOf(cbcOf(nullCipher))),
		nullChained(ofbOf(nullCipher)), nullChained(cfbOf(nullCipher)),
	},
)

// bulkModes is every mode of a cipher with blocks of 16 bytes that takes many blocks
// at once.
func bulkModes(b blockCipher) []cipherMode {
	return []cipherMode{
		bulkXTSOf(b), bulkCBCOf(b), bulkCTROf(b), ecbOf(b),
		lrwOf(b), pcbcOf(b), ctsOf(bulkCBCOf(b)), ofbOf(b), cfbOf(b), xctrOf(b), hctr2Of(b),
	}
}

// narrowModes is every mode of a cipher with blocks of 8 bytes: xts and lrw demand 16.
func narrowModes(b blockCipher) []cipherMode {
	return []cipherMode{cbcOf(b), ctrOf(b), ecbOf(b), pcbcOf(b), ctsOf(cbcOf(b)), ofbOf(b), cfbOf(b)}
}

// blockCipher is a block cipher that chaining modes can be built on.
type blockCipher struct {
	name      string // the kernel's, "aes"
	blockSize int    // bytes
	keySizes  []int  // bytes
	note      string // for people: timing behaviour, origin
	new       func(key []byte) (cipher.Block, error)
}

// cipherMode is a block cipher in a chaining mode: an algorithm that takes one
// key and works on encryption sectors.
type cipherMode struct {
	chain    string // the kernel's name of the mode, "xts", or "cts(cbc" of two in one
	cipher   blockCipher
	keySizes []int // bytes of one key of the mode
	ivSize   int   // bytes of the IV of a sector; 0: the mode takes none

	// apiBlockSize is the block size in bytes that the kernel's crypto API
	// reports for the mode: 1 for those that turn the cipher into a stream.
	apiBlockSize int

	// implementations lists what Config.Implementation can choose between,
	// best first; nil means that there is only plain Go.
	implementations func() []string

	// new returns the mode keyed with key, which has one of keySizes and must
	// not be kept. implementation is one of implementations, or "" for the best.
	new func(key []byte, implementation string) (sectorMode, error)
}

// sectorMode is a keyed cipherMode. dst and src are runs of whole sectors of
// size bytes, of equal length, the same memory or apart; ivs holds ivSize bytes
// for each sector and may be changed. Both methods may be called concurrently and
// keep nothing.
type sectorMode interface {
	encrypt(dst, src, ivs []byte, size int)
	decrypt(dst, src, ivs []byte, size int)
}

// apiName returns the crypto API's name of the pair, such as "xts(aes)".
func (m *cipherMode) apiName() string {
	open := strings.Count(m.chain, "(") + 1
	return m.chain + "(" + m.cipher.name + strings.Repeat(")", open)
}

// tableName returns the name of the pair as table lines begin, "aes-xts". Modes
// around a mode have the capi: form only.
func (m *cipherMode) tableName() string {
	if strings.Contains(m.chain, "(") {
		return capiPrefix + m.apiName()
	}
	return m.cipher.name + "-" + m.chain
}

// impls returns the names that implementation may have for this pair.
func (m *cipherMode) impls() []string {
	if m.implementations == nil {
		return []string{"generic"}
	}
	return m.implementations()
}

// checkImplementation refuses a name that is not one of impls, nor "".
func (m *cipherMode) checkImplementation(name string) error {
	names := m.impls()
	if name == "" || slices.Contains(names, name) {
		return nil
	}
	return fmt.Errorf("crypt: implementation %q of %s, here there is %s: %w",
		name, m.tableName(), strings.Join(names, ", "), ErrUnsupported)
}

// lookupCipher finds the pair that name, a crypto API name without essiv
// around it, stands for.
func lookupCipher(name apiName) (*cipherMode, error) {
	want := name.String()
	for i := range ciphers {
		if ciphers[i].apiName() == want {
			return &ciphers[i], nil
		}
	}
	return nil, missingCipher(name)
}

// CipherInfo describes a cipher and chaining mode pair for a listing.
type CipherInfo struct {
	Name            string   // as table lines begin, "aes-xts" or "capi:cts(cbc(aes))"
	APIName         string   // as after capi:, "xts(aes)"
	BlockSize       int      // bytes of a block of the cipher
	IVSize          int      // bytes of an IV; 0: the mode takes none
	IVs             []string // names of the IV generators that work with it; nil: it takes none
	KeySizes        []int    // bytes, of one key
	Implementations []string // usable on this machine, best first
	Note            string   // timing behaviour and where the cipher comes from
}

// Ciphers lists the cipher and chaining mode pairs that [NewCipher] supports.
func Ciphers() []CipherInfo {
	infos := make([]CipherInfo, len(ciphers))
	for i := range ciphers {
		m := &ciphers[i]
		infos[i] = CipherInfo{
			Name:            m.tableName(),
			APIName:         m.apiName(),
			BlockSize:       m.cipher.blockSize,
			IVSize:          m.ivSize,
			IVs:             fittingIVs(m),
			KeySizes:        slices.Clone(m.keySizes),
			Implementations: m.impls(),
			Note:            m.cipher.note,
		}
	}
	return infos
}

// sizeList puts byte counts, which ascend, into words: "32, 48 or 64 bytes", "4
// to 56 bytes".
func sizeList(sizes []int) string {
	first, last := sizes[0], sizes[len(sizes)-1]
	if len(sizes) > 3 && last-first == len(sizes)-1 {
		return fmt.Sprintf("%d to %d bytes", first, last)
	}
	text := ""
	for i, size := range sizes {
		switch {
		case i == 0:
		case i == len(sizes)-1:
			text += " or "
		default:
			text += ", "
		}
		text += fmt.Sprint(size)
	}
	return text + " bytes"
}
