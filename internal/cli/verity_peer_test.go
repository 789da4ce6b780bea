package cli_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
	"github.com/dmimg/dmimg/verity"
)

// peerLayout is one way to place the areas in files DATA, HASH and FEC.
type peerLayout struct {
	hash, fec string // file of the hash area and of the parity; "" for no parity
	old       bool   // the file of the hash area is there already, longer than needed
}

var peerLayouts = []peerLayout{
	{hash: "HASH"},
	{hash: "HASH", old: true},
	{hash: "DATA"},
	{hash: "HASH", fec: "FEC"},
	{hash: "HASH", old: true, fec: "FEC"},
	{hash: "DATA", fec: "FEC"},
	{hash: "HASH", fec: "DATA"},
	{hash: "HASH", old: true, fec: "HASH"},
	{hash: "DATA", fec: "DATA"},
}

// numberFrom is a number from the environment, for long runs.
func numberFrom(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%q: %v", name, text, err)
	}
	return n
}

// TestVerityFormatAgreesWithVeritysetup formats the same data with both programs and
// 300 random sets of parameters: files, report (of 2.6) and root hash must be the
// same, and of every sixth set each program must accept what the other made.
// DMIMG_TEST_PEER_SETS asks for more sets, DMIMG_TEST_PEER_SEED for others.
func TestVerityFormatAgreesWithVeritysetup(t *testing.T) {
	t.Parallel()
	veritysetup := need(t, "veritysetup")
	sets := numberFrom(t, "DMIMG_TEST_PEER_SETS", 300)
	if testing.Short() {
		sets = min(sets, 45)
	}
	seed := numberFrom(t, "DMIMG_TEST_PEER_SEED", 26)
	known := hashesOf(t, veritysetup)
	const groups = 10 // one set takes too little time to be a test of its own
	for group := range groups {
		t.Run(fmt.Sprint("group=", group), func(t *testing.T) {
			t.Parallel()
			for n := group; n < sets; n += groups {
				p := randomPeerRun(t, uint64(seed), uint64(n), known)
				p.compare(t, veritysetup, n/groups%6 == 0)
				if t.Failed() {
					t.Fatalf("that was set %d of seed %d: %q of %d bytes, with %v bytes there before", n, seed, p.words(nil), p.size, p.before)
				}
			}
		})
	}
}

// hashesOf lists those of our hashes that veritysetup knows too.
func hashesOf(t *testing.T, veritysetup string) (known []string) {
	t.Helper()
	dir := t.TempDir()
	data, hash := writeFile(t, filepath.Join(dir, "data"), make([]byte, 4096)), filepath.Join(dir, "hash")
	for _, name := range hashes.Names() {
		if exec.Command(veritysetup, "format", data, hash, "--hash="+name).Run() == nil {
			known = append(known, name)
		}
	}
	if len(known) < 20 {
		t.Fatalf("veritysetup knows only the hashes %q, want at least 20 of ours", known)
	}
	return known
}

// peerRun is one set of parameters for both programs.
type peerRun struct {
	layout peerLayout
	params verity.Params
	size   int            // bytes of data
	before map[string]int // bytes in the files before, data included
	args   []string
	ours   []string // more for our program
	random *rand.Rand
	bytes  [32]byte // seed of what is in the files
}

// randomPeerRun picks set n of a seed. Data stays below some MiB, and parity below
// what veritysetup makes in a second.
func randomPeerRun(t *testing.T, seed, n uint64, known []string) *peerRun {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, n))
	p := &peerRun{layout: peerLayouts[rnd.IntN(len(peerLayouts))], before: map[string]int{}, random: rnd}
	binary.LittleEndian.PutUint64(p.bytes[:], rnd.Uint64())
	p.params = verity.Params{
		Algorithm: known[rnd.IntN(len(known))], HashType: rnd.IntN(2),
		DataBlockSize: 512 << min(rnd.IntN(11), rnd.IntN(11)), HashBlockSize: 512 << min(rnd.IntN(11), rnd.IntN(11)),
	}
	if p.layout.fec != "" {
		p.params.DataBlockSize = 512 << min(rnd.IntN(8), rnd.IntN(8), rnd.IntN(8))
		p.params.HashBlockSize = p.params.DataBlockSize
	}
	p.params.DataBlocks = uint64(1 + rnd.IntN(1+rnd.IntN(2+(1<<20)/p.params.DataBlockSize)))
	if p.layout.hash == "DATA" || p.layout.fec != "" { // without a tree veritysetup trips over its own files
		p.params.DataBlocks = max(2, p.params.DataBlocks)
	}
	p.params.Salt = make([]byte, [...]int{0, 32, 256, rnd.IntN(257), rnd.IntN(257)}[rnd.IntN(5)])
	for i := range p.params.Salt {
		p.params.Salt[i] = byte(rnd.Uint32())
	}
	p.args = []string{
		"--hash=" + p.params.Algorithm, fmt.Sprint("--format=", p.params.HashType), "--salt=" + saltFlag(p.params.Salt),
		fmt.Sprint("--data-block-size=", p.params.DataBlockSize), fmt.Sprint("--hash-block-size=", p.params.HashBlockSize),
	}
	p.size = int(p.params.DataBlocks) * p.params.DataBlockSize
	p.before["DATA"] = p.size
	p.place(t)
	return p
}

