package verity

import (
	"errors"
	"fmt"

	"github.com/dmimg/dmimg/internal/hashes"
)

var (
	// ErrCorrupt is what every [CorruptError] is: a block that does not match
	// the digest the tree has for it.
	ErrCorrupt = errors.New("block is corrupted")
	// ErrBadParams is wrapped by the errors for parameters that no hash tree
	// can have, and for a root hash of the wrong length.
	ErrBadParams = errors.New("bad parameters")
	// ErrUnknownHash is wrapped by the errors for a hash algorithm whose name
	// is not known.
	ErrUnknownHash = hashes.ErrUnknown
	// ErrNotVerity is wrapped by [ReadSuperblock] when there is no verity
	// superblock at the offset.
	ErrNotVerity = errors.New("not a verity superblock")
	// ErrBadSuperblock is wrapped by [ReadSuperblock] when there is a verity
	// superblock whose fields cannot be right, and by [Superblock.MarshalBinary].
	ErrBadSuperblock = errors.New("bad verity superblock")
	// ErrRagged is wrapped by [Writer.Finish] when the data did not end with a
	// whole block.
	ErrRagged = errors.New("data is not a whole number of blocks")
)

// errNegativeOffset is a mistake of the caller of ReadAt.
var errNegativeOffset = errors.New("negative offset")

// CorruptError tells which block failed its proof. It matches [ErrCorrupt].
type CorruptError struct {
	// Level is -1 for a data block, 0 for the tree level that holds the digests
	// of data blocks, and so on upwards.
	Level int
	// Block is the number of the block: in data blocks from the start of the
	// data for Level -1, otherwise in hash blocks from the start of the hash
	// device (as the kernel counts in its log).
	Block uint64
}

// Error implements error.
func (e *CorruptError) Error() string {
	if e.Level < 0 {
		return fmt.Sprintf("verity: data block %d is corrupted", e.Block)
	}
	return fmt.Sprintf("verity: hash block %d (tree level %d) is corrupted", e.Block, e.Level)
}

// Is reports whether target is [ErrCorrupt].
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// badParams makes an error that wraps ErrBadParams.
func badParams(format string, args ...any) error {
	return fmt.Errorf("verity: checking parameters: %s: %w", fmt.Sprintf(format, args...), ErrBadParams)
}
