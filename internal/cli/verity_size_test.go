package cli_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestVeritySizeIsExact compares the sizes that are worked out beforehand with those
// of the files that format then makes, for random parameters.
func TestVeritySizeIsExact(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(9, 7))
	for i := range 30 {
		size, blocks := 512<<rnd.IntN(4), 1+rnd.IntN(400)
		args := []string{
			"--hash=" + []string{"sha256", "sha1", "sha512"}[rnd.IntN(3)], fmt.Sprintf("--format=%d", rnd.IntN(2)),
			fmt.Sprintf("--data-block-size=%d", size), fmt.Sprintf("--hash-block-size=%d", size), fmt.Sprintf("--fec-roots=%d", 2+rnd.IntN(23)),
		}
		if rnd.IntN(2) == 0 {
			args = append(args, "--no-superblock")
		}
		offset := 4096 * rnd.IntN(5)
		args = append(args, fmt.Sprintf("--hash-offset=%d", offset))
		inHash := rnd.IntN(2) == 0
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			data := writeFile(t, filepath.Join(dir, "data"), make([]byte, size*blocks))
			var want struct {
				HashEnd int64 `json:"hash_end_bytes"`
				FECEnd  int64 `json:"fec_end_bytes"`
			}
			place := []string{"--fec-device=FEC"}
			if inHash {
				place = []string{"--fec-in-hash"}
			}
			sized := mustRun(t, append(append([]string{"verity", "size", fmt.Sprint(size * blocks), "--json"}, args...), place...)...)
			if err := json.Unmarshal([]byte(sized), &want); err != nil {
				t.Fatal(err)
			}
			hash, fec := filepath.Join(dir, "hash"), filepath.Join(dir, "fec")
			place = []string{"--fec-device=" + fec}
			if inHash {
				place = []string{"--fec-device=" + hash, fmt.Sprintf("--fec-offset=%d", want.HashEnd)}
				fec, want.HashEnd = hash, want.FECEnd
			}
			mustRun(t, append(append([]string{"verity", "format", data, hash}, args...), place...)...)
			if got := [2]int64{fileSize(t, hash), fileSize(t, fec)}; got != [2]int64{want.HashEnd, want.FECEnd} {
				t.Errorf("%q, %d blocks: HASH and FEC device have %d bytes, size says %d and %d", args, blocks, got, want.HashEnd, want.FECEnd)
			}
		})
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
