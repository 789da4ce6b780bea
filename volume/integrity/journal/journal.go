package journal

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// Journal is what is constant of a journal: where its parts are, and its
// secrets. Its methods may be called concurrently, Close last.
type Journal struct {
	geometry
	ids    commitIDs
	mac    *sectionMAC   // nil: none
	cipher sectionCipher // nil: none
	verify func(data, tag []byte, sector uint64) bool
}

// New checks c. It reads nothing. The error wraps [ErrConfig] or
// [ErrUnsupported], or is that of package crypt for a key that does not fit.
func New(c Config) (*Journal, error) {
	g, err := newGeometry(c)
	if err != nil {
		return nil, err
	}
	if c.PageSize == 0 {
		c.PageSize = defaultPages
	}
	if c.PageSize < defaultPages || c.PageSize > 1<<20 || bits.OnesCount(uint(c.PageSize)) != 1 {
		return nil, badConfig("pages of %d bytes", c.PageSize)
	}
	j := &Journal{geometry: g, ids: plainIDs(), verify: c.Verify}
	if j.mac, err = newSectionMAC(c); err != nil {
		return nil, err
	}
	if j.cipher, err = newSectionCipher(c.Crypt, g); err != nil {
		j.Close()
		return nil, err
	}
	if stream, ok := j.cipher.(*streamCipher); ok {
		j.ids = stream.ids(c.PageSize)
	}
	return j, nil
}

// Close wipes the keys that can be reached. It closes nothing else.
func (j *Journal) Close() {
	if j.mac != nil {
		j.mac.wipe()
	}
	if j.cipher != nil {
		j.cipher.wipe()
	}
}

// Size is that of the journal in bytes.
func (j *Journal) Size() int64 { return j.size() }

// SectionSize is that of one section in bytes, at most 200 704.
func (j *Journal) SectionSize() int { return j.sectionSize() }

// Entries is the number of blocks that a section holds.
func (j *Journal) Entries() int { return j.entries }

// read reads and decrypts sectors of a section from the first on.
func (j *Journal) read(r io.ReaderAt, b []byte, number uint32, first int) error {
	var before []byte
	if first > 0 && j.cipher != nil && j.cipher.needsBefore() {
		before = make([]byte, SectorSize)
		if err := readFull(r, before, j.offset(number, first-1)); err != nil {
			return fmt.Errorf("journal: reading section %d: %w", number, err)
		}
	}
	if err := readFull(r, b, j.offset(number, first)); err != nil {
		return fmt.Errorf("journal: reading section %d: %w", number, err)
	}
	if j.cipher != nil {
		j.cipher.decrypt(b, before, number, first)
	}
	return nil
}

// readFull reads all of b, or says what is missing.
func readFull(r io.ReaderAt, b []byte, offset int64) error {
	n, err := r.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%d of %d bytes at offset %d: %w", n, len(b), offset, err)
}

// seal makes the bytes that are written of a section whose entries are filled.
func (j *Journal) seal(s section, q sequence, number uint32) {
	if j.mac != nil {
		j.mac.put(s, number)
	}
	s.stamp(&j.ids, q, number)
	if j.cipher != nil {
		j.cipher.encrypt(s.b, number)
	}
}

// newSection returns room for one.
func (j *Journal) newSection() section {
	return section{&j.geometry, make([]byte, j.sectionSize())}
}