// gap is now and then a number of units.
func (p *peerRun) gap(unit int) int { return p.random.IntN(2) * p.random.IntN(20) * unit }

// roundUp rounds up to whole units.
func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// place picks the offsets of hash area and parity, and what is in the files before.
func (p *peerRun) place(t *testing.T) {
	t.Helper()
	const sector = 512
	superblock, unit := p.random.IntN(4) != 0, sector
	if superblock {
		p.args = append(p.args, "--uuid=a60c98d2-ae9b-4865-bfcb-b4e3ace11033")
	} else {
		unit = p.params.HashBlockSize
		p.args = append(p.args, "--no-superblock")
	}
	if ragged := p.random.IntN(p.params.DataBlockSize); p.random.IntN(3) == 0 {
		p.before["DATA"] += ragged
	}
	if !superblock || p.layout.hash == "DATA" || p.layout.fec == "DATA" || p.random.IntN(2) == 0 {
		p.args = append(p.args, fmt.Sprint("--data-blocks=", p.params.DataBlocks))
	} else {
		p.ours = append(p.ours, "--truncate") // which veritysetup does unasked
	}
	hashOffset := p.gap(unit)
	if p.params.DataBlocks == 1 {
		hashOffset = 0
	}
	if p.layout.hash == "DATA" {
		hashOffset += roundUp(p.size, unit)
	}
	if p.layout.old { // at offset 0 we make the file anew, with nothing behind the tree
		hashOffset += unit
	}
	if hashOffset > 0 {
		p.args = append(p.args, fmt.Sprint("--hash-offset=", hashOffset))
	}
	var err error
	if p.params.HashStartBlock, err = verity.HashStart(int64(hashOffset), superblock, p.params.HashBlockSize); err != nil {
		t.Fatal(err)
	}
	l, err := verity.NewLayout(p.params)
	if err != nil {
		t.Fatal(err)
	}
	hashEnd := int(l.HashEndOffset())
	if p.layout.old {
		p.before["HASH"] = hashEnd + p.random.IntN(1<<16)
		p.ours = append(p.ours, "--force")
	}
	if p.layout.fec == "" {
		return
	}
	fecOffset := p.gap(sector)
	switch {
	case p.layout.fec == p.layout.hash:
		fecOffset += roundUp(hashEnd, sector)
		p.before[p.layout.fec] = max(p.before[p.layout.fec], fecOffset) // or veritysetup fails to read the gap
	case p.layout.fec == "DATA":
		fecOffset += roundUp(p.size, sector)
	}
	p.args = append(p.args, "--fec-device="+p.layout.fec, fmt.Sprint("--fec-roots=", 2+p.random.IntN(23)), fmt.Sprint("--fec-offset=", fecOffset))
}

func saltFlag(salt []byte) string {
	if len(salt) == 0 {
		return "-"
	}
	return hex.EncodeToString(salt)
}

func (p *peerRun) compare(t *testing.T, veritysetup string, verify bool) {
	dir := t.TempDir()
	ours, theirs := p.files(t, dir, "ours"), p.files(t, dir, "theirs")
	var out bytes.Buffer
	cmd := exec.Command(veritysetup, append([]string{"format"}, p.words(theirs)...)...)
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := dmimg(t, append(append([]string{"verity", "format", "--compat=2.6"}, p.words(ours)...), p.ours...)...)
	if err := cmd.Wait(); err != nil || r.code != 0 {
		t.Errorf("veritysetup format: %v; our exit status %d, want 0: %s", err, r.code, r.stderr)
		return
	}
	report := r.stdout
	if want := strings.ReplaceAll(out.String(), "theirs", "ours"); report != want {
		t.Errorf("report\n%s\nwant\n%s", report, want)
	}
	for _, name := range []string{"DATA", p.layout.hash, p.layout.fec} {
		if name != "" && !bytes.Equal(p.read(t, ours[name]), p.read(t, theirs[name])) {
			t.Errorf("%s differs from veritysetup's", name)
		}
	}
	root := regexp.MustCompile(`Root hash:\s+([0-9a-f]+)`).FindStringSubmatch(report)
	if root == nil {
		t.Fatalf("no root hash in %q", report)
	}
	if verify {
		p.verifyBoth(t, veritysetup, ours, theirs, root[1])
	}
}

