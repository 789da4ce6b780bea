package verity

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// SuperblockSize is the size of a verity superblock in bytes.
const SuperblockSize = 512

// Offsets of the fields, little-endian. Source: the on-disk format text of
// cryptsetup ("dm-verity on-disk format", version 1).
const (
	sbMagic         = 0
	sbVersion       = 8
	sbHashType      = 12
	sbUUID          = 16
	sbAlgorithm     = 32
	sbDataBlockSize = 64
	sbHashBlockSize = 68
	sbDataBlocks    = 72
	sbSaltSize      = 80
	sbSalt          = 88
)

// sbSignature opens a superblock, sbCurrent is the only version there is.
const (
	sbSignature = "verity\x00\x00"
	sbCurrent   = 1
)

// Superblock is the header that veritysetup writes in front of a hash tree. The
// kernel never reads it.
type Superblock struct {
	// HashType is 0 or 1, see [Params].
	HashType uint32
	// UUID identifies the hash device; it may be all zero.
	UUID [16]byte
	// Algorithm is the hash name exactly as stored, 1 to 31 bytes. It may be a
	// name that this package does not know.
	Algorithm string
	// DataBlockSize and HashBlockSize are in bytes.
	DataBlockSize, HashBlockSize uint32
	// DataBlocks is the number of data blocks.
	DataBlocks uint64
	// Salt is 0 to [MaxSaltSize] bytes.
	Salt []byte
}

// ReadSuperblock reads and checks the superblock off bytes into r. The error
// wraps [ErrNotVerity] when there is none, [ErrBadSuperblock] when its fields
// cannot be right. Geometry that depends on more than the header (does the tree fit?) is for [Superblock.Params] and
// [NewLayout].
func ReadSuperblock(r io.ReaderAt, off int64) (*Superblock, error) {
	if off < 0 || off%SuperblockSize != 0 {
		return nil, badParams("superblock offset %d bytes: not a multiple of %d", off, SuperblockSize)
	}
	buf := make([]byte, SuperblockSize)
	if n, err := r.ReadAt(buf, off); n < len(buf) {
		if err == nil || errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: %w", ErrNotVerity, io.ErrUnexpectedEOF)
		}
		return nil, fmt.Errorf("verity: reading superblock at offset %d: got %d of %d bytes: %w", off, n, SuperblockSize, err)
	}
	sb := new(Superblock)
	if err := sb.UnmarshalBinary(buf); err != nil {
		return nil, fmt.Errorf("verity: reading superblock at offset %d: %w", off, err)
	}
	return sb, nil
}

// UnmarshalBinary decodes the [SuperblockSize] bytes of a superblock. The bytes
// between and behind the fields may hold anything, as for veritysetup;
// [Superblock.MarshalBinary] makes them zero and all others the same again.
// Errors are those of [ReadSuperblock].
func (sb *Superblock) UnmarshalBinary(b []byte) error {
	if len(b) != SuperblockSize || string(b[sbMagic:sbVersion]) != sbSignature {
		return ErrNotVerity
	}
	le := binary.LittleEndian
	if v := le.Uint32(b[sbVersion:]); v != sbCurrent {
		return badSuperblock("version %d", v)
	}
	saltSize := int(le.Uint16(b[sbSaltSize:]))
	if saltSize > MaxSaltSize {
		return badSuperblock("salt of %d bytes: at most %d", saltSize, MaxSaltSize)
	}
	name, _, _ := bytes.Cut(b[sbAlgorithm:sbDataBlockSize], []byte{0})
	got := Superblock{
		HashType:      le.Uint32(b[sbHashType:]),
		UUID:          [16]byte(b[sbUUID:sbAlgorithm]),
		Algorithm:     string(name),
		DataBlockSize: le.Uint32(b[sbDataBlockSize:]),
		HashBlockSize: le.Uint32(b[sbHashBlockSize:]),
		DataBlocks:    le.Uint64(b[sbDataBlocks:]),
		Salt:          bytes.Clone(b[sbSalt : sbSalt+saltSize]),
	}
	if err := got.validate(); err != nil {
		return err
	}
	*sb = got
	return nil
}

