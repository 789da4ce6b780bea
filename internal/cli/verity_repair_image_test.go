package cli_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dmimg/dmimg/verity"
)

// imageLayout says which files hold hash area and parity.
type imageLayout struct {
	hash, fec    string
	noSuperblock bool
}

var separate = imageLayout{hash: "hash", fec: "fec"}

// imageLayouts are all ways to share files, with and without a superblock.
var imageLayouts = []imageLayout{
	separate,
	{hash: "hash", fec: "fec", noSuperblock: true},
	{hash: "data", fec: "fec"},
	{hash: "data", fec: "fec", noSuperblock: true},
	{hash: "hash", fec: "hash"},
	{hash: "hash", fec: "data", noSuperblock: true},
	{hash: "data", fec: "data"},
	{hash: "data", fec: "data", noSuperblock: true},
}

// parityImage is an image with its parity, in memory and as it was made.
type parityImage struct {
	imageLayout
	name                        string
	blockSize, roots            int
	dataBlocks, treeBlocks, all int // blocks; all are those that the parity covers
	root                        string
	flags                       []string          // of verify and repair, without --fec-device
	files                       map[string][]byte // by name: data, hash, fec, as far as there are such
	treeAt, fecAt               int               // bytes, in their files
}

func (i *parityImage) rounds() int { return (i.all + 254 - i.roots) / (255 - i.roots) }

// newParityImage makes an image of random data, every area in a file of its own.
func newParityImage(t *testing.T, rnd *rand.Rand, blockSize, roots, blocks int, hash string) *parityImage {
	t.Helper()
	return newLaidOutImage(t, rnd, separate, verity.Params{
		HashType: 1, Algorithm: hash, DataBlockSize: blockSize, HashBlockSize: blockSize, DataBlocks: uint64(blocks),
	}, roots)
}

// newLaidOutImage is newParityImage for any layout; p is without salt and start.
func newLaidOutImage(t *testing.T, rnd *rand.Rand, where imageLayout, p verity.Params, roots int) *parityImage {
	t.Helper()
	dir, blockSize, blocks := t.TempDir(), p.DataBlockSize, int(p.DataBlocks)
	i := &parityImage{
		imageLayout: where, blockSize: blockSize, roots: roots, dataBlocks: blocks,
		name:  fmt.Sprintf("%s/%s+%s/superblock=%t/block=%d/roots=%d/blocks=%d", p.Algorithm, where.hash, where.fec, !where.noSuperblock, blockSize, roots, blocks),
		files: map[string][]byte{"data": make([]byte, blocks*blockSize)},
		flags: []string{
			fmt.Sprint("--fec-roots=", roots), "--hash", p.Algorithm, fmt.Sprint("--format=", p.HashType),
			fmt.Sprint("--data-block-size=", blockSize), fmt.Sprint("--hash-block-size=", blockSize), fmt.Sprint("--data-blocks=", blocks),
		},
	}
	hashOffset := 0
	if where.hash == "data" {
		hashOffset = blocks * blockSize
		i.flags = append(i.flags, fmt.Sprint("--hash-offset=", hashOffset))
	}
	start, err := verity.HashStart(int64(hashOffset), !where.noSuperblock, blockSize)
	if err != nil {
		t.Fatal(err)
	}
	p.HashStartBlock = start
	l, err := verity.NewLayout(p)
	if err != nil {
		t.Fatal(err)
	}
	i.treeBlocks, i.treeAt = int(l.HashBlocks()), int(start)*blockSize
	i.all = i.dataBlocks + i.treeBlocks
	switch where.fec {
	case where.hash:
		i.fecAt = int(l.HashEndOffset())
	case "data":
		i.fecAt = blocks * blockSize
	}
	i.flags = append(i.flags, fmt.Sprint("--fec-offset=", i.fecAt))
	identity := []string{"--seed", i.name}
	if where.noSuperblock {
		identity = []string{"--salt=00112233", "--no-superblock"}
		i.flags = append(i.flags, identity...)
		identity = nil
	}
	scribble(rnd, i.files["data"])
	writeFile(t, filepath.Join(dir, "data"), i.files["data"])
	out := mustRun(t, slices.Concat([]string{
		"verity", "format", filepath.Join(dir, "data"), filepath.Join(dir, where.hash), "--json", "--fec-device", filepath.Join(dir, where.fec),
	}, i.flags, identity)...)
	var made struct {
		RootHash string `json:"root_hash"`
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"data", where.hash, where.fec} {
		i.files[name] = readFile(t, filepath.Join(dir, name))
	}
	i.root = made.RootHash
	return i
}

func scribble(rnd *rand.Rand, b []byte) {
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
}

