package dropin

import (
	"encoding/hex"
	"math"

	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/popt"
	"github.com/dmimg/dmimg/internal/hashes"
)

// Defaults and limits of veritysetup.
const (
	defaultHash      = "sha256"
	defaultBlockSize = 4096
	defaultSaltSize  = 32 // bytes
	defaultFormat    = 1
	defaultRoots     = 2

	minBlockSize = 512
	maxBlockSize = 512 << 10
	maxSalt      = 256 // bytes
	minRoots     = 2
	maxRoots     = 24
	sectorSize   = 512
)

// VerityGeometry is what the options say about a tree.
type VerityGeometry struct {
	Hash          string // as given
	Format        int    // 0 or 1
	DataBlockSize int    // bytes
	HashBlockSize int    // bytes
	DataBlocks    uint64 // 0: all of the data device
	HashOffset    int64  // bytes
	Salt          []byte // nil: not given; empty: none
	NoSuperblock  bool
	FEC           VerityFEC
}

// VerityFEC says where parity is.
type VerityFEC struct {
	Device string // "": none
	Offset int64  // bytes
	Roots  int
}

// readSalt reads --salt into g.
func (g *VerityGeometry) readSalt(c *popt.Line) error {
	if !c.Has("salt") {
		return nil
	}
	g.Salt = []byte{}
	s := c.Values["salt"]
	if s == "-" || s == "" {
		return nil
	}
	salt, err := hex.DecodeString(s)
	if err != nil {
		return exit.Paramf("Invalid salt string specified.")
	}
	if len(salt) > maxSalt {
		return exit.Paramf("A salt of %d bytes is too long: at most %d.", len(salt), maxSalt)
	}
	g.Salt = salt
	return nil
}

// readShape reads what does not depend on a device, in the order in which
// veritysetup checks it.
func (g *VerityGeometry) readShape(c *popt.Line) error {
	format := c.Number("format", defaultFormat)
	if format > 1 {
		return exit.Paramf("Unsupported VERITY hash type %d.", format)
	}
	dataSize, hashSize := c.Number("data-block-size", defaultBlockSize), c.Number("hash-block-size", defaultBlockSize)
	if !isBlockSize(dataSize) || !isBlockSize(hashSize) {
		return exit.Paramf("Unsupported VERITY block size.")
	}
	g.Format, g.DataBlockSize, g.HashBlockSize = int(format), int(dataSize), int(hashSize)
	if err := g.readHashOffset(c); err != nil {
		return err
	}
	if g.NoSuperblock && g.HashOffset%int64(g.HashBlockSize) != 0 {
		return exit.Paramf("Unsupported VERITY hash offset: without superblock it must be a multiple of the hash block size.")
	}
	if g.DataBlocks = c.Number("data-blocks", 0); g.DataBlocks > math.MaxInt64/dataSize {
		return exit.Paramf("Device offset overflow.")
	}
	return nil
}

// readHashOffset reads --hash-offset into g.
func (g *VerityGeometry) readHashOffset(c *popt.Line) error {
	offset := c.Number("hash-offset", 0)
	if offset%sectorSize != 0 || offset > math.MaxInt64 {
		return exit.Paramf("Unsupported VERITY hash offset.")
	}
	g.HashOffset = int64(offset)
	return nil
}

func isBlockSize(n uint64) bool { return n >= minBlockSize && n <= maxBlockSize && n&(n-1) == 0 }

// readHash reads --hash into g.
func (g *VerityGeometry) readHash(c *popt.Line) error {
	g.Hash = defaultHash
	if c.Has("hash") {
		g.Hash = c.Values["hash"]
	}
	if _, err := hashes.Lookup(g.Hash); err != nil {
		return exit.Paramf("Hash algorithm %s not supported.", g.Hash)
	}
	return nil
}

// readFEC reads the FEC options into g; ok is false if their values cannot be.
func (g *VerityGeometry) readFEC(c *popt.Line) (ok bool) {
	offset, roots := c.Number("fec-offset", 0), c.Number("fec-roots", defaultRoots)
	g.FEC = VerityFEC{Device: c.Values["fec-device"], Offset: int64(min(offset, math.MaxInt64)), Roots: int(roots)}
	return offset <= math.MaxInt64 && roots >= minRoots && roots <= maxRoots
}
