package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
)

// updateLayout is one way to place the areas; hash and fec say in which file they are.
type updateLayout struct {
	name      string
	hash, fec string // fec: "" for no parity
	fecBehind bool   // the parity begins well behind the hash area
}

var updateLayouts = []updateLayout{
	{name: "separate", hash: "HASH"},
	{name: "appended", hash: "DATA"},
	{name: "fec", hash: "HASH", fec: "FEC"},
	{name: "appended+fec", hash: "DATA", fec: "FEC"},
	{name: "one-file", hash: "DATA", fec: "DATA", fecBehind: true},
	{name: "hash+fec", hash: "HASH", fec: "HASH", fecBehind: true},
	{name: "data+fec", hash: "HASH", fec: "DATA", fecBehind: true},
}

// updateImage is an image before and after changes, in the files of one layout.
type updateImage struct {
	layout   updateLayout
	args     []string
	size     int // bytes of the data
	dir      string
	old, now []byte // DATA as it is made, with whatever lies behind the data
	changes  []string
}

// newUpdateImage picks parameters and changes.
func newUpdateImage(t *testing.T, rnd *rand.Rand, layout updateLayout) *updateImage {
	t.Helper()
	dataBlock, hashBlock := 512<<rnd.IntN(4), 512<<rnd.IntN(4)
	if layout.fec != "" {
		hashBlock = dataBlock
	}
	size := (1 + rnd.IntN(1<<rnd.IntN(10))) * dataBlock
	salt := make([]byte, rnd.IntN(3)*rnd.IntN(128))
	scribble(rnd, salt)
	args := []string{
		"--hash=" + []string{"sha256", "sha1", "sha512"}[rnd.IntN(3)], fmt.Sprintf("--format=%d", rnd.IntN(2)),
		fmt.Sprintf("--data-block-size=%d", dataBlock), fmt.Sprintf("--hash-block-size=%d", hashBlock), "--salt=" + saltFlag(salt),
	}
	if rnd.IntN(3) == 0 {
		args = append(args, "--no-superblock")
	}
	if layout.hash == "DATA" {
		args = append(args, fmt.Sprintf("--hash-offset=%d", (size+4095)&^4095))
	}
	if layout.hash == "DATA" || layout.fec == "DATA" {
		args = append(args, fmt.Sprintf("--data-blocks=%d", size/dataBlock))
	}
	if layout.fec != "" {
		args = append(args, "--fec-device="+layout.fec, fmt.Sprintf("--fec-roots=%d", 2+rnd.IntN(23)))
	}
	if layout.fecBehind {
		args = append(args, fmt.Sprintf("--fec-offset=%d", 4*size+(64<<10)))
	}
	i := &updateImage{layout: layout, args: args, size: size, dir: t.TempDir(), old: make([]byte, size)}
	if layout.hash == "DATA" || layout.fec == "DATA" { // old bytes under the areas, and behind them
		i.old = make([]byte, 6*size+(128<<10))
	}
	scribble(rnd, i.old)
	i.now = bytes.Clone(i.old)
	i.change(rnd)
	return i
}

// change edits the data and lists where.
func (i *updateImage) change(rnd *rand.Rand) {
	edit := func(at, n int) {
		scribble(rnd, i.now[at:at+n])
		i.changes = append(i.changes, fmt.Sprintf("%d:%d", at, n))
	}
	switch rnd.IntN(5) {
	case 0:
		i.changes = []string{"0:0"}
	case 1:
		edit(0, i.size)
	case 2:
		edit(0, 1)
		edit(i.size-1, 1)
	case 3:
		at := rnd.IntN(i.size)
		edit(at, 1+rnd.IntN(min(i.size-at, 1+i.size/20)))
	default:
		for range 1 + rnd.IntN(12) {
			at := rnd.IntN(i.size)
			edit(at, 1+rnd.IntN(min(i.size-at, 700)))
		}
	}
}

// make formats data in files of one name and returns their names.
func (i *updateImage) make(t *testing.T, who string, data []byte, program ...string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, name := range []string{"DATA", "HASH", "FEC"} {
		files[name] = filepath.Join(i.dir, who+"-"+name)
	}
	writeFile(t, files["DATA"], data)
	for _, name := range []string{"HASH", "FEC"} {
		_ = os.Remove(files[name])
	}
	words := i.words(files)
	if !slices.Contains(i.args, "--no-superblock") {
		words = append(words, "--uuid=a60c98d2-ae9b-4865-bfcb-b4e3ace11033")
	}
	if len(program) == 0 {
		mustRun(t, append([]string{"verity", "format"}, words...)...)
	} else if out, err := exec.Command(program[0], append([]string{"format"}, words...)...).CombinedOutput(); err != nil {
		t.Fatalf("%s format %q: %v\n%s", program[0], words, err, out)
	}
	return files
}

// words are the arguments with some files.
func (i *updateImage) words(files map[string]string) []string {
	words := []string{files["DATA"], files[i.layout.hash]}
	for _, arg := range i.args {
		if name, ok := strings.CutPrefix(arg, "--fec-device="); ok {
			arg = "--fec-device=" + files[name]
		}
		words = append(words, arg)
	}
	return words
}

// put lets DATA have the changes, where the data is.
func (i *updateImage) put(t *testing.T, files map[string]string) {
	t.Helper()
	data := readFile(t, files["DATA"])
	copy(data, i.now[:i.size])
	writeFile(t, files["DATA"], data)
}

// differing lists the files that are not the same under two names.
func (i *updateImage) differing(t *testing.T, a, b map[string]string) string {
	t.Helper()
	var list []string
	for _, name := range []string{"DATA", i.layout.hash, i.layout.fec} {
		if name != "" && !bytes.Equal(readFile(t, a[name]), readFile(t, b[name])) {
			list = append(list, name)
		}
	}
	return strings.Join(list, ", ")
}

