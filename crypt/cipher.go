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
// this machine, best first. They are those of AES-XTS; the other ciphers have
// the last one, "generic", only.
func Implementations() []string { return xts.Implementations() }

// NewCipher returns the cipher that c describes. It keeps neither c.Key nor a
// copy of it, only the round keys made from it. Errors wrap [ErrSpec],
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
	count, err := c.keyCount(spec)
	if err != nil {
		return nil, err
	}
	if err := p.mode.checkKey(len(c.Key), count); err != nil {
		return nil, err
	}
	e := &engine{geometry: g, ivSize: p.mode.ivSize, batch: batchUnits * g.unit}
	if g.step%uint64(count) != 0 {
		e.batch = g.unit // neighbouring sectors have different keys
	}
	e.keys, err = p.keys(c, count, g.unit)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// plan is a specification with everything looked up that needs no key.
type plan struct {
	mode      *cipherMode
	iv        *ivMode // nil when the mode takes no IV
	ivOptions string
	essivHash string // of the template essiv(…,hash) around the mode, or ""
}

func newPlan(spec Spec) (plan, error) {
	name, err := parseAPIName(spec.APIName())
	if err != nil {
		return plan{}, specError(spec.String(), err.Error())
	}
	var p plan
	if name.name == "essiv" && len(name.args) == 2 {
		p.essivHash = name.args[1].String()
		name = name.args[0]
	}
	if p.mode, err = lookupCipher(name); err != nil {
		return plan{}, err
	}
	ivName, options := spec.IVMode()
	if ivName != "" {
		if p.iv, err = lookupIV(ivName); err != nil {
			return plan{}, err
		}
		p.ivOptions = options
	}
	switch {
	case p.mode.ivSize == 0 && p.essivHash != "":
		return plan{}, fmt.Errorf("crypt: cipher %q: essiv around a mode without iv: %w", spec.APIName(), ErrUnsupported)
	case p.mode.ivSize == 0:
		p.iv = nil // the kernel ignores an IV word with such a mode
	case p.iv == nil:
		return plan{}, specError(spec.String(), p.mode.tableName()+" needs an iv mode")
	}
	return p, nil
}

// keys cuts c.Key into count equal keys and makes what each needs.
func (p *plan) keys(c Config, count, unit int) ([]keyed, error) {
	size := len(c.Key) / count
	keys := make([]keyed, count)
	for i := range keys {
		k, err := p.key(c.Key[i*size:(i+1)*size], c.Implementation, unit)
		if err != nil {
			return nil, err
		}
		keys[i] = k
	}
	return keys, nil
}

// key makes the mode and the generator of one key.
func (p *plan) key(key []byte, implementation string, unit int) (keyed, error) {
	mode, err := p.mode.new(key, implementation)
	if err != nil {
		return keyed{}, err
	}
	k := keyed{mode: mode}
	if p.iv == nil {
		return k, nil
	}
	k.iv, err = p.iv.new(ivConfig{mode: p.mode, keyed: mode, unit: unit, key: key, options: p.ivOptions})
	if err == nil && p.essivHash != "" {
		k.iv, err = newESSIV(k.iv, p.mode, p.essivHash, key)
	}
	return k, err
}

// EncryptSectors implements [SectorCipher].
func (e *engine) EncryptSectors(dst, src []byte, sector uint64) {
	e.checkLengths(dst, src)
	buf := ivBuffers.Get().(*ivBuffer)
	defer ivBuffers.Put(buf)
	for sector += e.ivOffset; len(src) > 0; {
		n := min(len(src), e.batch)
		k := e.keyOf(sector)
		k.mode.encrypt(dst[:n], src[:n], e.ivs(buf, k.iv, sector, n), e.unit)
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
		k.mode.decrypt(dst[:n], src[:n], e.ivs(buf, k.iv, sector, n), e.unit)
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

// ivs writes the IVs of n bytes of sectors into buf.
func (e *engine) ivs(buf *ivBuffer, iv ivGenerator, sector uint64, n int) []byte {
	if iv == nil {
		return nil
	}
	ivs := buf[:n/e.unit*e.ivSize]
	iv.generate(ivs, e.ivSize, ivNumbers{first: sector, step: e.step, shift: e.shift})
	return ivs
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
