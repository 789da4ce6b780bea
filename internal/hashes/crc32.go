package hashes

import (
	"encoding/binary"
	"hash"
	"hash/crc32"
)

// crcHash is a CRC-32 as the kernel's hash API computes it: the register is
// stored little-endian, unlike hash/crc32, which stores big-endian.
type crcHash struct {
	table    *crc32.Table
	register uint32 // as hash/crc32 keeps it: inverted on the way in and out
	initial  uint32 // of register
	final    uint32 // XORed to register for the digest
}

// newCRC32 is the kernel's raw "crc32": polynomial 0x04c11db7 reflected,
// register 0 at the start and no inversion at the end.
func newCRC32() hash.Hash {
	c := &crcHash{table: crc32.IEEETable, initial: ^uint32(0), final: ^uint32(0)}
	c.Reset()
	return c
}

// newCRC32C is the kernel's "crc32c": CRC-32C with the usual inversions (RFC
// 3720 appendix B.4).
func newCRC32C() hash.Hash {
	return &crcHash{table: crc32.MakeTable(crc32.Castagnoli)}
}

func (c *crcHash) Size() int      { return crc32.Size }
func (c *crcHash) BlockSize() int { return 1 }
func (c *crcHash) Reset()         { c.register = c.initial }

func (c *crcHash) Write(p []byte) (int, error) {
	c.register = crc32.Update(c.register, c.table, p)
	return len(p), nil
}

func (c *crcHash) Sum(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, c.register^c.final)
}
