package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// Defaults of veritysetup.
const (
	defaultVerityHash      = "sha256"
	defaultVerityType      = 1
	defaultVerityBlockSize = 4096
	defaultVeritySaltSize  = 32
)

// verityGeometry is what the flags say about a tree. A nil field was not given.
type verityGeometry struct {
	hash          *string // lower case, as superblocks have it
	hashAsGiven   string  // "" if not given
	hashType      *int
	dataBlockSize *int
	hashBlockSize *int
	dataBlocks    *uint64
	salt          []byte // not nil: given; empty: "-"
	hashOffset    int64  // bytes
	noSuperblock  bool
}

func verityGeometryFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "hash", Usage: "hash algorithm `NAME` (default: sha256)"},
		&urfave.StringFlag{Name: "format", Usage: "format `TYPE`: 1, or 0 for the original one of Chrome OS (default: 1)"},
		ui.SizeFlag("data-block-size", "`BYTES` of a data block (default: 4096)"),
		ui.SizeFlag("hash-block-size", "`BYTES` of a hash block (default: 4096)"),
		&urfave.Uint64Flag{Name: "data-blocks", Usage: "`NUMBER` of data blocks (default: all of DATA)"},
		ui.SizeFlag("hash-offset", "where the hash area begins in HASH, in `BYTES` (default: 0)"),
		&urfave.StringFlag{Name: "salt", Usage: "salt in `HEX`, - for none (default: 32 random bytes)"},
		&urfave.BoolFlag{Name: "no-superblock", Usage: "the hash area has no superblock in front of the tree"},
	}
}

// verityGeometryOf reads the flags of verityGeometryFlags.
func verityGeometryOf(c *urfave.Context) (g verityGeometry, err error) {
	if c.IsSet("hash") {
		name := strings.ToLower(c.String("hash"))
		g.hash, g.hashAsGiven = &name, c.String("hash")
	}
	if c.IsSet("format") {
		n := strings.IndexByte("01", (c.String("format") + "?")[0])
		if n < 0 || len(c.String("format")) != 1 {
			return g, ui.Usagef("--format %q: 0 or 1", c.String("format"))
		}
		g.hashType = &n
	}
	if g.dataBlockSize, err = blockSizeOf(c, "data-block-size"); err != nil {
		return g, err
	}
	if g.hashBlockSize, err = blockSizeOf(c, "hash-block-size"); err != nil {
		return g, err
	}
	if c.IsSet("data-blocks") {
		n := c.Uint64("data-blocks")
		if n == 0 {
			return g, ui.Usagef("--data-blocks 0: an image has at least one block")
		}
		g.dataBlocks = &n
	}
	if c.IsSet("salt") {
		if g.salt, err = parseSalt(c.String("salt")); err != nil {
			return g, err
		}
	}
	g.hashOffset = ui.SizeOf(c, "hash-offset", 0)
	g.noSuperblock = c.Bool("no-superblock")
	return g, nil
}

func blockSizeOf(c *urfave.Context, name string) (*int, error) {
	if !c.IsSet(name) {
		return nil, nil
	}
	n := ui.SizeOf(c, name, 0)
	if n < verity.MinBlockSize || n > verity.MaxBlockSize || n&(n-1) != 0 {
		return nil, ui.Usagef("--%s %d: not a power of two from %d to %d", name, n, verity.MinBlockSize, verity.MaxBlockSize)
	}
	size := int(n)
	return &size, nil
}

// parseSalt reads a salt: hex, or "-" for an empty one, which is not nil.
func parseSalt(text string) ([]byte, error) {
	if text == "-" {
		return []byte{}, nil
	}
	salt, err := hex.DecodeString(text)
	if err != nil || len(salt) == 0 {
		return nil, ui.Usagef("--salt %q: hex digits in pairs, or - for no salt", text)
	}
	if len(salt) > verity.MaxSaltSize {
		return nil, ui.Usagef("--salt of %d bytes: at most %d", len(salt), verity.MaxSaltSize)
	}
	return salt, nil
}