// spoil changes some or all bytes of p, the first of them certainly.
func spoil(rnd *rand.Rand, p []byte) {
	first := p[0]
	switch rnd.IntN(3) {
	case 0:
		scribble(rnd, p)
	case 1:
		clear(p)
	default:
		scribble(rnd, p[:1+rnd.IntN(len(p))])
	}
	p[0] = first ^ byte(1+rnd.IntN(255))
}

// block is the place of a block of the covered stream.
func (i *parityImage) block(files map[string][]byte, b int) []byte {
	if b < i.dataBlocks {
		return files["data"][b*i.blockSize:][:i.blockSize]
	}
	return files[i.hash][i.treeAt+(b-i.dataBlocks)*i.blockSize:][:i.blockSize]
}

// parity is the place of the parity.
func (i *parityImage) parity(files map[string][]byte) []byte {
	return files[i.fec][i.fecAt:][:i.rounds()*i.roots*i.blockSize]
}

// inRound picks n different blocks of a round, below limit.
func (i *parityImage) inRound(rnd *rand.Rand, round, n, limit int) []int {
	var all []int
	for b := round; b < limit; b += i.rounds() {
		all = append(all, b)
	}
	rnd.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	return all[:min(n, len(all))]
}

// damageKinds are ways to damage an image, and whether that can always be repaired.
var damageKinds = []struct {
	name       string
	repairable bool
	do         func(i *parityImage, rnd *rand.Rand, files map[string][]byte) bool
}{
	{"data, as much as the roots allow", true, func(i *parityImage, rnd *rand.Rand, files map[string][]byte) bool {
		for round := range i.rounds() {
			for _, b := range i.inRound(rnd, round, rnd.IntN(i.roots+1), i.dataBlocks) {
				spoil(rnd, i.block(files, b))
			}
		}
		return true
	}},
	{"tree, any number of blocks", true, func(i *parityImage, rnd *rand.Rand, files map[string][]byte) bool {
		for range 1 + rnd.IntN(4) {
			spoil(rnd, i.block(files, i.dataBlocks+rnd.IntN(i.treeBlocks)))
		}
		return true
	}},
	{"data and tree, half as much", true, func(i *parityImage, rnd *rand.Rand, files map[string][]byte) bool {
		for round := range i.rounds() {
			for _, b := range i.inRound(rnd, round, i.roots/2, i.all) {
				spoil(rnd, i.block(files, b))
			}
		}
		return true
	}},
	{"parity", true, func(i *parityImage, rnd *rand.Rand, files map[string][]byte) bool {
		for range 1 + rnd.IntN(5) { // never all of it, or it would not pass for parity
			at := rnd.IntN(len(i.parity(files))/i.blockSize - 1)
			spoil(rnd, i.parity(files)[at*i.blockSize:][:i.blockSize])
		}
		return true
	}},
	{"data, and single bytes of parity", true, func(i *parityImage, rnd *rand.Rand, files map[string][]byte) bool {
		for round := range i.rounds() {
			for _, b := range i.inRound(rnd, round, i.roots-2, i.dataBlocks) {
				spoil(rnd, i.block(files, b))
			}
			i.parity(files)[round*i.blockSize*i.roots+rnd.IntN(i.roots)] ^= 0x55
		}
		return true
	}},
	{"data, tree and parity, half as much", true, func(i *parityImage, rnd *rand.Rand, files map[string][]byte) bool {
		for round := range i.rounds() {
			n := rnd.IntN(i.roots/2 + 1)
			for _, b := range i.inRound(rnd, round, n, i.all) {
				spoil(rnd, i.block(files, b))
			}
			for c := range i.blockSize {
				at := (round*i.blockSize + c) * i.roots
				for _, j := range rnd.Perm(i.roots)[:rnd.IntN(i.roots/2-n+1)] {
					i.parity(files)[at+j] ^= byte(1 + rnd.IntN(255))
				}
			}
		}
		return true
	}},
	{"data, one block too many in each round", false, func(i *parityImage, rnd *rand.Rand, files map[string][]byte) bool {
		done := false
		for round := range i.rounds() {
			list := i.inRound(rnd, round, i.roots+1+rnd.IntN(3), i.dataBlocks)
			if len(list) <= i.roots {
				return false
			}
			for _, b := range list {
				scribble(rnd, i.block(files, b))
				done = true
			}
		}
		return done
	}},
}

// repair puts files into dir and repairs them.
func (i *parityImage) repair(t *testing.T, dir string, files map[string][]byte, more ...string) result {
	t.Helper()
	for name, b := range files {
		writeFile(t, filepath.Join(dir, name), b)
	}
	return dmimg(t, slices.Concat([]string{"verity", "repair", filepath.Join(dir, "data"), filepath.Join(dir, i.hash), i.root}, i.flags, more)...)
}
