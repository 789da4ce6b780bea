package cli_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli/journal"
	"github.com/dmimg/dmimg/verity"
)

// parityImage is an image with its parity, in memory and as it was made.
type parityImage struct {
	name                        string
	blockSize, roots            int
	dataBlocks, treeBlocks, all int // blocks; all are those that the parity covers
	root                        string
	flags                       []string
	files                       map[string][]byte // data, hash, fec
	hashStart                   int               // blocks
}

func (i *parityImage) rounds() int { return (i.all + 254 - i.roots) / (255 - i.roots) }

// newParityImage makes an image of random data.
func newParityImage(t *testing.T, rnd *rand.Rand, blockSize, roots, blocks int, hash string) *parityImage {
	t.Helper()
	dir := t.TempDir()
	i := &parityImage{
		name: fmt.Sprintf("%s/block=%d/roots=%d/blocks=%d", hash, blockSize, roots, blocks), blockSize: blockSize, roots: roots, dataBlocks: blocks,
		flags: []string{fmt.Sprint("--fec-roots=", roots)}, files: map[string][]byte{"data": make([]byte, blocks*blockSize)},
	}
	scribble(rnd, i.files["data"])
	writeFile(t, filepath.Join(dir, "data"), i.files["data"])
	out := mustRun(t, append([]string{
		"verity", "format", filepath.Join(dir, "data"), filepath.Join(dir, "hash"), "--json", "--seed", i.name, "--hash", hash,
		"--fec-device", filepath.Join(dir, "fec"), fmt.Sprint("--data-block-size=", blockSize), fmt.Sprint("--hash-block-size=", blockSize),
	}, i.flags...)...)
	var made struct {
		RootHash   string `json:"root_hash"`
		HashBlocks int    `json:"hash_blocks"`
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hash", "fec"} {
		i.files[name] = readFile(t, filepath.Join(dir, name))
	}
	i.root, i.treeBlocks, i.hashStart = made.RootHash, made.HashBlocks, len(i.files["hash"])/blockSize-made.HashBlocks
	i.all = i.dataBlocks + i.treeBlocks
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
	return files["hash"][(i.hashStart+b-i.dataBlocks)*i.blockSize:][:i.blockSize]
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
		for range 1 + rnd.IntN(5) {
			at := rnd.IntN(len(files["fec"]) / i.blockSize)
			spoil(rnd, files["fec"][at*i.blockSize:][:i.blockSize])
		}
		return true
	}},
	{"data, and single bytes of parity", true, func(i *parityImage, rnd *rand.Rand, files map[string][]byte) bool {
		for round := range i.rounds() {
			for _, b := range i.inRound(rnd, round, i.roots-2, i.dataBlocks) {
				spoil(rnd, i.block(files, b))
			}
			files["fec"][round*i.blockSize*i.roots+rnd.IntN(i.roots)] ^= 0x55
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

// TestVerityRepairTrials damages images at random, 1,000 times: damage within the power
// of the code is repaired to the original bytes, damage beyond it leaves every byte.
func TestVerityRepairTrials(t *testing.T) {
	t.Parallel()
	trials := 1000
	if testing.Short() { // every kind of damage to every image, ten times
		trials = 300
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	images := []*parityImage{
		newParityImage(t, rnd, 512, 2, 300, "sha256"),
		newParityImage(t, rnd, 512, 3, 260, "sha1"),
		newParityImage(t, rnd, 1024, 4, 70, "sha256"),
		newParityImage(t, rnd, 512, 24, 210, "sha256"),
		newParityImage(t, rnd, 512, 7, 20, "sha512"),
	}
	const groups = 10
	for group := range groups {
		t.Run(fmt.Sprint("group=", group), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for n := group; n < trials; n += groups {
				image, kind := images[n/groups%len(images)], damageKinds[n/groups/len(images)%len(damageKinds)]
				files := map[string][]byte{}
				for name, b := range image.files {
					files[name] = bytes.Clone(b)
				}
				if !kind.do(image, rand.New(rand.NewPCG(uint64(n), 3)), files) {
					t.Fatalf("trial %d: %s of %s is impossible", n, kind.name, image.name)
				}
				r := image.repair(t, dir, files, "--fec-device", filepath.Join(dir, "fec"))
				want, code := image.files, 0
				if !kind.repairable {
					want, code = files, 3
				}
				if r.code != code {
					t.Fatalf("trial %d, %s of %s: exit status %d, want %d\n%s%s", n, kind.name, image.name, r.code, code, r.stdout, r.stderr)
				}
				for name := range want {
					if !bytes.Equal(readFile(t, filepath.Join(dir, name)), want[name]) {
						t.Fatalf("trial %d, %s of %s: %s has other bytes than wanted", n, kind.name, image.name, name)
					}
				}
				if left := filesIn(t, dir); left != "data fec hash" {
					t.Fatalf("trial %d: there are files %q", n, left)
				}
			}
		})
	}
}

// repair puts files into dir and repairs them.
func (i *parityImage) repair(t *testing.T, dir string, files map[string][]byte, more ...string) result {
	t.Helper()
	for name, b := range files {
		writeFile(t, filepath.Join(dir, name), b)
	}
	return dmimg(t, append(append([]string{"verity", "repair", filepath.Join(dir, "data"), filepath.Join(dir, "hash"), i.root}, i.flags...), more...)...)
}

// TestVerityRepairTopOfTree damages the block that the root hash is of, together with
// data below it, so that only the parity has it.
func TestVerityRepairTopOfTree(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(4, 5))
	for _, blocks := range []int{300, 100, 2, 1} {
		i := newParityImage(t, rnd, 4096, 6, blocks, "sha256")
		dir := t.TempDir()
		files := map[string][]byte{"data": bytes.Clone(i.files["data"]), "hash": bytes.Clone(i.files["hash"]), "fec": i.files["fec"]}
		scribble(rnd, i.block(files, 0))
		if i.treeBlocks > 0 {
			scribble(rnd, i.block(files, i.dataBlocks)) // the top
			scribble(rnd, i.block(files, i.all-1))
		}
		r := i.repair(t, dir, files, "--fec-device", filepath.Join(dir, "fec"))
		if r.code != 0 || !bytes.Equal(readFile(t, filepath.Join(dir, "data")), i.files["data"]) || !bytes.Equal(readFile(t, filepath.Join(dir, "hash")), i.files["hash"]) {
			t.Errorf("%s: exit status %d, want 0 and the original bytes\n%s%s", i.name, r.code, r.stdout, r.stderr)
		}
	}
}

// TestVerityRepairTreeWithoutParity spoils tree blocks above damaged data: the tree is
// repaired, the data is listed.
func TestVerityRepairTreeWithoutParity(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"0", "1"} {
		rnd := rand.New(rand.NewPCG(6, 7))
		dir := t.TempDir()
		data, hash := make([]byte, 300*1024), filepath.Join(dir, "hash")
		scribble(rnd, data)
		path := writeFile(t, filepath.Join(dir, "data"), data)
		root := filepath.Join(dir, "root")
		mustRun(t, "verity", "format", path, hash, "--seed=x", "--hash=sha1", "--format", format, "--data-block-size=1024", "--hash-block-size=512", "--root-hash-file", root)
		good := readFile(t, hash)
		bad := bytes.Clone(good)
		sb, err := verity.ReadSuperblock(bytes.NewReader(good), 0)
		if err != nil {
			t.Fatal(err)
		}
		p, err := sb.Params(0)
		if err != nil {
			t.Fatal(err)
		}
		l, err := verity.NewLayout(p)
		if err != nil {
			t.Fatal(err)
		}
		for level := range l.Levels() {
			bad[l.LevelStart(level)*512+40] ^= 1
		}
		writeFile(t, hash, bad)
		data[0] ^= 1
		writeFile(t, path, data)
		r := dmimg(t, "verity", "repair", path, hash, "--root-hash-file", root)
		if r.code != 3 || !bytes.Equal(readFile(t, hash), good) || !bytes.Equal(readFile(t, path), data) {
			t.Errorf("format %s: exit status %d, want 3, the original tree and the same data\n%s%s", format, r.code, r.stdout, r.stderr)
		}
		if want := "corrupt data blocks 0-0 offset 0 length 1024\n"; !strings.HasSuffix(r.stdout, want) {
			t.Errorf("format %s: got %q, want %q at the end", format, r.stdout, want)
		}
	}
}

// TestVerityRepairKilled leaves files and journal as a run leaves them that is killed
// at every write: the next one finishes the repair, and --undo undoes it.
func TestVerityRepairKilled(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(8, 9))
	i := newParityImage(t, rnd, 512, 12, 200, "sha256")
	dir := t.TempDir()
	bad := map[string][]byte{"data": bytes.Clone(i.files["data"]), "hash": bytes.Clone(i.files["hash"]), "fec": bytes.Clone(i.files["fec"])}
	for _, b := range []int{3, 4, 77, i.dataBlocks + 1} {
		scribble(rnd, i.block(bad, b))
	}
	bad["fec"][1500] ^= 1
	fec, log := filepath.Join(dir, "fec"), filepath.Join(dir, "data.dmimg-journal")
	kept := filepath.Join(dir, "kept")
	if r := i.repair(t, dir, bad, "--fec-device", fec, "--journal", kept); r.code != 0 {
		t.Fatalf("exit status %d\n%s", r.code, r.stderr)
	}
	written := readFile(t, kept)
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	for step := 0; ; step++ {
		files := map[string][]byte{}
		left := step * 100 // bytes that were written before the kill
		for _, name := range []string{"data", "hash", "fec"} {
			files[name] = bytes.Clone(bad[name])
			for at := range files[name] {
				if files[name][at] != i.files[name][at] && left > 0 {
					files[name][at] = i.files[name][at]
					left--
				}
			}
		}
		writeFile(t, log, written)
		want, more := i.files, []string{"--fec-device", fec}
		if step%2 == 1 {
			want, more = bad, append(more, "--undo")
		}
		if r := i.repair(t, dir, files, more...); r.code != 0 {
			t.Fatalf("killed after %d bytes, then %q: exit status %d\n%s", step*100, more, r.code, r.stderr)
		}
		for name := range want {
			if !bytes.Equal(readFile(t, filepath.Join(dir, name)), want[name]) {
				t.Fatalf("killed after %d bytes, then %q: %s has other bytes than wanted", step*100, more, name)
			}
		}
		if left := filesIn(t, dir); left != "data fec hash" {
			t.Fatalf("there are files %q", left)
		}
		if left > 0 {
			return
		}
	}
}

