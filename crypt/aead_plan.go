package crypt

import (
	"crypto/cipher"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/internal/hashes"
)

// maxProfile is the largest number of bytes that the kernel lets a table ask for
// beside each sector.
const maxProfile = 480

// randomIV is the IV mode that draws a new IV for every write and stores it
// beside the sector. It is not in the list of ivModes: it generates nothing from
// a number.
const randomIV = "random"

// profile is the integrity option of a table line: what is stored beside each
// encryption sector.
type profile struct {
	bytes int
	aead  bool // type aead; else none
}

// parseProfile reads "<bytes>:<type>". The kernel compares the type without
// regard to case.
func parseProfile(s string) (profile, error) {
	number, kind, _ := strings.Cut(s, ":")
	n, err := strconv.ParseUint(number, 10, 16)
	switch {
	case err != nil || n == 0 || n > maxProfile:
		return profile{}, fmt.Errorf("crypt: integrity %q: want 1 to %d bytes, a colon and a type: %w", s, maxProfile, ErrSpec)
	case strings.EqualFold(kind, "aead"):
		return profile{int(n), true}, nil
	case strings.EqualFold(kind, "none"):
		return profile{int(n), false}, nil
	}
	return profile{}, fmt.Errorf("crypt: integrity %q: type %q, want aead or none: %w", s, kind, ErrSpec)
}

// newTagEngine makes the engine for storage that keeps stride bytes beside each
// sector.
func newTagEngine(c Config, stride int) (geometry, tagEngine, error) {
	spec, err := ParseSpec(c.Spec)
	if err != nil {
		return geometry{}, nil, err
	}
	p, err := parseProfile(c.Integrity)
	if err != nil {
		return geometry{}, nil, err
	}
	if stride < p.bytes {
		return geometry{}, nil, fmt.Errorf("crypt: integrity %q: the storage has only %d bytes for each sector: %w", c.Integrity, stride, ErrTagSize)
	}
	g, err := c.geometry()
	if err != nil {
		return geometry{}, nil, err
	}
	var e tagEngine
	switch ivName, _ := spec.IVMode(); {
	case p.aead:
		e, err = newAEADEngine(c, spec, p, g, stride)
	case ivName == randomIV:
		e, err = newIVOnlyEngine(c, spec, p, g, stride)
	default:
		c.Integrity = ""
		var plain *engine
		plain, err = newEngine(c)
		e = tagless{plain}
	}
	return g, e, err
}

// newIVOnlyEngine is for integrity none with random IVs: an ordinary cipher whose
// IVs are stored.
func newIVOnlyEngine(c Config, spec Spec, p profile, g geometry, stride int) (tagEngine, error) {
	plain := spec
	plain.IV, plain.IVOptions = ivNull.name, "" // for the lookup only
	plan, err := newPlan(plain)
	if err != nil {
		return nil, err
	}
	if plan.iv == nil {
		c.Integrity, c.Spec = "", plain.String()
		e, err := newEngine(c)
		return tagless{e}, err
	}
	if err := plan.mode.checkImplementation(c.Implementation); err != nil {
		return nil, err
	}
	parts, err := plan.split(c, plain)
	if err != nil {
		return nil, err
	}
	ivSize := max(plan.mode.ivSize, 8)
	if p.bytes < ivSize {
		return nil, fmt.Errorf("crypt: integrity %q: ivs of %s take %d bytes: %w", c.Integrity, plan.mode.tableName(), ivSize, ErrTagSize)
	}
	keys, err := plan.keys(parts, c.Implementation, g.unit)
	if err != nil {
		return nil, err
	}
	return &aeadEngine{geometry: g, mode: ivOnly{keys, g.ivOffset}, random: true, ivSize: ivSize, stride: stride}, nil
}

// newAEADEngine is for integrity aead.
func newAEADEngine(c Config, spec Spec, p profile, g geometry, stride int) (tagEngine, error) {
	if !spec.CAPI {
		return nil, fmt.Errorf("crypt: cipher spec %q: authenticated modes have the capi: form only, as in capi:gcm(aes)-random: %w", spec, ErrSpec)
	}
	name, err := parseAPIName(spec.APIName())
	if err != nil {
		return nil, specError(spec.String(), err.Error())
	}
	var essiv []string // the innermost first
	for name.name == ivESSIV.name && len(name.args) == 2 {
		essiv = append([]string{name.args[1].String()}, essiv...)
		name = name.args[0]
	}
	m, err := lookupAEAD(name)
	if err != nil {
		return nil, err
	}
	if spec.IV == ivESSIV.name {
		if spec.IVOptions == "" {
			return nil, fmt.Errorf("crypt: iv mode essiv: no hash given, as in essiv:sha256: %w", ErrSpec)
		}
		essiv = append(essiv, spec.IVOptions)
	}
	if len(essiv) > 0 && spec.IV != ivESSIV.name {
		return nil, fmt.Errorf("crypt: cipher spec %q: essiv around tags is an iv mode, as in %s%s-essiv:%s: %w", spec, capiPrefix, name, essiv[0], ErrSpec)
	}
	e := &aeadEngine{geometry: g, ivSize: m.ivSize, stride: stride, random: spec.IV == randomIV}
	if err := e.takeIV(m, spec); err != nil {
		return nil, err
	}
	e.tagSize = p.bytes
	if e.random {
		e.tagSize -= m.ivSize
	}
	if e.tagSize <= 0 {
		return nil, fmt.Errorf("crypt: integrity %q: a tag and an iv of %d bytes do not fit: %w", c.Integrity, m.ivSize, ErrTagSize)
	}
	if err := m.checkTagSize(e.tagSize); err != nil {
		return nil, err
	}
	return e, e.takeKey(m, c, essiv)
}