// TestVerityUpdateEqualsFormat updates random images in every way; all files must be
// those that format makes of the changed data, or veritysetup where it is installed.
func TestVerityUpdateEqualsFormat(t *testing.T) {
	t.Parallel()
	trials := 4 * len(updateLayouts)
	if testing.Short() {
		trials = len(updateLayouts)
	}
	veritysetup, err := exec.LookPath("veritysetup")
	if err != nil && os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
		t.Fatalf("veritysetup is required: %v", err)
	}
	for n := range trials {
		rnd := rand.New(rand.NewPCG(uint64(n), 31))
		layout := updateLayouts[n%len(updateLayouts)]
		t.Run(fmt.Sprintf("%d/%s", n, layout.name), func(t *testing.T) {
			t.Parallel()
			i := newUpdateImage(t, rnd, layout)
			var want map[string]string
			if n%4 == 0 && veritysetup != "" && layout.name != "hash+fec" { // it makes no HASH long enough for that
				want = i.make(t, "want", i.now, veritysetup)
			} else {
				want = i.make(t, "want", i.now)
			}
			i.compareWays(t, want)
		})
	}
}

// compareWays updates the old image in every way.
func (i *updateImage) compareWays(t *testing.T, want map[string]string) {
	var flags []string
	for _, c := range i.changes {
		flags = append(flags, "--changed="+c)
	}
	list := writeFile(t, filepath.Join(i.dir, "list"), []byte(strings.Join(i.changes, "\n")))
	from := "--changed-from=" + writeFile(t, filepath.Join(i.dir, "before"), i.old)
	ways := map[string][]string{"changed": flags, "list": {"--changed-list=" + list, "--jobs=1"}, "from": {from}}
	if i.layout.fec != "" {
		ways["rewrite"] = []string{from, "--fec-rewrite"}
	}
	files := i.make(t, "old", i.old)
	i.put(t, files)
	before := map[string][]byte{files["DATA"]: nil, files[i.layout.hash]: nil}
	if i.layout.fec != "" {
		before[files[i.layout.fec]] = nil
	}
	for path := range before {
		before[path] = readFile(t, path)
	}
	for name, way := range ways {
		for path, b := range before {
			writeFile(t, path, b)
		}
		report := mustRun(t, slices.Concat([]string{"verity", "update", "--json"}, i.words(files), way)...)
		if differ := i.differing(t, files, want); differ != "" {
			t.Fatalf("%s of %q, %d bytes, changed %q: %s differs from what format makes\n%s", name, i.args, i.size, i.changes, differ, report)
		}
		i.checkReport(t, name, report, want)
	}
}

// checkReport holds the root hash against the image that was made anew.
func (i *updateImage) checkReport(t *testing.T, name, report string, want map[string]string) {
	t.Helper()
	var got struct {
		RootHash string `json:"root_hash"`
		FEC      string `json:"fec_update"`
	}
	if err := json.Unmarshal([]byte(report), &got); err != nil {
		t.Fatal(err)
	}
	words := append(i.words(want)[:2:2], got.RootHash)
	mustRun(t, slices.Concat([]string{"verity", "verify"}, words, i.words(want)[2:])...)
	if (got.FEC == "none") != (i.layout.fec == "") {
		t.Errorf("%s of %q: the report says parity was updated by %s", name, i.args, got.FEC)
	}
}

// TestVerityUpdateInterrupted cancels the program before it reads the first block.
func TestVerityUpdateInterrupted(t *testing.T) {
	t.Parallel()
	i := newUpdateImage(t, rand.New(rand.NewPCG(5, 5)), updateLayouts[2])
	files := i.make(t, "image", i.old)
	i.put(t, files)
	before := filesIn(t, i.dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	words := slices.Concat([]string{"verity", "update", "--root-hash-file=" + filepath.Join(i.dir, "root"), fmt.Sprintf("--changed=0:%d", i.size)}, i.words(files))
	code := cli.Run(ctx, words, strings.NewReader(""), &stdout, &stderr)
	if code != 1 || stderr.String() != "dmimg: interrupted\n" || stdout.Len() > 0 || filesIn(t, i.dir) != before {
		t.Errorf("exit status %d, %q, %q, files %q, want 1, interrupted and no change", code, stdout.String(), stderr.String(), filesIn(t, i.dir))
	}
}

// TestVerityUpdateJSONOfOneBlock has an image without a tree: nothing but parity can be
// out of date, and nothing says what the old root hash was.
func TestVerityUpdateJSONOfOneBlock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, hash := filepath.Join(dir, "data"), filepath.Join(dir, "hash")
	writeFile(t, data, bytes.Repeat([]byte{1}, 4096))
	mustRun(t, "verity", "format", data, hash, "--salt=-")
	old := writeFile(t, filepath.Join(dir, "old"), readFile(t, data))
	writeFile(t, data, bytes.Repeat([]byte{2}, 4096))
	for flag, known := range map[string]bool{"--changed=0:1": false, "--changed-from=" + old: true} {
		var got struct {
			RootHash    string  `json:"root_hash"`
			OldRootHash *string `json:"old_root_hash"`
		}
		if err := json.Unmarshal([]byte(mustRun(t, "verity", "update", data, hash, flag, "--json")), &got); err != nil {
			t.Fatal(err)
		}
		if got.RootHash != digestOf(readFile(t, data)) || (got.OldRootHash != nil) != known || known && *got.OldRootHash != digestOf(readFile(t, old)) {
			t.Errorf("%s: got %+v", flag, got)
		}
	}
}
