package integrity

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A superblock has [SuperblockSize] bytes that mean something, at the start of
// [SuperblockArea] bytes that are set aside for it.
const (
	SuperblockSize = 512
	SuperblockArea = 4096
)

// Offsets of the fields, little-endian, and the limits of their values. The
// bytes from sbPad to sbSalt are unused; the last ones of the superblock may
// hold a MAC.
const (
	sbMagic           = 0
	sbVersion         = 8
	sbLog2Interleave  = 9
	sbTagSize         = 10
	sbJournalSections = 12
	sbProvided        = 16
	sbFlags           = 24
	sbLog2Block       = 28
	sbLog2Bitmap      = 29
	sbPad30           = 30
	sbRecalc          = 32
	sbPad40           = 40
	sbSalt            = 48
	sbTail            = 64

	sbSignature = "integrt\x00"
	sbNewest    = 7

	maxTagSize        = 255
	maxLog2Block      = 3 // of sectors: 4096 bytes
	minLog2Interleave = 3
	maxLog2Interleave = 31
)

// SaltSize is the size of a superblock's salt in bytes.
const SaltSize = 16

// Flags of a superblock.
type Flags uint32

// The flags, each with the kernel version of the superblock that brought it. A
// flag that is not listed is kept, as the kernel does.
const (
	FlagJournalMAC    Flags = 1 << iota // 1: sections of the journal have a MAC
	FlagRecalculating                   // 2: tags from RecalcSector on are yet to be computed
	FlagDirtyBitmap                     // 3: the journal's area holds a bitmap of blocks to recalculate
	FlagFixPadding                      // 4: tag areas are padded to 4096 bytes, not 131072
	FlagFixHMAC                         // 5: the salt goes into every hash, sections are numbered, the superblock has a MAC
	FlagInline                          // 6: tags are metadata of the device's own sectors
	FlagDiscardKeyed                    // 7: a discarded block has a tag made with the key
)

// flagNames are the words for the flags, in the order of their bits.
var flagNames = []string{"have_journal_mac", "recalculating", "dirty_bitmap", "fix_padding", "fix_hmac", "inline", "discard_keyed"}

// Names lists the words for the flags that are set; a flag without a word is
// unknown_0x….
func (f Flags) Names() (names []string) {
	for i := range 32 {
		switch bit := Flags(1) << i; {
		case f&bit == 0:
		case i < len(flagNames):
			names = append(names, flagNames[i])
		default:
			names = append(names, fmt.Sprintf("unknown_0x%x", uint32(bit)))
		}
	}
	return names
}

// String is the names with spaces between them.
func (f Flags) String() string { return strings.Join(f.Names(), " ") }

// Superblock is the header of an integrity device. Sectors have 512 bytes.
type Superblock struct {
	Version          uint8  // 1 to 7: the newest feature in use, see [Superblock.SetVersion]
	Log2Interleave   uint8  // of the sectors between two tag areas: 3 to 31; 0 with a meta device
	TagSize          uint16 // bytes for a block: 1 to 255
	JournalSections  uint32 // at least 1, unless the tags are inline
	ProvidedSectors  uint64 // of data, when it was last loaded; the kernel computes it anew
	Flags            Flags
	Log2BlockSectors uint8  // of the sectors of a block: 0 to 3
	Log2BitmapBlocks uint8  // of the blocks that a bit of the bitmap covers
	RecalcSector     uint64 // where computing tags anew goes on, with FlagRecalculating
	Salt             [SaltSize]byte

	unused30 [2]byte // bytes without a meaning, kept
	unused40 [8]byte
	tail     [SuperblockSize - sbTail]byte // zeros, or a MAC at its end
}

// ReadSuperblock reads and checks the superblock off bytes into r. The error
// wraps [ErrNotIntegrity] when there is none, [ErrBadSuperblock] when its
// fields cannot be right. Whether the layout fits its device is for
// [NewLayout], a MAC for [Superblock.CheckMAC].
func ReadSuperblock(r io.ReaderAt, off int64) (*Superblock, error) {
	b, err := readSuperblock(r, off)
	if err != nil {
		return nil, err
	}
	sb := new(Superblock)
	if err := sb.UnmarshalBinary(b); err != nil {
		return nil, fmt.Errorf("integrity: reading the superblock at offset %d: %w", off, err)
	}
	return sb, nil
}

// readSuperblock reads the bytes of a superblock.
func readSuperblock(r io.ReaderAt, off int64) ([]byte, error) {
	if off < 0 || off%SectorSize != 0 {
		return nil, badParams("superblock offset of %d bytes: not a multiple of %d", off, SectorSize)
	}
	b := make([]byte, SuperblockSize)
	if n, err := r.ReadAt(b, off); n < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: %w", ErrNotIntegrity, io.ErrUnexpectedEOF)
		}
		return nil, fmt.Errorf("integrity: reading the superblock at offset %d: got %d of %d bytes: %w", off, n, len(b), err)
	}
	return b, nil
}

// WriteSuperblock writes sb off bytes into w. Errors: as
// [Superblock.MarshalBinary], and those of w.
func WriteSuperblock(w io.WriterAt, off int64, sb *Superblock) error {
	b, err := sb.MarshalBinary()
	if err != nil {
		return err
	}
	if _, err := w.WriteAt(b, off); err != nil {
		return fmt.Errorf("integrity: writing the superblock at offset %d: %w", off, err)
	}
	return nil
}

