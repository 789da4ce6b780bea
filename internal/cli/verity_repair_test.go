package cli_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli/journal"
	"github.com/dmimg/dmimg/verity"
)

// TestVerityRepairTrials damages images at random, 1,000 times: damage within the power
// of the code is repaired to the original bytes, damage beyond it leaves every byte.
func TestVerityRepairTrials(t *testing.T) {
	t.Parallel()
	trials := 1000
	if testing.Short() { // every kind of damage to every image, ten times
		trials = 300
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	var images []*parityImage
	for roots := 2; roots <= 24; roots++ { // all numbers of roots, all layouts
		size := 512 << rnd.IntN(2)
		images = append(images, newLaidOutImage(t, rnd, imageLayouts[roots%len(imageLayouts)], verity.Params{
			HashType: rnd.IntN(2), Algorithm: []string{"sha256", "sha1", "sha512"}[rnd.IntN(3)],
			DataBlockSize: size, HashBlockSize: size, DataBlocks: uint64(2*roots + 8 + rnd.IntN(300)),
		}, roots))
	}
	const groups = 10
	for group := range groups {
		t.Run(fmt.Sprint("group=", group), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for n := group; n < trials; n += groups {
				image, kind := images[n%len(images)], damageKinds[n/len(images)%len(damageKinds)]
				files := map[string][]byte{}
				for name, b := range image.files {
					files[name] = bytes.Clone(b)
				}
				if !kind.do(image, rand.New(rand.NewPCG(uint64(n), 3)), files) {
					t.Fatalf("trial %d: %s of %s is impossible", n, kind.name, image.name)
				}
				r := image.repair(t, dir, files, "--fec-device", filepath.Join(dir, image.fec))
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
				for _, name := range strings.Fields(filesIn(t, dir)) {
					if image.files[name] == nil {
						t.Fatalf("trial %d: there is a file %s", n, name)
					}
					if err := os.Remove(filepath.Join(dir, name)); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
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
// at every write of data, tree and parity: the next one finishes the repair, and
// --undo undoes it.
func TestVerityRepairKilled(t *testing.T) {
	t.Parallel()
	for _, where := range []imageLayout{separate, {hash: "data", fec: "data"}} {
		t.Run(where.hash+"+"+where.fec, func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(8, 9))
			i := newLaidOutImage(t, rnd, where, verity.Params{HashType: 1, Algorithm: "sha256", DataBlockSize: 512, HashBlockSize: 512, DataBlocks: 200}, 12)
			bad := map[string][]byte{}
			for name, b := range i.files {
				bad[name] = bytes.Clone(b)
			}
			for _, b := range []int{3, 4, 77, i.dataBlocks + 1} {
				scribble(rnd, i.block(bad, b))
			}
			i.parity(bad)[1500] ^= 1
			i.killJournal(t, bad)
			i.killWrites(t, bad)
		})
	}
}

// journalOf repairs a damaged image and returns the journal of that.
func (i *parityImage) journalOf(t *testing.T, bad map[string][]byte) []byte {
	t.Helper()
	dir := t.TempDir()
	kept := filepath.Join(dir, "kept")
	if r := i.repair(t, dir, bad, "--fec-device", filepath.Join(dir, i.fec), "--journal", kept); r.code != 0 {
		t.Fatalf("exit status %d\n%s", r.code, r.stderr)
	}
	return readFile(t, kept)
}

// killJournal has journals that end early. No run leaves one under that name; nothing
// is changed by it.
func (i *parityImage) killJournal(t *testing.T, bad map[string][]byte) {
	t.Helper()
	whole := i.journalOf(t, bad)
	dir := t.TempDir()
	for _, n := range []int{0, 1, 100, len(whole) / 2, len(whole) - 1} {
		log := writeFile(t, filepath.Join(dir, "data.dmimg-journal"), whole[:n])
		for _, more := range [][]string{nil, {"--undo"}} {
			r := i.repair(t, dir, bad, append(more, "--fec-device", filepath.Join(dir, i.fec))...)
			if r.code != 1 || !strings.Contains(r.stderr, "not a sound journal") {
				t.Fatalf("%d of %d bytes of journal, %q: exit status %d, want 1 and what is wrong\n%s", n, len(whole), more, r.code, r.stderr)
			}
			for name := range bad {
				if !bytes.Equal(readFile(t, filepath.Join(dir, name)), bad[name]) {
					t.Fatalf("%d of %d bytes of journal, %q: %s was changed", n, len(whole), more, name)
				}
			}
		}
		if err := os.Remove(log); err != nil {
			t.Fatal(err)
		}
	}
}

// killWrites has journals that are complete, and files that are partly written.
func (i *parityImage) killWrites(t *testing.T, bad map[string][]byte) {
	t.Helper()
	whole := i.journalOf(t, bad)
	dir := t.TempDir()
	for step := 0; ; step++ {
		files := map[string][]byte{}
		left := step * 100 // bytes that were written before the kill
		for _, name := range slices.Sorted(maps.Keys(bad)) {
			files[name] = bytes.Clone(bad[name])
			for at := range files[name] {
				if files[name][at] != i.files[name][at] && left > 0 {
					files[name][at] = i.files[name][at]
					left--
				}
			}
		}
		writeFile(t, filepath.Join(dir, "data.dmimg-journal"), whole)
		want, more := i.files, []string{"--fec-device", filepath.Join(dir, i.fec)}
		if step%2 == 1 {
			want, more = bad, append(more, "--undo")
		}
		r := i.repair(t, dir, files, more...)
		i.wantFiles(t, dir, r, want, fmt.Sprintf("killed after %d bytes, then %q", step*100, more))
		if left > 0 {
			return
		}
	}
}

// wantFiles demands that a run succeeded and left these files and no others.
func (i *parityImage) wantFiles(t *testing.T, dir string, r result, want map[string][]byte, when string) {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("%s: exit status %d\n%s", when, r.code, r.stderr)
	}
	for name := range want {
		if !bytes.Equal(readFile(t, filepath.Join(dir, name)), want[name]) {
			t.Fatalf("%s: %s has other bytes than wanted", when, name)
		}
	}
	if left, names := filesIn(t, dir), slices.Sorted(maps.Keys(want)); left != strings.Join(names, " ") {
		t.Fatalf("%s: there are files %q, want %q", when, left, names)
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

// TestVerityRepairMisplacedParity names a parity area that is none: with other roots,
// elsewhere, of another image. Nothing is overwritten there unless that is wanted.
func TestVerityRepairMisplacedParity(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(12, 13))
	i := newParityImage(t, rnd, 512, 6, 200, "sha256")
	other := newParityImage(t, rnd, 512, 6, 200, "sha256")
	withFEC := func(fec []byte) map[string][]byte {
		return map[string][]byte{"data": i.files["data"], "hash": i.files["hash"], "fec": fec}
	}
	fec := i.files["fec"]
	damaged := withFEC(fec)
	damaged["data"] = bytes.Clone(i.files["data"])
	scribble(rnd, i.block(damaged, 9))
	for name, c := range map[string]struct {
		files map[string][]byte
		more  []string
	}{
		"other roots":              {withFEC(fec), []string{"--fec-roots=2"}},
		"elsewhere":                {withFEC(append(make([]byte, 512), fec...)), nil},
		"elsewhere, damaged data":  {damaged, []string{"--fec-roots=3"}}, // nothing is left to compare with
		"of another image":         {withFEC(other.files["fec"]), nil},
		"lost":                     {withFEC(make([]byte, len(fec))), nil},
		"behind what lies in data": {withFEC(append(bytes.Repeat([]byte("precious"), 1000), fec...)), []string{"--fec-offset=1024"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			more := append(c.more, "--fec-device", filepath.Join(dir, "fec"))
			r := i.repair(t, dir, c.files, more...)
			if r.code != 3 || !strings.Contains(r.stderr, "hardly anything in the parity area fits") && !strings.Contains(name, "damaged") {
				t.Errorf("exit status %d, want 3 and a hint: %s", r.code, r.stderr)
			}
			for name, want := range c.files {
				if !bytes.Equal(readFile(t, filepath.Join(dir, name)), want) {
					t.Errorf("%s was changed", name)
				}
			}
			if r := dmimg(t, slices.Concat([]string{"verity", "verify", filepath.Join(dir, "data"), filepath.Join(dir, "hash"), i.root}, i.flags, more)...); r.code != 3 || strings.Contains(r.stdout, "parity") && strings.Contains(r.stdout, "repairable") {
				t.Errorf("verify: exit status %d, %q, want 3 and nothing repairable", r.code, r.stdout)
			}
			if name == "lost" {
				i.wantFiles(t, dir, i.repair(t, dir, c.files, append(more, "--force")...), i.files, "with --force")
			}
		})
	}
}