// saltText is the salt as reports show it.
func saltText(salt []byte) string {
	if len(salt) == 0 {
		return "-"
	}
	return hex.EncodeToString(salt)
}

// params fills a verity.Params from the flags and the defaults; DataBlocks stays 0
// if it was not given.
func (g verityGeometry) params() (verity.Params, error) {
	p := verity.Params{
		HashType:      value(g.hashType, defaultVerityType),
		Algorithm:     value(g.hash, defaultVerityHash),
		DataBlockSize: value(g.dataBlockSize, defaultVerityBlockSize),
		HashBlockSize: value(g.hashBlockSize, defaultVerityBlockSize),
		DataBlocks:    value(g.dataBlocks, 0),
		Salt:          g.salt,
	}
	start, err := verity.HashStart(g.hashOffset, !g.noSuperblock, p.HashBlockSize)
	p.HashStartBlock = start
	return p, wrongFlags(err)
}

// value returns what p points to, or def for nil.
func value[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// wrongFlags gives an error about parameters that came from flags its exit status:
// wrong use, except for names that another version may know.
func wrongFlags(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, verity.ErrUnknownHash):
		return &ui.Error{Code: ui.ExitFailed, Err: err, Hint: "known are " + knownHashes()}
	case errors.Is(err, verity.ErrBadParams):
		return &ui.Error{Code: ui.ExitWrongUse, Err: err}
	default:
		return err
	}
}

// wholeBlocks counts the blocks of size bytes of data. A ragged tail is an error
// unless tail says what becomes of it; no whole block at all always is one.
func wholeBlocks(name string, size int64, blockSize int, tail verity.Tail) (uint64, error) {
	n, rest := size/int64(blockSize), size%int64(blockSize)
	if n == 0 {
		return 0, ui.Failf("%s has %s: not one whole block of %d bytes", name, ui.FormatSize(size), blockSize)
	}
	if rest == 0 || tail == verity.TailTruncate {
		return uint64(n), nil
	}
	if tail == verity.TailPad {
		return uint64(n) + 1, nil
	}
	return 0, raggedError(name, size, blockSize)
}

func raggedError(name string, size int64, blockSize int) error {
	rest := size % int64(blockSize)
	return ui.Hint(
		ui.Failf("%s has %d bytes: %d blocks of %d bytes and a ragged tail of %d bytes", name, size, size/int64(blockSize), blockSize, rest),
		"--pad counts the tail as a block that ends in zeros, --truncate leaves it out")
}

// tailFlags are the flags that say what becomes of a ragged tail.
func tailFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.BoolFlag{Name: "pad", Usage: "a ragged tail is a block filled up with zeros (DATA is not changed: fill it up before a kernel uses it)"},
		&urfave.BoolFlag{Name: "truncate", Usage: "a ragged tail is left out of the tree"},
	}
}

func tailOf(c *urfave.Context) (verity.Tail, error) {
	switch pad, truncate := c.Bool("pad"), c.Bool("truncate"); {
	case pad && truncate:
		return 0, ui.Usagef("--pad and --truncate exclude each other")
	case pad:
		return verity.TailPad, nil
	case truncate:
		return verity.TailTruncate, nil
	default:
		return verity.TailError, nil
	}
}

// dataBytes is the number of bytes of blocks, refused where it is no file offset.
func dataBytes(blocks uint64, blockSize int) (int64, error) {
	if blocks > math.MaxInt64/uint64(blockSize) {
		return 0, ui.Usagef("%d data blocks of %d bytes: more than a file can hold", blocks, blockSize)
	}
	return int64(blocks) * int64(blockSize), nil
}

// parseRoot reads a root hash in hex.
func parseRoot(text string) ([]byte, error) {
	root, err := hex.DecodeString(text)
	if err != nil || len(root) == 0 {
		return nil, ui.Usagef("root hash %q: hex digits in pairs", text)
	}
	return root, nil
}

// unusedFlag is an error when the flag name was given.
func unusedFlag(given bool, name, why string) error {
	if !given {
		return nil
	}
	return &ui.Error{Code: ui.ExitWrongUse, Err: fmt.Errorf("--%s: %s", name, why)}
}