// UnmarshalBinary decodes the [SuperblockSize] bytes of a superblock.
// [Superblock.MarshalBinary] gives the same bytes again, those without a
// meaning included. Errors are those of [ReadSuperblock]; with [ErrBadSuperblock]
// sb holds what the bytes say all the same, for a report on what is wrong with it.
func (sb *Superblock) UnmarshalBinary(b []byte) error {
	if len(b) != SuperblockSize || string(b[sbMagic:sbVersion]) != sbSignature {
		return ErrNotIntegrity
	}
	le := binary.LittleEndian
	*sb = Superblock{
		Version:          b[sbVersion],
		Log2Interleave:   b[sbLog2Interleave],
		TagSize:          le.Uint16(b[sbTagSize:]),
		JournalSections:  le.Uint32(b[sbJournalSections:]),
		ProvidedSectors:  le.Uint64(b[sbProvided:]),
		Flags:            Flags(le.Uint32(b[sbFlags:])),
		Log2BlockSectors: b[sbLog2Block],
		Log2BitmapBlocks: b[sbLog2Bitmap],
		RecalcSector:     le.Uint64(b[sbRecalc:]),
		Salt:             [SaltSize]byte(b[sbSalt:sbTail]),
		unused30:         [2]byte(b[sbPad30:sbRecalc]),
		unused40:         [8]byte(b[sbPad40:sbSalt]),
		tail:             [SuperblockSize - sbTail]byte(b[sbTail:]),
	}
	return sb.validate()
}

// MarshalBinary encodes the superblock as its [SuperblockSize] bytes. The
// error wraps [ErrBadSuperblock] when a field does not fit the format.
func (sb *Superblock) MarshalBinary() ([]byte, error) {
	if err := sb.validate(); err != nil {
		return nil, fmt.Errorf("integrity: encoding the superblock: %w", err)
	}
	le := binary.LittleEndian
	b := make([]byte, SuperblockSize)
	copy(b[sbMagic:], sbSignature)
	b[sbVersion] = sb.Version
	b[sbLog2Interleave] = sb.Log2Interleave
	le.PutUint16(b[sbTagSize:], sb.TagSize)
	le.PutUint32(b[sbJournalSections:], sb.JournalSections)
	le.PutUint64(b[sbProvided:], sb.ProvidedSectors)
	le.PutUint32(b[sbFlags:], uint32(sb.Flags))
	b[sbLog2Block] = sb.Log2BlockSectors
	b[sbLog2Bitmap] = sb.Log2BitmapBlocks
	copy(b[sbPad30:sbRecalc], sb.unused30[:])
	le.PutUint64(b[sbRecalc:], sb.RecalcSector)
	copy(b[sbPad40:], sb.unused40[:])
	copy(b[sbSalt:], sb.Salt[:])
	copy(b[sbTail:], sb.tail[:])
	return b, nil
}

// validate checks what does not depend on the device.
func (sb *Superblock) validate() error {
	inline := sb.Flags&FlagInline != 0
	switch {
	case sb.Version < 1 || sb.Version > sbNewest:
		return badSuperblock("version %d: 1 to %d are known", sb.Version, sbNewest)
	case sb.TagSize < 1 || sb.TagSize > maxTagSize:
		return badSuperblock("tags of %d bytes: want 1 to %d", sb.TagSize, maxTagSize)
	case sb.Log2BlockSectors > maxLog2Block:
		return badSuperblock("blocks of 2^%d sectors: at most 2^%d", sb.Log2BlockSectors, maxLog2Block)
	case sb.JournalSections == 0 && !inline:
		return badSuperblock("the journal has no sections")
	case sb.Log2Interleave != 0 && !inline && (sb.Log2Interleave < minLog2Interleave || sb.Log2Interleave > maxLog2Interleave):
		return badSuperblock("interleave of 2^%d sectors: want 2^%d to 2^%d", sb.Log2Interleave, minLog2Interleave, maxLog2Interleave)
	case sb.Log2BitmapBlocks > 63:
		return badSuperblock("2^%d blocks for a bit of the bitmap", sb.Log2BitmapBlocks)
	}
	return nil
}

// BlockSize returns the size of a block in bytes.
func (sb *Superblock) BlockSize() int { return SectorSize << sb.Log2BlockSectors }

// MetaDevice says whether tags and journal are on a device of their own.
func (sb *Superblock) MetaDevice() bool { return sb.Log2Interleave == 0 && sb.Flags&FlagInline == 0 }

// SetVersion sets the version that the features in use ask for, as the kernel does.
func (sb *Superblock) SetVersion() {
	switch f := sb.Flags; {
	case f&FlagDiscardKeyed != 0:
		sb.Version = 7
	case f&FlagInline != 0:
		sb.Version = 6
	case f&FlagFixHMAC != 0:
		sb.Version = 5
	case f&FlagFixPadding != 0:
		sb.Version = 4
	case f&FlagDirtyBitmap != 0:
		sb.Version = 3
	case f&FlagRecalculating != 0 || sb.MetaDevice():
		sb.Version = 2
	default:
		sb.Version = 1
	}
}
