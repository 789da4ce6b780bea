package journal

import (
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"hash"
	"strings"
	"sync"

	"github.com/dmimg/dmimg/internal/hashes"
)

// sectionMAC makes the MACs of sections: over the sector numbers of all
// entries, before them the salt and the section's number where the superblock
// says so.
type sectionMAC struct {
	pool   sync.Pool // of hash.Hash
	key    []byte
	prefix []byte // the salt; nil: neither salt nor number
}

// newSectionMAC returns nil for a journal without MACs.
func newSectionMAC(c Config) (*sectionMAC, error) {
	if !c.HasMAC {
		if c.MAC.Name != "" {
			return nil, badConfig("a MAC for a journal that was made without one")
		}
		return nil, nil
	}
	if c.MAC.Name == "" {
		return nil, badConfig("the journal was made with a MAC: its algorithm and key are needed")
	}
	m := &sectionMAC{key: append([]byte(nil), c.MAC.Key...)}
	create, err := newHash(c.MAC.Name, m.key)
	if err != nil {
		m.wipe()
		return nil, err
	}
	m.pool.New = func() any { return create() }
	if c.FixHMAC {
		m.prefix = c.Salt[:]
	}
	return m, nil
}

// newHash returns what makes a MAC: hmac(…) with a key, or a plain hash without.
func newHash(full string, key []byte) (func() hash.Hash, error) {
	name, isHMAC := strings.CutPrefix(full, "hmac(")
	if isHMAC {
		var closed bool
		if name, closed = strings.CutSuffix(name, ")"); !closed {
			return nil, badConfig("MAC %q: no closing parenthesis", full)
		}
	}
	algorithm, err := hashes.Lookup(name)
	if err != nil || !algorithm.Kernel {
		return nil, fmt.Errorf("journal: MAC %q: %w", full, ErrUnsupported)
	}
	switch {
	case !isHMAC && len(key) > 0:
		return nil, fmt.Errorf("journal: MAC %q with a key: %w", full, ErrUnsupported)
	case !isHMAC:
		return algorithm.New, nil
	case len(key) == 0:
		return nil, badConfig("MAC %q: needs a key", full)
	}
	return func() hash.Hash { return hmac.New(algorithm.New, key) }, nil
}

// sum is the MAC of a section.
func (m *sectionMAC) sum(s section, number uint32) (mac [macSize]byte) {
	h := m.pool.Get().(hash.Hash)
	defer m.pool.Put(h)
	h.Reset()
	var word [8]byte
	if m.prefix != nil {
		h.Write(m.prefix)
		binary.LittleEndian.PutUint64(word[:], uint64(number))
		h.Write(word[:])
	}
	for n := range s.entries {
		h.Write(s.entry(n)[:8])
	}
	copy(mac[:], h.Sum(nil))
	return mac
}

// put writes the MAC of s into it.
func (m *sectionMAC) put(s section, number uint32) {
	mac := m.sum(s, number)
	for i := range metaSectors {
		copy(s.b[(i+1)*SectorSize-idSize-macPart:], mac[i*macPart:(i+1)*macPart])
	}
}

// fits says whether s has its MAC.
func (m *sectionMAC) fits(s section, number uint32) bool {
	want := m.sum(s, number)
	var got [macSize]byte
	for i := range metaSectors {
		at := (i+1)*SectorSize - idSize - macPart
		copy(got[i*macPart:], s.b[at:at+macPart])
	}
	return hmac.Equal(got[:], want[:])
}

// wipe forgets the key. Hashes that were made keep what they derived from it.
func (m *sectionMAC) wipe() {
	clear(m.key)
	m.pool = sync.Pool{}
}
