package crypt

import "fmt"

// ivModes is the list of IV generators. To add one, write iv_<name>.go and put
// it here.
var ivModes = []ivMode{
	ivPlain,
	ivPlain64,
	ivPlain64BE,
	ivESSIV,
	ivBENBI,
	ivNull,
	ivEBOIV,
	ivElephant,
	ivLMK,
	ivTCW,
}

// ivMode is a way to derive the IV of a sector from its number.
type ivMode struct {
	name string // the kernel's, case-sensitive
	note string // for people: what it demands
	unit int    // bytes of the only encryption sector it is defined for; 0: any

	// fits reports whether a mode that takes IVs works with it; nil: every one does.
	fits func(m *cipherMode) bool

	// extraKey tells how many bytes of a key of length bytes, of which count keys
	// of m are cut, belong to the IV mode, and where they start; nil means none.
	extraKey func(m *cipherMode, length, count int) (size, start int)

	// new returns the generator for one key.
	new func(ivConfig) (ivGenerator, error)
}

// ivConfig is what a generator may depend on.
type ivConfig struct {
	mode    *cipherMode
	essiv   bool       // essiv is around mode
	keyed   sectorMode // mode with its key
	first   sectorMode // mode with the first of several keys
	unit    int        // bytes of an encryption sector
	extra   []byte     // the key from the start that extraKey tells; must not be kept
	options string     // after the colon; modes that take none ignore it, as the kernel does
}

// ivGenerator writes the IVs of the sectors of a run, size bytes each, one
// after the other; size is at least 8. It may be called concurrently.
type ivGenerator interface {
	generate(ivs []byte, size int, n ivNumbers)
}

// dataMode is implemented by generators of IV modes that are more than IVs: they
// take them from the data, or change the data too. Such a mode encrypts and
// decrypts the run itself, with the sectorMode that it was made with. The
// arguments are those of sectorMode; what is in ivs does not matter.
type dataMode interface {
	encryptRun(dst, src, ivs []byte, n ivNumbers)
	decryptRun(dst, src, ivs []byte, n ivNumbers)
}

// ivNumbers gives the IV numbers of the sectors of a run: the sector number
// with the IV offset, in units of 512 bytes or with iv_large_sectors in units of
// the encryption sector. Numbers wrap around at 2^64 before the shift.
type ivNumbers struct {
	first, step uint64 // 512-byte sectors
	shift       uint
}

func (n ivNumbers) at(i int) uint64 { return (n.first + uint64(i)*n.step) >> n.shift }

// ivFunc is a generator that needs no key: it writes one IV, which holds zeros
// beforehand, from its number.
type ivFunc func(iv []byte, number uint64)

func (f ivFunc) generate(ivs []byte, size int, n ivNumbers) {
	clear(ivs)
	for i := 0; i*size < len(ivs); i++ {
		f(ivs[i*size:(i+1)*size], n.at(i))
	}
}

// keyless makes the constructor of a generator that depends on the number only.
func keyless(f ivFunc) func(ivConfig) (ivGenerator, error) {
	return func(ivConfig) (ivGenerator, error) { return f, nil }
}

// lookupIV finds a generator by its name.
func lookupIV(name string) (*ivMode, error) {
	for i := range ivModes {
		if ivModes[i].name == name {
			return &ivModes[i], nil
		}
	}
	if name == randomIV {
		return nil, fmt.Errorf("crypt: iv mode %q keeps ivs beside the sectors: integrity option and storage with tags wanted: %w", name, ErrUnsupported)
	}
	return nil, fmt.Errorf("crypt: iv mode %q: %w", name, ErrUnknownIV)
}

// IVInfo describes an IV generator for a listing.
type IVInfo struct {
	Name       string // as table lines spell it
	SectorSize int    // bytes of the only encryption sector it is defined for; 0: any
	Note       string // what it demands besides; may be empty
}

// IVInfos describes the IV generators that [NewCipher] supports, in the order of
// [IVs].
func IVInfos() []IVInfo {
	infos := make([]IVInfo, len(ivModes))
	for i, iv := range ivModes {
		infos[i] = IVInfo{Name: iv.name, SectorSize: iv.unit, Note: iv.note}
	}
	return infos
}

// fittingIVs lists the names of the IV generators that work with m.
func fittingIVs(m *cipherMode) []string {
	if m.ivSize == 0 {
		return nil
	}
	var names []string
	for _, iv := range ivModes {
		if iv.fits == nil || iv.fits(m) {
			names = append(names, iv.name)
		}
	}
	return names
}

// IVs lists the names of the IV generators that [NewCipher] supports, as table
// lines spell them. essiv takes the name of a hash as option, "essiv:sha256".
func IVs() []string {
	names := make([]string, len(ivModes))
	for i := range ivModes {
		names[i] = ivModes[i].name
	}
	return names
}