// takeIV finds the generator of the IVs. Those that look at the data, or are an
// encryption of their own, are for ciphers without tags.
func (e *aeadEngine) takeIV(m *aeadMode, spec Spec) error {
	switch {
	case e.random:
		return nil
	case spec.IV == "":
		return specError(spec.String(), m.name+" needs an iv mode")
	}
	iv, err := lookupIV(spec.IV)
	if err != nil {
		return err
	}
	if !slices.Contains([]string{"plain", "plain64", "plain64be", "essiv", "benbi", "null"}, iv.name) {
		return fmt.Errorf("crypt: iv mode %s with integrity aead: %w", iv.name, ErrUnsupported)
	}
	e.iv, err = iv.new(ivConfig{
		mode: &cipherMode{chain: m.name, ivSize: m.ivSize, apiBlockSize: m.apiBlockSize},
		unit: e.unit, options: spec.IVOptions,
	})
	return err
}

// takeKey cuts the key, that of the MAC behind that of the cipher, and makes the
// mode.
func (e *aeadEngine) takeKey(m *aeadMode, c Config, essiv []string) error {
	if c.KeyCount > 1 {
		return fmt.Errorf("crypt: key count %d, but the capi: form has 1 here: %w", c.KeyCount, ErrSpec)
	}
	macSize := m.macKeySize
	if c.IntegrityKeySize != 0 {
		macSize = c.IntegrityKeySize
		if m.macKeySize == 0 {
			return fmt.Errorf("crypt: integrity key size %d, but %s has no key of a MAC: %w", macSize, m.name, ErrKeySize)
		}
	}
	length := len(c.Key) - m.saltSize - macSize
	if macSize < 0 || !slices.Contains(m.keySizes, length) {
		return m.keySizeError(len(c.Key), macSize)
	}
	if m.cipher != nil {
		if err := m.cipher.checkImplementation(c.Implementation); err != nil {
			return err
		}
	}
	mode, err := m.new(c.Key, c.Key[len(c.Key)-macSize:], e.tagSize, c.Implementation)
	if err != nil {
		return err
	}
	for _, hash := range essiv {
		block, err := m.essivBlock(hash, c.Key)
		if err != nil {
			return err
		}
		mode = essivAEAD{mode, block}
	}
	e.mode = mode
	return nil
}

func (m *aeadMode) keySizeError(length, macSize int) error {
	detail := ""
	if m.saltSize > 0 {
		detail = fmt.Sprintf(" and a salt of %d", m.saltSize)
	}
	if macSize > 0 {
		detail = fmt.Sprintf(" and %d for the MAC", macSize)
	}
	return fmt.Errorf("crypt: key of %d bytes, %s takes %s%s: %w", length, m.name, sizeList(m.keySizes), detail, ErrKeySize)
}

// essivBlock keys the block cipher that encrypts IVs with the hash of the whole
// key, as the template essiv(authenc(…),hash) does.
func (m *aeadMode) essivBlock(hashName string, key []byte) (cipher.Block, error) {
	if m.cipher == nil || m.ivSize != m.cipher.cipher.blockSize {
		return nil, fmt.Errorf("crypt: essiv around %s, whose ivs are no blocks of its cipher: %w", m.name, ErrUnsupported)
	}
	algorithm, err := hashes.Lookup(hashName)
	if err != nil {
		return nil, fmt.Errorf("crypt: essiv: %w", err)
	}
	b := m.cipher.cipher
	if !slices.Contains(b.keySizes, algorithm.Size) {
		return nil, fmt.Errorf("crypt: essiv: %s gives %d bytes, %s takes %s: %w",
			algorithm.Name, algorithm.Size, b.name, sizeList(b.keySizes), ErrKeySize)
	}
	h := algorithm.New()
	h.Write(key)
	salt := h.Sum(nil)
	h.Reset()
	defer clear(salt)
	blocks, err := newBlocks(b, salt)
	if err != nil {
		return nil, err
	}
	return blocks[0], nil
}

// essivAEAD encrypts the IVs before the mode, and with it the associated data,
// gets them.
type essivAEAD struct {
	mode  sectorAEAD
	block cipher.Block
}

func (m essivAEAD) seal(dst, src []byte, r *tagRun) {
	encryptBlocks(m.block, r.ivs, r.ivs, r.ivSize)
	m.mode.seal(dst, src, r)
}

func (m essivAEAD) open(p []byte, r *tagRun) int {
	encryptBlocks(m.block, r.ivs, r.ivs, r.ivSize)
	return m.mode.open(p, r)
}

func (m essivAEAD) wipe() {
	if w, ok := m.mode.(wiper); ok {
		w.wipe()
	}
}
