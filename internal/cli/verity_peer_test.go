package cli_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// peerLayout is one way to place the areas; %d are the data size, then room for the
// hash area behind it.
type peerLayout struct {
	name       string
	hash, fec  string // DATA, HASH, FEC or "" for no parity
	hashBehind bool   // the hash area begins where the data ends
	fecBehind  bool   // the parity begins well behind the hash area
}

var peerLayouts = []peerLayout{
	{name: "separate", hash: "HASH"},
	{name: "appended", hash: "DATA", hashBehind: true},
	{name: "fec", hash: "HASH", fec: "FEC"},
	{name: "appended+fec", hash: "DATA", hashBehind: true, fec: "FEC"},
	{name: "one-file", hash: "DATA", hashBehind: true, fec: "DATA", fecBehind: true},
}

// TestVerityFormatAgreesWithVeritysetup formats the same data with both programs and
// many parameters: files, report (of 2.6) and root hash must be the same, and each
// program must accept what the other made.
func TestVerityFormatAgreesWithVeritysetup(t *testing.T) {
	t.Parallel()
	veritysetup := need(t, "veritysetup")
	rnd := rand.New(rand.NewPCG(26, 1))
	hashes := []string{"sha256", "sha1", "sha512", "md5", "ripemd160", "sha3-256", "blake2b-512", "SHA224"}
	for i := range 25 {
		layout := peerLayouts[i%len(peerLayouts)]
		dataBlock := 512 << rnd.IntN(5)
		hashBlock := 512 << rnd.IntN(5)
		if layout.fec != "" {
			hashBlock = dataBlock
		}
		blocks := 1 + rnd.IntN(700)
		salt := make([]byte, rnd.IntN(257))
		for i := range salt {
			salt[i] = byte(rnd.Uint32())
		}
		args := []string{
			"--hash=" + hashes[rnd.IntN(len(hashes))], fmt.Sprintf("--format=%d", rnd.IntN(2)),
			fmt.Sprintf("--data-block-size=%d", dataBlock), fmt.Sprintf("--hash-block-size=%d", hashBlock),
			"--salt=" + saltFlag(salt),
		}
		if rnd.IntN(4) == 0 {
			args = append(args, "--no-superblock")
		} else {
			args = append(args, "--uuid=a60c98d2-ae9b-4865-bfcb-b4e3ace11033")
		}
		size := blocks * dataBlock
		if layout.hashBehind {
			offset := (size + 4095) &^ 4095
			args = append(args, fmt.Sprintf("--hash-offset=%d", offset), fmt.Sprintf("--data-blocks=%d", blocks))
		}
		if layout.fec != "" {
			args = append(args, "--fec-device="+layout.fec, fmt.Sprintf("--fec-roots=%d", 2+rnd.IntN(23)))
		}
		if layout.fecBehind {
			args = append(args, fmt.Sprintf("--fec-offset=%d", 2*size+(1<<20)))
		}
		p := peerRun{layout, args, size, byte(i)}
		t.Run(fmt.Sprintf("%d/%s", i, layout.name), func(t *testing.T) {
			t.Parallel()
			p.compare(t, veritysetup)
		})
	}
}

func saltFlag(salt []byte) string {
	if len(salt) == 0 {
		return "-"
	}
	return hex.EncodeToString(salt)
}

// peerRun is one set of parameters for both programs.
type peerRun struct {
	layout peerLayout
	args   []string
	size   int
	seed   byte
}

func (p peerRun) compare(t *testing.T, veritysetup string) {
	dir := t.TempDir()
	ours, theirs := p.files(t, dir, "ours"), p.files(t, dir, "theirs")
	report := mustRun(t, append([]string{"verity", "format", "--compat=2.6"}, p.words(ours)...)...)
	out, err := exec.Command(veritysetup, append([]string{"format"}, p.words(theirs)...)...).Output()
	if err != nil {
		t.Fatalf("veritysetup format %q: %v", p.args, err)
	}
	if want := strings.ReplaceAll(string(out), "theirs", "ours"); report != want {
		t.Errorf("%q: report\n%s\nwant\n%s", p.args, report, want)
	}
	for _, name := range []string{"DATA", p.layout.hash, p.layout.fec} {
		if name != "" && !bytes.Equal(readFile(t, ours[name]), readFile(t, theirs[name])) {
			t.Errorf("%q: %s differs from veritysetup's", p.args, name)
		}
	}
	root := regexp.MustCompile(`Root hash:\s+([0-9a-f]+)`).FindStringSubmatch(report)
	if root == nil {
		t.Fatalf("no root hash in %q", report)
	}
	p.verifyBoth(t, veritysetup, ours, theirs, root[1])
}

// verifyBoth lets each program check the image of the other, whole and damaged.
func (p peerRun) verifyBoth(t *testing.T, veritysetup string, ours, theirs map[string]string, root string) {
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
		t.Errorf("%q: verifying veritysetup's image: exit status %d, veritysetup agrees: %t", p.args, code, ok)
	}
	if code, ok := check(ours); code != 0 || !ok {
		t.Errorf("%q: verifying our image: exit status %d, veritysetup agrees: %t", p.args, code, ok)
	}
	data := readFile(t, ours["DATA"])
	data[p.size/2] ^= 1
	writeFile(t, ours["DATA"], data)
	if code, ok := check(ours); code != 3 || ok {
		t.Errorf("%q: verifying a damaged image: exit status %d, want 3; veritysetup accepts it: %t", p.args, code, ok)
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
		t.Errorf("%q: one block that parity can repair: veritysetup %v; ours exits %d (want 3) and %d (want 0), printing %q",
			p.args, err, strict.code, lenient.code, strict.stdout)
	}
}

// files makes the data for one program.
func (p peerRun) files(t *testing.T, dir, who string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, name := range []string{"DATA", "HASH", "FEC"} {
		files[name] = filepath.Join(dir, who+"-"+name)
	}
	rnd := rand.NewChaCha8([32]byte{p.seed})
	data := make([]byte, p.size)
	_, _ = rnd.Read(data)
	if p.layout.hashBehind { // old bytes around and under the areas
		tail := make([]byte, p.size+(3<<20))
		_, _ = rnd.Read(tail)
		data = append(data, tail...)
	}
	writeFile(t, files["DATA"], data)
	return files
}

// words are the arguments with the files of one program.
func (p peerRun) words(files map[string]string) []string {
	words := []string{files["DATA"], files[p.layout.hash]}
	for _, arg := range p.args {
		if name, ok := strings.CutPrefix(arg, "--fec-device="); ok {
			arg = "--fec-device=" + files[name]
		}
		words = append(words, arg)
	}
	return words
}
