package crypt

import (
	"fmt"
	"sync"

	"github.com/dmimg/dmimg/crypt/xts"
)

const (
	maxUnit    = 4096 // bytes of the largest encryption sector
	maxIVSize  = 32   // bytes, room for the wide-block modes
	batchUnits = 64   // encryption sectors whose IVs are made at once
)

// SectorCipher encrypts and decrypts runs of encryption sectors. len(dst) ==
// len(src) is a multiple of the sector size, and dst and src are the same memory
// or do not overlap; other lengths panic. sector is the number of the first one
// in units of 512 bytes from the start of the target, whatever the sector size;
// the IV offset is added inside. Calls may be concurrent.
type SectorCipher interface {
	EncryptSectors(dst, src []byte, sector uint64)
	DecryptSectors(dst, src []byte, sector uint64)
}

// Implementations returns the names that [Config].Implementation may have on
// this machine, best first. They are those of AES in XTS, CBC and CTR mode; what
// else there is has the last one, "generic", only.
func Implementations() []string { return xts.Implementations() }

// NewCipher returns the cipher that c describes. It does not keep c.Key. What it
// makes from it stays in memory; [Device.Close] wipes that. Errors wrap [ErrSpec],
// [ErrUnknownCipher], [ErrUnknownIV], [ErrUnsupported], [ErrKeySize],
// [ErrSectorSize] or [ErrUnaligned], or the unknown hash of an ESSIV.
func NewCipher(c Config) (SectorCipher, error) {
	return newEngine(c)
}

// engine is a SectorCipher: a cipher mode and an IV generator for each key.
type engine struct {
	geometry
	keys   []keyed
	ivSize int // bytes; 0 when the mode takes no IV
	batch  int // bytes that are worked on at once, with one key
}

// keyed is what is made from one of the keys.
type keyed struct {
	mode sectorMode
	iv   ivGenerator // nil when the mode takes no IV
	data dataMode    // iv, if that is one; else nil
}

func (k *keyed) encrypt(dst, src, ivs []byte, n ivNumbers, unit int) {
	if k.data != nil {
		k.data.encryptRun(dst, src, ivs, n)
		return
	}
	k.generate(ivs, n, len(src)/unit)
	k.mode.encrypt(dst, src, ivs, unit)
}

func (k *keyed) decrypt(dst, src, ivs []byte, n ivNumbers, unit int) {
	if k.data != nil {
		k.data.decryptRun(dst, src, ivs, n)
		return
	}
	k.generate(ivs, n, len(src)/unit)
	k.mode.decrypt(dst, src, ivs, unit)
}

// generate fills ivs with the IVs of that many sectors.
func (k *keyed) generate(ivs []byte, n ivNumbers, sectors int) {
	if k.iv != nil {
		k.iv.generate(ivs, len(ivs)/sectors, n)
	}
}

func newEngine(c Config) (*engine, error) {
	spec, err := ParseSpec(c.Spec)
	if err != nil {
		return nil, err
	}
	if c.Integrity != "" {
		return nil, fmt.Errorf("crypt: integrity %q needs storage with tags: %w", c.Integrity, ErrUnsupported)
	}
	p, err := newPlan(spec)
	if err != nil {
		return nil, err
	}
	if err := p.mode.checkImplementation(c.Implementation); err != nil {
		return nil, err
	}
	g, err := c.geometry()
	if err != nil {
		return nil, err
	}
	if err := p.checkUnit(g.unit); err != nil {
		return nil, err
	}
	parts, err := p.split(c, spec)
	if err != nil {
		return nil, err
	}
	e := &engine{geometry: g, ivSize: p.mode.ivSize, batch: batchUnits * g.unit}
	if g.step%uint64(len(parts.keys)) != 0 {
		e.batch = g.unit // neighbouring sectors have different keys
	}
	e.keys, err = p.keys(parts, c.Implementation, g.unit)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// EncryptSectors implements [SectorCipher].
func (e *engine) EncryptSectors(dst, src []byte, sector uint64) {
	e.checkLengths(dst, src)
	buf := ivBuffers.Get().(*ivBuffer)
	defer ivBuffers.Put(buf)
	for sector += e.ivOffset; len(src) > 0; {
		n := min(len(src), e.batch)
		k := e.keyOf(sector)
		k.encrypt(dst[:n], src[:n], buf[:n/e.unit*e.ivSize], e.numbers(sector), e.unit)
		dst, src, sector = dst[n:], src[n:], sector+uint64(n>>sectorShift)
	}
}

// DecryptSectors implements [SectorCipher].
func (e *engine) DecryptSectors(dst, src []byte, sector uint64) {
	e.checkLengths(dst, src)
	buf := ivBuffers.Get().(*ivBuffer)
	defer ivBuffers.Put(buf)
	for sector += e.ivOffset; len(src) > 0; {
		n := min(len(src), e.batch)
		k := e.keyOf(sector)
		k.decrypt(dst[:n], src[:n], buf[:n/e.unit*e.ivSize], e.numbers(sector), e.unit)
		dst, src, sector = dst[n:], src[n:], sector+uint64(n>>sectorShift)
	}
}

func (e *engine) checkLengths(dst, src []byte) {
	if len(src)%e.unit != 0 || len(dst) != len(src) {
		panic("crypt: buffers are not equally many whole sectors")
	}
}

// keyOf selects the key of the sector, its number including the IV offset in
// units of 512 bytes. The number of keys is a power of two.
func (e *engine) keyOf(sector uint64) *keyed {
	return &e.keys[sector&uint64(len(e.keys)-1)]
}

// numbers returns the IV numbers of the sectors from sector on.
func (e *engine) numbers(sector uint64) ivNumbers {
	return ivNumbers{first: sector, step: e.step, shift: e.shift}
}

// wiper is implemented by modes and generators that hold key material in memory
// of this module.
type wiper interface{ wipe() }

// wipe overwrites the key material that can be reached and lets go of the rest,
// the round keys inside crypto/aes. The engine cannot be used afterwards.
func (e *engine) wipe() {
	for _, k := range e.keys {
		for _, part := range []any{k.mode, k.iv} {
			if w, ok := part.(wiper); ok {
				w.wipe()
			}
		}
	}
	e.keys = nil
}

// ivBuffer is room for the IVs of a batch.
type ivBuffer [batchUnits * maxIVSize]byte

var ivBuffers = sync.Pool{New: func() any { return new(ivBuffer) }}
