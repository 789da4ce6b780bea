package journal_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/integrity"
)

// The variables that make this test binary a program that writes to a volume
// until it is killed.
const (
	envImage = "DMIMG_JOURNAL_IMAGE"
	envSeed  = "DMIMG_JOURNAL_SEED"
)

const (
	processSize   = 1 << 20 // bytes of the image
	processBlocks = 1024    // of 512 bytes that are written to
	maxUnsynced   = 5000    // writes that the program makes at most after what it said last
)

// openProcessVolume opens the image that is killed.
func openProcessVolume(path string, flag int) (*volume.Mapped, error) {
	line := fmt.Sprintf("0 %d integrity image 0 4 J 3 internal_hash:crc32c fix_padding fix_hmac\n", processBlocks)
	ts, err := tables.Parse(strings.NewReader(line))
	if err != nil {
		return nil, err
	}
	open := func(_ string, flag int, perm fs.FileMode) (volume.Backend, error) {
		return volume.OpenFile(path, flag, perm)
	}
	return volume.Open(volume.Options{Flag: flag, Open: open}, ts...)
}

// processWrites are the runs that the program writes, one after the other: first
// block and number of blocks. Write n fills them with version n.
func processWrites(seed uint64) func() (first, count int) {
	rng := rand.New(rand.NewPCG(seed, 0))
	return func() (int, int) {
		count := 1 + rng.IntN(24)
		return rng.IntN(processBlocks - count), count
	}
}

// TestProcessWriter is no test: it is the program.
func TestProcessWriter(t *testing.T) {
	path := os.Getenv(envImage)
	if path == "" {
		t.Skip("the program of TestProcessKilled")
	}
	seed, err := strconv.ParseUint(os.Getenv(envSeed), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	v, err := openProcessVolume(path, os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	next := processWrites(seed)
	for n := uint32(1); ; n++ {
		first, count := next()
		if _, err := v.WriteAt(versions(first, count, n, seed), int64(first)*512); err != nil {
			t.Fatal(err)
		}
		if n%7 == 0 {
			if err := v.Sync(); err != nil {
				t.Fatal(err)
			}
			fmt.Println("synced", n)
		}
	}
}

// versions are blocks that tell which write of which life they are from.
func versions(first, count int, n uint32, seed uint64) (data []byte) {
	for i := range count {
		block := version(uint64(first+i), n, 512)
		binary.LittleEndian.PutUint64(block[504:], seed)
		data = append(data, block...)
	}
	return data
}

// TestProcessKilled kills a program that writes to a volume, again and again on
// the same image, and looks for everything that it had synced.
func TestProcessKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "image")
	formatProcessVolume(t, path)
	rng := rand.New(rand.NewPCG(1, 2))
	state := make([]life, processBlocks)
	for seed := range uint64(rounds(t, 8)) {
		synced := runAndKill(t, path, seed+1, 1+rng.IntN(40))
		state = checkLife(t, path, state, seed+1, synced)
	}
}

// life is the write that a block is from.
type life struct {
	seed uint64
	n    uint32
}

func formatProcessVolume(t *testing.T, path string) {
	t.Helper()
	b, err := volume.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, processSize); err != nil {
		t.Fatal(err)
	}
	c := integrity.FormatConfig{TagSize: 4, InternalHash: integrity.Algorithm{Name: "crc32c"}, JournalSectors: 704, InterleaveSectors: 256}
	if _, _, err := integrity.Format(context.Background(), b, nil, c); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// runAndKill runs the program until it has said a number of times what it has
// synced, and returns the last.
func runAndKill(t *testing.T, path string, seed uint64, lines int) (synced uint32) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(program, "-test.run=^TestProcessWriter$")
	cmd.Env = append(os.Environ(), envImage+"="+path, fmt.Sprint(envSeed, "=", seed))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(out)
	for range lines {
		if !scanner.Scan() {
			break
		}
		if _, err := fmt.Sscanf(scanner.Text(), "synced %d", &synced); err != nil {
			t.Errorf("the program says %q", scanner.Text())
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for scanner.Scan() { // what it said before it died
		_, _ = fmt.Sscanf(scanner.Text(), "synced %d", &synced)
	}
	_ = cmd.Wait()
	if synced == 0 {
		t.Fatal("the program has synced nothing")
	}
	return synced
}

// checkLife reads every block: one of this life, not older than what was synced,
// or what it was before. It returns what was found.
func checkLife(t *testing.T, path string, before []life, seed uint64, synced uint32) []life {
	t.Helper()
	v, err := openProcessVolume(path, os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	oldest, possible := append([]life(nil), before...), map[life][]int{}
	next := processWrites(seed)
	for n := uint32(1); n < synced+maxUnsynced; n++ {
		first, count := next()
		possible[life{seed, n}] = []int{first, first + count}
		for i := first; i < first+count && n <= synced; i++ {
			oldest[i] = life{seed, n}
		}
	}
	found := make([]life, processBlocks)
	block := make([]byte, 512)
	for i := range found {
		if _, err := v.ReadAt(block, int64(i)*512); err != nil {
			t.Fatalf("life %d: block %d: %v", seed, i, err)
		}
		got := life{binary.LittleEndian.Uint64(block[504:]), binary.LittleEndian.Uint32(block[8:])}
		run := possible[got]
		newer := run != nil && run[0] <= i && i < run[1] && (oldest[i].seed != seed || got.n >= oldest[i].n)
		if got != oldest[i] && !newer {
			t.Fatalf("life %d, synced up to write %d: block %d is of write %d of life %d, want %+v or newer", seed, synced, i, got.n, got.seed, oldest[i])
		}
		found[i] = got
	}
	return found
}
