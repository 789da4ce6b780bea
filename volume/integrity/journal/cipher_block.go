package journal

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/dmimg/dmimg/crypt"
)

// chainCipher is a journal of which every section is one message in CBC mode
// (NIST SP 800-38A, 6.2). Its IV is the section's number, encrypted.
//
// The cipher below starts each sector with an IV of zeros; XORing the chain
// into the first block makes one message of them.
type chainCipher struct {
	cbc       crypt.SectorCipher
	blockSize int
}

func newCBC(cipher string, a Algorithm, _ geometry) (sectionCipher, error) {
	size, err := blockSize("cbc("+cipher+")", a)
	if err != nil {
		return nil, err
	}
	c, err := sectorCipher(cipher+"-cbc-null", a)
	if err != nil {
		return nil, err
	}
	return &chainCipher{c, size}, nil
}

// iv of a section.
func (c *chainCipher) iv(number uint32) []byte {
	var sector [SectorSize]byte
	binary.LittleEndian.PutUint32(sector[:], number)
	c.cbc.EncryptSectors(sector[:], sector[:], 0)
	return sector[:c.blockSize]
}

func (c *chainCipher) encrypt(b []byte, number uint32) {
	chain := c.iv(number)
	for ; len(b) > 0; b = b[SectorSize:] {
		sector := b[:SectorSize]
		subtle.XORBytes(sector, sector[:c.blockSize], chain)
		c.cbc.EncryptSectors(sector, sector, 0)
		chain = sector[SectorSize-c.blockSize:]
	}
}

func (c *chainCipher) decrypt(b, before []byte, number uint32, first int) {
	if first == 0 {
		before = c.iv(number)
	}
	chain := append([]byte(nil), before[len(before)-c.blockSize:]...)
	next := make([]byte, c.blockSize)
	for ; len(b) > 0; b = b[SectorSize:] {
		sector := b[:SectorSize]
		copy(next, sector[SectorSize-c.blockSize:])
		c.cbc.DecryptSectors(sector, sector, 0)
		subtle.XORBytes(sector, sector[:c.blockSize], chain)
		chain, next = next, chain
	}
}

func (c *chainCipher) needsBefore() bool { return true }
func (c *chainCipher) wipe()             { c.cbc = nil }

// bookCipher is a journal in ECB mode, which hides little.
type bookCipher struct{ ecb crypt.SectorCipher }

func newECB(cipher string, a Algorithm, _ geometry) (sectionCipher, error) {
	c, err := sectorCipher(cipher+"-ecb", a)
	if err != nil {
		return nil, err
	}
	return &bookCipher{c}, nil
}

func (c *bookCipher) encrypt(b []byte, _ uint32)           { c.ecb.EncryptSectors(b, b, 0) }
func (c *bookCipher) decrypt(b, _ []byte, _ uint32, _ int) { c.ecb.DecryptSectors(b, b, 0) }
func (c *bookCipher) needsBefore() bool                    { return false }
func (c *bookCipher) wipe()                                { c.ecb = nil }
