package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/volume"
)

// When this variable is set, the test program itself is the command of a job: it
// writes the variable's value to the file named by its first argument, or fails
// with a word when there is none.
const actAsCommand = "DMIMG_BENCH_TEST_WRITES"

// TestMain lets the test program also stand for dmimg and for the peers, when its
// first argument is a verb of theirs.
func TestMain(m *testing.M) {
	if text, ok := os.LookupEnv(actAsCommand); ok {
		if len(os.Args) != 2 || os.WriteFile(os.Args[1], []byte(text), 0o600) != nil {
			os.Stderr.WriteString("no file to write\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		os.Exit(standIn(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// standIn makes the files that dmimg verity format is told to make; the verbs of
// the peers do nothing.
func standIn(args []string) (exitCode int) {
	if args[0] != "verity" {
		return 0
	}
	made := []string{args[len(args)-1]}
	for _, arg := range args {
		if path, ok := strings.CutPrefix(arg, "--root-hash-file="); ok {
			made = append(made, path)
		}
	}
	for _, path := range made {
		if err := os.WriteFile(path, []byte("00\n"), 0o600); err != nil {
			return 1
		}
	}
	return 0
}

func writer(t *testing.T, text, path string) command {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return command{
		name: "writes " + text, args: []string{self, path}, env: []string{actAsCommand + "=" + text},
		outputs: []string{path}, same: "text",
	}
}

func TestJobMeasuresCommands(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out")
	first, second := writer(t, "a", path), writer(t, "a", path)
	second.peer, second.baseline = true, true
	rows, err := job{name: "writing", bytes: 1, commands: []command{first, second}}.measure(t.Context(), 2)
	if err != nil {
		t.Fatalf("measure: %v", err)
	}
	if len(rows) != 2 {
		t.Fatalf("measure: %d rows, want 2", len(rows))
	}
	for _, r := range rows {
		if r.WallSeconds <= 0 || r.CPUSeconds < 0 || r.GBPerSecond <= 0 || r.WallRatio <= 0 {
			t.Errorf("measure: %+v: want times and ratios", r)
		}
	}
}

func TestJobRefusesDifferentOutputs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out")
	j := job{name: "writing", bytes: 1, commands: []command{writer(t, "a", path), writer(t, "b", path)}}
	_, err := j.measure(t.Context(), 1)
	if err == nil || !strings.Contains(err.Error(), "writing: writes b: its output differs") {
		t.Errorf("measure with two outputs: got error %v", err)
	}
	j = job{name: "writing", bytes: 1, commands: []command{writer(t, "a", path)}, expected: map[string][]string{"text": {"another digest"}}}
	_, err = j.measure(t.Context(), 1)
	if err == nil || !strings.Contains(err.Error(), "writing: writes a: its output differs") {
		t.Errorf("measure with an output that is not the one expected: got error %v", err)
	}
}

// TestJobPreparesEveryTurn counts the turns of a job that allows three: each begins
// without the last one's output, after what is to be done before.
func TestJobPreparesEveryTurn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out")
	c, turns := writer(t, "a", path), 0
	c.before = func(context.Context) error {
		turns++
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("turn %d: the output of the turn before is there: %v", turns, err)
		}
		return nil
	}
	j := job{name: "writing", bytes: 1, turns: 3, commands: []command{c}}
	if _, err := j.measure(t.Context(), 7); err != nil || turns != 1+3 {
		t.Errorf("measure: %d turns, error %v; want one that does not count and three", turns, err)
	}
	failed := errors.New("no room")
	j.commands[0].before = func(context.Context) error { return failed }
	if _, err := j.measure(t.Context(), 1); !errors.Is(err, failed) {
		t.Errorf("measure when the preparation fails: got error %v, want %v", err, failed)
	}
}

func TestJobReportsWhatACommandSaid(t *testing.T) {
	t.Parallel()
	c := writer(t, "a", "")
	c.args, c.outputs = c.args[:1], nil
	_, err := job{name: "writing", commands: []command{c}}.measure(t.Context(), 1)
	if err == nil || !strings.Contains(err.Error(), "no file to write") {
		t.Errorf("measure of a failing command: got error %v, want its words", err)
	}
}

func TestJobStopsWhenCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "out")
	_, err := job{name: "writing", commands: []command{writer(t, "a", path)}}.measure(ctx, 1)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("measure when cancelled: got error %v, want %v", err, context.Canceled)
	}
}

func TestFilesAreMadeTheSameAndRemoved(t *testing.T) {
	t.Parallel()
	var sums [2]string
	for i := range sums {
		f, err := newFiles(&Options{Dir: t.TempDir(), Size: 2 * SizeUnit})
		if err != nil {
			t.Fatal(err)
		}
		path, err := f.random(t.Context(), "data", f.size)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := digestFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = string(sum)
		checkSize(t, path, f.size)
		f.removeAll(&err)
		if _, statErr := os.Stat(f.dir); err != nil || !errors.Is(statErr, os.ErrNotExist) {
			t.Errorf("removeAll: error %v, and Stat of the folder says %v", err, statErr)
		}
	}
	if sums[0] != sums[1] {
		t.Error("two files of the same size differ")
	}
}

func TestCopyFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	for _, size := range []int{0, 1, SizeUnit - 1, 2*SizeUnit + 7} { // to is longer or shorter than before
		content := testKey(size)
		if err := os.WriteFile(from, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := copyFile(t.Context(), to, from); err != nil {
			t.Fatalf("copyFile of %d bytes: %v", size, err)
		}
		if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, content) {
			t.Errorf("copyFile of %d bytes: got %d, error %v", size, len(got), err)
		}
	}
}

func checkSize(t *testing.T, path string, want int64) {
	t.Helper()
	file, err := volume.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got, err := file.Size(); err != nil || got != want {
		t.Errorf("size of %s: got %d, error %v, want %d", filepath.Base(path), got, err, want)
	}
}

// TestJobsWithoutAWorkingProgram runs the preparation with a program that is not
// there: the group is named, and no file is left.
func TestJobsWithoutAWorkingProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := Run(t.Context(), Options{
		Groups: []string{"verity"}, Program: filepath.Join(dir, "absent"), Size: SizeUnit, Dir: dir, Rounds: 1,
	})
	if err == nil || !strings.Contains(err.Error(), "group verity") {
		t.Errorf("Run with an absent program: got error %v, want one that names the group", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left in the folder: %v, error %v; want nothing", left, err)
	}
}