// TestVerityRepairUnprovenJournal checks that a journal cannot make repair write what
// the root hash does not prove.
func TestVerityRepairUnprovenJournal(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(10, 11))
	i := newParityImage(t, rnd, 512, 2, 50, "sha256")
	dir := t.TempDir()
	bad := map[string][]byte{"data": bytes.Clone(i.files["data"]), "hash": i.files["hash"], "fec": i.files["fec"]}
	scribble(rnd, i.block(bad, 5))
	fec, log := filepath.Join(dir, "fec"), filepath.Join(dir, "data.dmimg-journal")
	forged := forgedJournal(t, i, bad["data"], 7)
	writeFile(t, log, forged)
	r := i.repair(t, dir, bad, "--fec-device", fec)
	if r.code != 3 || !strings.Contains(r.stderr, "does not prove") || !bytes.Equal(readFile(t, filepath.Join(dir, "data")), bad["data"]) {
		t.Errorf("exit status %d, want 3 and no change\n%s", r.code, r.stderr)
	}
}

// forgedJournal is a journal that would scribble over a block.
func forgedJournal(t *testing.T, i *parityImage, data []byte, block int) []byte {
	t.Helper()
	root, err := hex.DecodeString(i.root)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := journal.NewWriter(&b, append([]byte("verity root "), root...), []int64{int64(len(i.files["data"])), int64(len(i.files["hash"])), int64(len(i.files["fec"]))})
	if err != nil {
		t.Fatal(err)
	}
	old := data[block*i.blockSize:][:i.blockSize]
	if err := w.Add(journal.Record{File: 0, Offset: int64(block * i.blockSize), Old: old, New: bytes.Repeat([]byte{7}, i.blockSize)}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