// MarshalBinary encodes the superblock as its [SuperblockSize] bytes. The error
// wraps [ErrBadSuperblock] when a field does not fit the format.
func (sb *Superblock) MarshalBinary() ([]byte, error) {
	if err := sb.validate(); err != nil {
		return nil, fmt.Errorf("verity: encoding superblock: %w", err)
	}
	le := binary.LittleEndian
	b := make([]byte, SuperblockSize)
	copy(b[sbMagic:], sbSignature)
	le.PutUint32(b[sbVersion:], sbCurrent)
	le.PutUint32(b[sbHashType:], sb.HashType)
	copy(b[sbUUID:], sb.UUID[:])
	copy(b[sbAlgorithm:], sb.Algorithm)
	le.PutUint32(b[sbDataBlockSize:], sb.DataBlockSize)
	le.PutUint32(b[sbHashBlockSize:], sb.HashBlockSize)
	le.PutUint64(b[sbDataBlocks:], sb.DataBlocks)
	le.PutUint16(b[sbSaltSize:], uint16(len(sb.Salt)))
	copy(b[sbSalt:], sb.Salt)
	return b, nil
}

// WriteSuperblock writes sb off bytes into w. off must be a multiple of
// [SuperblockSize]. Errors: as [Superblock.MarshalBinary], and those of w.
func WriteSuperblock(w io.WriterAt, off int64, sb *Superblock) error {
	if off < 0 || off%SuperblockSize != 0 {
		return badParams("superblock offset %d bytes: not a multiple of %d", off, SuperblockSize)
	}
	b, err := sb.MarshalBinary()
	if err != nil {
		return err
	}
	if _, err := w.WriteAt(b, off); err != nil {
		return fmt.Errorf("verity: writing superblock at offset %d: %w", off, err)
	}
	return nil
}

// validate checks what one field alone can get wrong.
func (sb *Superblock) validate() error {
	if sb.HashType > 1 {
		return badSuperblock("hash type %d: only 0 and 1 exist", sb.HashType)
	}
	if n := len(sb.Algorithm); n == 0 || n >= sbDataBlockSize-sbAlgorithm {
		return badSuperblock("hash name of %d bytes: must be 1 to %d", n, sbDataBlockSize-sbAlgorithm-1)
	}
	for _, c := range []byte(sb.Algorithm) {
		if c <= ' ' || c > '~' {
			return badSuperblock("hash name %q: not printable", sb.Algorithm)
		}
	}
	for _, size := range []uint32{sb.DataBlockSize, sb.HashBlockSize} {
		if size < MinBlockSize || size > MaxBlockSize || size&(size-1) != 0 {
			return badSuperblock("block size %d bytes: not a power of two from %d to %d", size, MinBlockSize, MaxBlockSize)
		}
	}
	if sb.DataBlocks == 0 {
		return badSuperblock("0 data blocks")
	}
	if len(sb.Salt) > MaxSaltSize {
		return badSuperblock("salt of %d bytes: at most %d", len(sb.Salt), MaxSaltSize)
	}
	return nil
}

// Params is what the superblock says about the tree behind it, for a superblock
// off bytes into the hash device. The error wraps [ErrBadParams] when no tree
// can have that geometry, and [ErrUnknownHash] for an unknown algorithm.
func (sb *Superblock) Params(off int64) (Params, error) {
	start, err := HashStart(off, true, int(sb.HashBlockSize))
	if err != nil {
		return Params{}, err
	}
	p := Params{
		HashType:       int(sb.HashType),
		Algorithm:      sb.Algorithm,
		DataBlockSize:  int(sb.DataBlockSize),
		HashBlockSize:  int(sb.HashBlockSize),
		DataBlocks:     sb.DataBlocks,
		HashStartBlock: start,
		Salt:           bytes.Clone(sb.Salt),
	}
	return p, p.Validate()
}

// badSuperblock makes an error that wraps ErrBadSuperblock.
func badSuperblock(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadSuperblock, fmt.Sprintf(format, args...))
}