// verifyBoth lets each program check the image of the other, whole and damaged.
func (p *peerRun) verifyBoth(t *testing.T, veritysetup string, ours, theirs map[string]string, root string) {
	t.Helper()
	check := func(files map[string]string) (dmimgCode int, veritysetupOK bool) {
		words := append(p.words(files)[:2:2], root)
		for _, w := range p.words(files)[2:] {
			if !strings.HasPrefix(w, "--fec") && !strings.HasPrefix(w, "--uuid") {
				words = append(words, w)
			}
		}
		err := exec.Command(veritysetup, append([]string{"verify"}, words...)...).Run()
		return dmimg(t, append([]string{"verity", "verify"}, words...)...).code, err == nil
	}
	if code, ok := check(theirs); code != 0 {
		t.Errorf("verifying veritysetup's image: exit status %d, veritysetup agrees: %t", code, ok)
	}
	if code, ok := check(ours); code != 0 || !ok {
		t.Errorf("verifying our image: exit status %d, veritysetup agrees: %t", code, ok)
	}
	data := readFile(t, ours["DATA"])
	data[p.size/2] ^= 1
	writeFile(t, ours["DATA"], data)
	if code, ok := check(ours); code != 3 || ok {
		t.Errorf("verifying a damaged image: exit status %d, want 3; veritysetup accepts it: %t", code, ok)
	}
	if p.layout.fec == "" {
		return
	}
	// One bad block is within any parity: both programs must say so. That veritysetup
	// calls it success is what --accept-repairable is for.
	words := append(p.words(ours)[:2:2], root)
	for _, w := range p.words(ours)[2:] {
		if !strings.HasPrefix(w, "--uuid") {
			words = append(words, w)
		}
	}
	err := exec.Command(veritysetup, append([]string{"verify"}, words...)...).Run()
	strict := dmimg(t, append([]string{"verity", "verify"}, words...)...)
	lenient := dmimg(t, append([]string{"verity", "verify", "--accept-repairable"}, words...)...)
	if err != nil || strict.code != 3 || lenient.code != 0 || !strings.Contains(strict.stdout, "repairable") {
		t.Errorf("one block that parity can repair: veritysetup %v; ours exits %d (want 3) and %d (want 0), printing %q",
			err, strict.code, lenient.code, strict.stdout)
	}
}

// read is what is in a file. A single block of data has no tree: then veritysetup
// makes the file of the hash area as long as its own writes happen to be, we as long
// as the kernel wants it.
func (p *peerRun) read(t *testing.T, path string) []byte {
	t.Helper()
	b := readFile(t, path)
	if p.params.DataBlocks == 1 && p.layout.hash == "HASH" {
		b = bytes.TrimRight(b, "\x00")
	}
	return b
}

// files makes what is there before for one program.
func (p *peerRun) files(t *testing.T, dir, who string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	content := rand.NewChaCha8(p.bytes)
	for _, name := range []string{"DATA", "HASH", "FEC"} {
		files[name] = filepath.Join(dir, who+"-"+name)
		if n, ok := p.before[name]; ok {
			b := make([]byte, n)
			_, _ = content.Read(b)
			writeFile(t, files[name], b)
		}
	}
	return files
}

// words are the arguments with the files of one program, or with their bare names.
func (p *peerRun) words(files map[string]string) []string {
	path := func(name string) string {
		if files == nil {
			return name
		}
		return files[name]
	}
	words := []string{path("DATA"), path(p.layout.hash)}
	for _, arg := range p.args {
		if name, ok := strings.CutPrefix(arg, "--fec-device="); ok {
			arg = "--fec-device=" + path(name)
		}
		words = append(words, arg)
	}
	return words
}

// TestVerityOneBlock makes and verifies images of a single block, whose digest is the
// root hash: there is no tree, so the hash area can be empty.
func TestVerityOneBlock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	block := make([]byte, 4096)
	block[7] = 7
	data, empty := writeFile(t, filepath.Join(dir, "data"), block), writeFile(t, filepath.Join(dir, "empty"), nil)
	root := digestOf(block)
	for name, args := range map[string][]string{
		"nothing behind itself": {data, data, "--hash-offset=8192", "--data-blocks=1", "--no-superblock"},
		"a file":                {data, filepath.Join(dir, "hash"), "--hash-block-size=8192"},
	} {
		args = append(args, "--salt=-")
		if out := mustRun(t, append([]string{"verity", "format"}, args...)...); !strings.Contains(out, root) {
			t.Errorf("%s: got %q, want root hash %s", name, out, root)
		}
		mustRun(t, append([]string{"verity", "verify", args[0], args[1], root}, args[2:]...)...)
	}
	if got := readFile(t, data); !bytes.Equal(got, block) {
		t.Errorf("DATA has %d bytes, want the %d it had", len(got), len(block))
	}
	short := []string{"verity", "verify", data, empty, root, "--salt=-", "--no-superblock", "--data-blocks=1", "--hash-offset=0"}
	mustRun(t, short...)
	writeFile(t, data, make([]byte, 4096))
	if r := dmimg(t, short...); r.code != 3 {
		t.Errorf("damaged: exit status %d, want 3", r.code)
	}
}
