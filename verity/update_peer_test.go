package verity

import (
	"bytes"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
)

// TestUpdateEqualsVeritysetup updates hash files that veritysetup made, superblock and
// all, and compares them with what it makes of the changed data.
func TestUpdateEqualsVeritysetup(t *testing.T) {
	t.Parallel()
	v := newVeritysetup(t)
	rng := rand.New(rand.NewPCG(7, 7))
	names := hashes.Names()
	runs := 16
	if testing.Short() {
		runs = 4
	}
	compared := 0
	for tries := 0; compared < runs && tries < 20*runs; tries++ {
		p, superblock, off := randomParams(rng, names[rng.IntN(len(names))])
		data := pattern(int(p.DataBlocks)*p.DataBlockSize, rng.Uint64())
		hash, root, ok := v.format(t, p, superblock, off, data)
		if !ok {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(changeSets)) { // in the same order every time
			if rng.IntN(3) != 0 {
				continue
			}
			change := changeSets[name]
			listed, changed := change(rng, p.DataBlocks)
			now := edited(rng, data, p.DataBlockSize, changed)
			want, wantRoot, _ := v.format(t, p, superblock, off, now)
			got := &memory{b: bytes.Clone(hash)}
			u, err := Update(context.Background(), &memory{b: now}, got, got, p, listed, UpdateOptions{Root: root, OldData: &memory{b: data}})
			if err != nil || !bytes.Equal(u.Root, wantRoot) || !bytes.Equal(got.b, want) {
				t.Errorf("%s of %s: got %+v, %v, tree equal: %t; want root %x", name, describe(p), u, err, bytes.Equal(got.b, want), wantRoot)
			}
			compared++
		}
	}
	if compared < runs {
		t.Errorf("%d comparisons, want at least %d", compared, runs)
	}
}
