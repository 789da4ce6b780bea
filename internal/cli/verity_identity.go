package cli

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// identity settles UUID and salt: a flag decides, then --seed, then --like, then
// chance.
func identity(o verityFormatOptions, like *verity.Superblock) (uuid [16]byte, salt []byte) {
	switch {
	case o.geometry.salt != nil:
		salt = o.geometry.salt
	case o.seed != nil:
		salt = seeded("salt", *o.seed)
	case like != nil:
		salt = like.Salt
	default:
		salt = make([]byte, defaultVeritySaltSize)
		_, _ = rand.Read(salt) // never fails
	}
	switch {
	case o.geometry.noSuperblock:
	case o.uuid != nil:
		uuid = *o.uuid
	case o.seed != nil:
		uuid = withVersion([16]byte(seeded("uuid", *o.seed)[:16]), 8)
	case like != nil:
		uuid = like.UUID
	default:
		_, _ = rand.Read(uuid[:])
		uuid = withVersion(uuid, 4)
	}
	return uuid, salt
}

// seeded derives 32 bytes for one purpose from a seed: SHA-256 of a text that no
// other purpose has, and the seed.
func seeded(purpose, seed string) []byte {
	sum := sha256.Sum256([]byte("dmimg verity " + purpose + "\x00" + seed))
	return sum[:]
}

// withVersion sets version and variant of a UUID (RFC 9562, section 4): 4 is
// random, 8 is made by a rule of our own.
func withVersion(uuid [16]byte, version byte) [16]byte {
	uuid[6] = uuid[6]&0x0f | version<<4
	uuid[8] = uuid[8]&0x3f | 0x80
	return uuid
}

// parseUUID reads the canonical form, dashes and all.
func parseUUID(text string) (uuid [16]byte, err error) {
	groups := strings.Split(text, "-")
	ok := len(groups) == 5
	for i, n := range []int{8, 4, 4, 4, 12} {
		ok = ok && len(groups[i]) == n
	}
	if ok {
		_, err = hex.Decode(uuid[:], []byte(strings.Join(groups, "")))
	}
	if !ok || err != nil {
		return uuid, ui.Usagef("--uuid %q: want the form a60c98d2-ae9b-4865-bfcb-b4e3ace11033", text)
	}
	return uuid, nil
}

func formatUUID(u [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// readLike reads the superblock that --like names; nil without the flag.
func readLike(ctx context.Context, o verityFormatOptions) (*verity.Superblock, error) {
	if o.like == "" {
		return nil, nil
	}
	if o.like == "-" {
		return nil, ui.Usagef("--like cannot be -: standard input may hold DATA only")
	}
	in, err := ui.OpenInput(ctx, o.like, nil)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	offsets := []int64{o.likeOffset}
	if o.likeOffset < 0 {
		offsets = []int64{o.geometry.hashOffset, 0}
	}
	for _, off := range offsets {
		var sb *verity.Superblock
		if sb, err = verity.ReadSuperblock(in, off); err == nil {
			return sb, nil
		}
	}
	if errors.Is(err, verity.ErrBadParams) {
		return nil, &ui.Error{Code: ui.ExitWrongUse, Err: fmt.Errorf("--like-offset: %w", err)}
	}
	return nil, ui.Hint(ui.Failf("--like %s: %w", o.like, err), "--like-offset says where its superblock lies")
}

// fillFrom takes from a superblock what the flags left open. The number of blocks is
// that of the new data.
func (g *verityGeometry) fillFrom(sb *verity.Superblock) {
	if sb == nil {
		return
	}
	g.hash = or(g.hash, sb.Algorithm)
	g.hashType = or(g.hashType, int(sb.HashType))
	g.dataBlockSize = or(g.dataBlockSize, int(sb.DataBlockSize))
	g.hashBlockSize = or(g.hashBlockSize, int(sb.HashBlockSize))
}

// or returns p, or a pointer to v if p is nil.
func or[T any](p *T, v T) *T {
	if p == nil {
		return &v
	}
	return p
}
