package verity

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
)

// veritysetup runs the reference tool on files of its own.
type veritysetup struct {
	path, dir string
}

func newVeritysetup(t *testing.T) *veritysetup {
	return &veritysetup{path: tool(t, "veritysetup"), dir: t.TempDir()}
}

// run writes the files, runs an action on them and returns its output and exit
// code.
func (v *veritysetup) run(t *testing.T, data, hash []byte, args ...string) (out string, code int) {
	t.Helper()
	for name, b := range map[string][]byte{"data": data, "hash": hash} {
		if err := os.WriteFile(filepath.Join(v.dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := exec.Command(v.path, args...).CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !asExit(err, &exit) {
		t.Fatal(err)
	} else if exit != nil {
		code = exit.ExitCode()
	}
	return string(raw), code
}

func asExit(err error, exit **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*exit = e
	return ok
}

// args are the options that say what p says, for a tree off bytes into the hash
// file.
func (v *veritysetup) args(action string, p Params, superblock bool, off int64, rest ...string) []string {
	salt := "-"
	if len(p.Salt) > 0 {
		salt = hex.EncodeToString(p.Salt)
	}
	a := []string{
		action, filepath.Join(v.dir, "data"), filepath.Join(v.dir, "hash"),
	}
	a = append(a, rest...)
	a = append(a,
		"--hash="+p.Algorithm, "--format="+strconv.Itoa(p.HashType), "--salt="+salt,
		"--data-block-size="+strconv.Itoa(p.DataBlockSize), "--hash-block-size="+strconv.Itoa(p.HashBlockSize),
		"--data-blocks="+strconv.FormatUint(p.DataBlocks, 10), "--hash-offset="+strconv.FormatInt(off, 10))
	if !superblock {
		a = append(a, "--no-superblock")
	} else if action == "format" {
		a = append(a, "--uuid=a60c98d2-ae9b-4865-bfcb-b4e3ace11033")
	}
	return a
}

// format returns the hash file and root hash that veritysetup makes; ok is false
// when it does not know the hash.
func (v *veritysetup) format(t *testing.T, p Params, superblock bool, off int64, data []byte) (hash, root []byte, ok bool) {
	t.Helper()
	l, err := NewLayout(p)
	if err != nil {
		t.Fatal(err)
	}
	out, code := v.run(t, data, make([]byte, l.HashEndOffset()), v.args("format", p, superblock, off)...)
	if strings.Contains(out, "not supported") {
		return nil, nil, false
	}
	if code != 0 {
		t.Fatalf("veritysetup format of %s: exit %d: %s", describe(p), code, out)
	}
	hash, err = os.ReadFile(filepath.Join(v.dir, "hash"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(out, "Root hash:")
	word, _, _ := strings.Cut(strings.TrimSpace(after), "\n")
	return hash, fromHex(t, word), true
}

func describe(p Params) string {
	return fmt.Sprintf("type %d %s data %d x %d hash %d at %d salt %d",
		p.HashType, p.Algorithm, p.DataBlocks, p.DataBlockSize, p.HashBlockSize, p.HashStartBlock, len(p.Salt))
}

// randomParams picks a tree; the data stays under some MiB.
func randomParams(rng *rand.Rand, algorithm string) (p Params, superblock bool, off int64) {
	sizes := []int{512, 1024, 2048, 4096, 8192, 65536, 524288}
	pick := func() int { return sizes[min(rng.IntN(len(sizes)), rng.IntN(len(sizes)))] }
	p = Params{
		HashType: rng.IntN(2), Algorithm: algorithm,
		DataBlockSize: pick(), HashBlockSize: pick(), Jobs: 1 + rng.IntN(4),
		Salt: make([]byte, []int{0, 1, 16, 32, 64, 255, 256}[rng.IntN(7)]),
	}
	for i := range p.Salt {
		p.Salt[i] = byte(rng.Uint32())
	}
	limit := 1 + rng.IntN(1<<uint(rng.IntN(22)))
	p.DataBlocks = uint64(1 + limit/p.DataBlockSize)
	superblock = rng.IntN(4) != 0
	off = int64(rng.IntN(3)) * int64(p.HashBlockSize)
	if superblock {
		off += int64(rng.IntN(4)) * 512
	}
	p.HashStartBlock, _ = HashStart(off, superblock, p.HashBlockSize)
	return p, superblock, off
}

// TestFormatEqualsVeritysetup compares whole hash files, for every hash that
// both know and for random geometry.
func TestFormatEqualsVeritysetup(t *testing.T) {
	t.Parallel()
	v := newVeritysetup(t)
	rng := rand.New(rand.NewPCG(2, 6))
	runs := 4
	if testing.Short() {
		runs = 1
	}
	compared := map[string]int{}
	for _, name := range hashes.Names() {
		for range runs {
			p, superblock, off := randomParams(rng, name)
			data := pattern(int(p.DataBlocks)*p.DataBlockSize, rng.Uint64())
			want, root, ok := v.format(t, p, superblock, off, data)
			if !ok {
				break
			}
			compared[name]++
			compareFormat(t, p, superblock, off, data, want, root)
		}
	}
	if len(compared) < 20 {
		t.Errorf("veritysetup knows only the hashes %v, want at least 20 of ours", compared)
	}
}

func compareFormat(t *testing.T, p Params, superblock bool, off int64, data, want, wantRoot []byte) {
	t.Helper()
	hash := new(memory)
	root, err := Build(context.Background(), &memory{b: data}, hash, p)
	if err != nil {
		t.Fatalf("%s: %v", describe(p), err)
	}
	if superblock {
		err := WriteSuperblock(hash, off, &Superblock{
			HashType: uint32(p.HashType), UUID: [16]byte(fromHex(t, "a60c98d2ae9b4865bfcbb4e3ace11033")), Algorithm: p.Algorithm,
			DataBlockSize: uint32(p.DataBlockSize), HashBlockSize: uint32(p.HashBlockSize), DataBlocks: p.DataBlocks, Salt: p.Salt,
		})
		if err != nil {
			t.Fatalf("%s: %v", describe(p), err)
		}
	}
	if !bytes.Equal(root, wantRoot) {
		t.Errorf("%s: got root hash %x, veritysetup %x", describe(p), root, wantRoot)
	}
	// The tool's file was as long as the tree before, for it cannot extend any.
	got := append(hash.b, make([]byte, max(0, len(want)-len(hash.b)))...)
	if !bytes.Equal(got, want) {
		t.Errorf("%s: hash file differs from that of veritysetup (%d and %d bytes)", describe(p), len(got), len(want))
	}
	report, err := Check(context.Background(), &memory{b: data}, &memory{b: want}, p, root)
	if err != nil || !report.OK() {
		t.Errorf("%s: check of veritysetup's tree: got %+v, %v, want OK", describe(p), report, err)
	}
}

// TestTreesAtLevelEdges compares the sizes where a tree gets another block or
// level.
func TestTreesAtLevelEdges(t *testing.T) {
	t.Parallel()
	v := newVeritysetup(t)
	for _, n := range []uint64{1, 2, 127, 128, 129, 16383, 16384, 16385} {
		if raceEnabled && n > 1000 {
			continue // too slow; deeper trees of smaller blocks are in other tests
		}
		for hashType := range 2 {
			p := params(n)
			p.HashType = hashType
			data := pattern(int(n)*4096, n)
			want, root, ok := v.format(t, p, true, 0, data)
			if !ok {
				t.Fatal("veritysetup does not know sha256")
			}
			compareFormat(t, p, true, 0, data, want, root)
		}
	}
}

// TestVerdictEqualsVeritysetup damages images and compares whether, and in what
// class, both find something wrong.
func TestVerdictEqualsVeritysetup(t *testing.T) {
	t.Parallel()
	v := newVeritysetup(t)
	rng := rand.New(rand.NewPCG(8, 8))
	runs := 60
	if testing.Short() {
		runs = 10
	}
	for range runs {
		p, superblock, off := randomParams(rng, "sha256")
		data := pattern(int(p.DataBlocks)*p.DataBlockSize, rng.Uint64())
		hash, root, _ := v.format(t, p, superblock, off, data)
		tree := int(p.HashStartBlock) * p.HashBlockSize
		for range rng.IntN(3) {
			data[rng.IntN(len(data))] ^= byte(1 + rng.IntN(255))
		}
		for range rng.IntN(3) {
			if len(hash) > tree {
				hash[tree+rng.IntN(len(hash)-tree)] ^= byte(1 + rng.IntN(255))
			}
		}
		if rng.IntN(6) == 0 {
			root[rng.IntN(len(root))] ^= 1
		}
		out, code := v.run(t, data, hash, v.args("verify", p, superblock, off, hex.EncodeToString(root))...)
		report, err := Check(context.Background(), &memory{b: data}, &memory{b: hash}, p, root)
		if err != nil {
			t.Fatalf("%s: %v", describe(p), err)
		}
		if got := exitCode(report, p.DataBlocks); got != code {
			t.Errorf("%s: got %+v, that is exit %d; veritysetup gives %d: %s", describe(p), report, got, code, out)
		}
	}
}

// exitCode is what veritysetup would make of a report: 2 when data or tree do
// not match, 1 when only the root hash does not. Data without a tree it compares
// with the root hash only.
func exitCode(r *Report, blocks uint64) int {
	switch {
	case r.OK():
		return 0
	case blocks > 1 && len(r.Data)+len(r.Tree)+len(r.Unproven) > 0:
		return 2
	}
	return 1
}
