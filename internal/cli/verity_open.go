package cli

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// readGeometry finds the parameters of the tree in a hash device: from the
// superblock, with which flags that were given must agree, or, without one, from the
// flags. The superblock is nil in the second case; DataBlocks may be 0 then.
func (g verityGeometry) readGeometry(hash *ui.Input) (verity.Params, *verity.Superblock, error) {
	if g.noSuperblock {
		if g.salt == nil {
			return verity.Params{}, nil, ui.Usagef("--no-superblock: --salt must be given, - for none")
		}
		p, err := g.params()
		return p, nil, err
	}
	sb, err := readSuperblock(hash, g.hashOffset)
	if err != nil {
		return verity.Params{}, nil, err
	}
	if err := g.agreesWith(sb); err != nil {
		return verity.Params{}, nil, err
	}
	p, err := sb.Params(g.hashOffset)
	if err != nil {
		return p, sb, ui.Failf("%s: superblock at offset %d: %w", hash.Name(), g.hashOffset, err)
	}
	return p, sb, nil
}

// readSuperblock reads the superblock of a hash device. An offset that no superblock
// can have is wrong use; a device without one is a failure with a hint.
func readSuperblock(hash *ui.Input, offset int64) (*verity.Superblock, error) {
	sb, err := verity.ReadSuperblock(hash, offset)
	switch {
	case err == nil:
		return sb, nil
	case errors.Is(err, verity.ErrBadParams):
		return nil, ui.Usagef("--hash-offset %d: not a multiple of %d", offset, verity.SuperblockSize)
	case offset >= hash.Size():
		return nil, ui.Failf("%s has %s: there is nothing at --hash-offset %d", hash.Name(), ui.FormatSize(hash.Size()), offset)
	case errors.Is(err, verity.ErrNotVerity):
		return nil, ui.Hint(ui.Failf("%s has no verity superblock at offset %d", hash.Name(), offset),
			"--hash-offset says where it lies, --no-superblock that there is none")
	default:
		return nil, ui.Failf("%s: %w", hash.Name(), err)
	}
}

// agreesWith refuses flags that contradict the superblock.
func (g verityGeometry) agreesWith(sb *verity.Superblock) error {
	differs := func(flag string, given, stored any) error {
		return ui.Failf("--%s %v: the superblock says %v", flag, given, stored)
	}
	switch {
	case g.hash != nil && *g.hash != sb.Algorithm:
		return differs("hash", *g.hash, sb.Algorithm)
	case g.hashType != nil && *g.hashType != int(sb.HashType):
		return differs("format", *g.hashType, sb.HashType)
	case g.dataBlockSize != nil && *g.dataBlockSize != int(sb.DataBlockSize):
		return differs("data-block-size", *g.dataBlockSize, sb.DataBlockSize)
	case g.hashBlockSize != nil && *g.hashBlockSize != int(sb.HashBlockSize):
		return differs("hash-block-size", *g.hashBlockSize, sb.HashBlockSize)
	case g.dataBlocks != nil && *g.dataBlocks != sb.DataBlocks:
		return differs("data-blocks", *g.dataBlocks, sb.DataBlocks)
	case g.salt != nil && hex.EncodeToString(g.salt) != hex.EncodeToString(sb.Salt):
		return differs("salt", saltText(g.salt), saltText(sb.Salt))
	}
	return nil
}

// openSized opens an input that must be a file or block device.
func openSized(ctx context.Context, role, path string) (*ui.Input, error) {
	if path == "-" {
		return nil, ui.Usagef("%s cannot be -: it is not read in order", role)
	}
	in, err := ui.OpenInput(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	if in.IsStream() {
		return nil, errors.Join(ui.Failf("%s is %s: neither a file nor a block device", role, path), in.Close())
	}
	return in, nil
}

// fits reports files that are too short for the tree. They are refused rather than
// called corrupt, as the kernel refuses such a table: nothing was proven or disproven.
func fits(data, hash *ui.Input, l verity.Layout, tail verity.Tail) error {
	switch missing := l.DataBytes() - data.Size(); {
	case missing <= 0:
	case missing >= l.DataBytes()/int64(l.DataBlocks()):
		return ui.Failf("%s has %d bytes, %d fewer than the %d data blocks of the tree", data.Name(), data.Size(), missing, l.DataBlocks())
	case tail != verity.TailPad:
		return ui.Hint(ui.Failf("%s has %d bytes: the last of %d data blocks lacks %d", data.Name(), data.Size(), l.DataBlocks(), missing),
			"--pad reads zeros there, for a tree that was made with --pad")
	}
	if missing := l.HashEndOffset() - hash.Size(); missing > 0 && l.Levels() > 0 { // of a tree without levels nothing is read
		return ui.Failf("%s has %d bytes, %d fewer than the tree needs, which ends at offset %d", hash.Name(), hash.Size(), missing, l.HashEndOffset())
	}
	return nil
}

// checkRootSize refuses a root hash that is not one of the algorithm.
func checkRootSize(root []byte, l verity.Layout, algorithm string) error {
	if len(root) == l.DigestSize() {
		return nil
	}
	return ui.Usagef("the root hash has %d bytes, one of %s has %d", len(root), algorithm, l.DigestSize())
}
