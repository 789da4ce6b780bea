package crypt

import (
	"fmt"
	"slices"
)

// plan is a specification with everything looked up that needs no key.
type plan struct {
	mode      *cipherMode
	iv        *ivMode // nil when the mode takes no IV
	ivOptions string
	essiv     []string // hashes of essiv around the mode, the innermost first
}

func newPlan(spec Spec) (plan, error) {
	name, err := parseAPIName(spec.APIName())
	if err != nil {
		return plan{}, specError(spec.String(), err.Error())
	}
	var p plan
	for name.name == ivESSIV.name && len(name.args) == 2 {
		p.essiv = append([]string{name.args[1].String()}, p.essiv...)
		name = name.args[0]
	}
	if p.mode, err = lookupCipher(name); err != nil {
		return plan{}, err
	}
	ivName, options := spec.IVMode()
	if ivName == ivESSIV.name {
		if options == "" {
			return plan{}, fmt.Errorf("crypt: iv mode essiv: no hash given, as in essiv:sha256: %w", ErrSpec)
		}
		p.essiv = append(p.essiv, options)
	}
	switch {
	case p.mode.ivSize == 0 && p.essiv != nil:
		return plan{}, fmt.Errorf("crypt: cipher %q: essiv around a mode without iv: %w", spec.APIName(), ErrUnsupported)
	case p.mode.ivSize == 0:
		return p, nil // the kernel ignores an IV word with such a mode, whatever it is
	case ivName == "":
		return plan{}, specError(spec.String(), p.mode.tableName()+" needs an iv mode")
	}
	p.ivOptions = options
	p.iv, err = lookupIV(ivName)
	return p, err
}

// checkUnit refuses encryption sectors, of unit bytes, that the IV mode is not
// defined for.
func (p *plan) checkUnit(unit int) error {
	if p.iv == nil || p.iv.unit == 0 || p.iv.unit == unit {
		return nil
	}
	return fmt.Errorf("crypt: iv mode %s: sector size of %d bytes, want %d: %w", p.iv.name, unit, p.iv.unit, ErrSectorSize)
}

// keyParts is the key of a volume, taken apart and not copied.
type keyParts struct {
	keys  [][]byte // of the mode; sector S uses keys[S mod len(keys)]
	extra []byte   // what the IV mode takes, from its start on
}

// split takes c.Key apart as the kernel does: the keys of the mode come first,
// then what the IV mode takes. Bytes that are left over belong to nothing.
func (p *plan) split(c Config, spec Spec) (keyParts, error) {
	count, err := c.keyCount(spec)
	if err != nil {
		return keyParts{}, err
	}
	length, extra, start := len(c.Key), 0, len(c.Key)
	if p.iv != nil && p.iv.extraKey != nil {
		extra, start = p.iv.extraKey(p.mode, length, count)
	}
	size := (length - extra) / count
	if extra > length || !slices.Contains(p.mode.keySizes, size) {
		return keyParts{}, p.keySizeError(length, extra, count)
	}
	if size == 0 {
		count = 1 // the keys of cipher_null are all the same
	}
	parts := keyParts{extra: c.Key[start:], keys: make([][]byte, count)}
	for i := range parts.keys {
		parts.keys[i] = c.Key[i*size : (i+1)*size]
	}
	return parts, nil
}

// keySizeError is the error for a key of length bytes. It tells which it should
// have been.
func (p *plan) keySizeError(length, extra, count int) error {
	ofWhich, each := "", ""
	if extra > 0 {
		ofWhich = fmt.Sprintf(" of which %s takes %d,", p.iv.name, extra)
	}
	if count > 1 {
		each = fmt.Sprintf(" for each of %d keys", count)
	}
	return fmt.Errorf("crypt: key of %d bytes,%s %s takes %s%s: %w",
		length, ofWhich, p.mode.tableName(), sizeList(p.mode.keySizes), each, ErrKeySize)
}

// keys makes what each of the keys needs.
func (p *plan) keys(parts keyParts, implementation string, unit int) ([]keyed, error) {
	keys := make([]keyed, len(parts.keys))
	for i, key := range parts.keys {
		mode, err := p.mode.new(key, implementation)
		if err != nil {
			return nil, err
		}
		for _, hash := range p.essiv {
			if mode, err = newESSIV(mode, p.mode, hash, key); err != nil {
				return nil, err
			}
		}
		keys[i].mode = mode
	}
	if p.iv == nil {
		return keys, nil
	}
	for i := range keys {
		iv, err := p.iv.new(ivConfig{
			mode: p.mode, essiv: p.essiv != nil, keyed: keys[i].mode, first: keys[0].mode,
			unit: unit, extra: parts.extra, options: p.ivOptions,
		})
		if err != nil {
			return nil, err
		}
		keys[i].iv = iv
		keys[i].data, _ = iv.(dataMode)
	}
	return keys, nil
}
