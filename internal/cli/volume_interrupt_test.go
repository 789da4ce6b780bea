package cli_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
)

// bigCrypt makes a sparse image of a GiB and the table that decrypts it: work that does not end by itself
// before it is interrupted.
func bigCrypt(t *testing.T) (table string) {
	t.Helper()
	dir := t.TempDir()
	image := writeFile(t, filepath.Join(dir, "image"), nil)
	const size = 1 << 30
	if err := os.Truncate(image, size); err != nil {
		t.Fatal(err)
	}
	line := "0 2097152 crypt aes-xts-plain64 " + strings.Repeat("42", 32) + " 0 " + image + " 0\n"
	return writeFile(t, filepath.Join(dir, "table"), []byte(line))
}

// TestVolumeReadInterrupted stops a read in the middle, and demands that nothing of OUT is left.
func TestVolumeReadInterrupted(t *testing.T) {
	t.Parallel()
	table, dir := bigCrypt(t), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // interrupt as soon as the output is being written
		for filesIn(t, dir) == "" && ctx.Err() == nil {
			runtime.Gosched()
		}
		cancel()
	}()
	var stdout, stderr bytes.Buffer
	code := cli.Run(ctx, []string{"volume", "read", "--table", table, filepath.Join(dir, "out")}, strings.NewReader(""), &stdout, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "interrupted") || stdout.Len() > 0 {
		t.Errorf("exit status %d, stderr %q, want 1 and interrupted", code, stderr.String())
	}
	if files := filesIn(t, dir); files != "" {
		t.Errorf("left behind: %s", files)
	}
}

// cancelling is a writer that interrupts at its first byte.
type cancelling struct {
	cancel func()
	n      int64
}

func (w *cancelling) Write(p []byte) (int, error) {
	w.cancel()
	w.n += int64(len(p))
	return len(p), nil
}

// TestVolumeReadInterruptedPipe stops a read to standard output.
func TestVolumeReadInterruptedPipe(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdout := &cancelling{cancel: cancel}
	var stderr bytes.Buffer
	code := cli.Run(ctx, []string{"volume", "read", "--table", bigCrypt(t)}, strings.NewReader(""), stdout, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("exit status %d, stderr %q, want 1 and interrupted", code, stderr.String())
	}
	if stdout.n >= 1<<30 {
		t.Errorf("all %d bytes were written after the interruption", stdout.n)
	}
}

// TestVolumeWriteInterrupted stops a write that waits for a silent pipe.
func TestVolumeWriteInterrupted(t *testing.T) {
	t.Parallel()
	table := bigCrypt(t)
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = out.Write(make([]byte, 1<<20)) // read ahead, then silence
		cancel()
	}()
	var stdout, stderr bytes.Buffer
	code := cli.Run(ctx, []string{"volume", "write", "--table", table, "-"}, in, &stdout, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("exit status %d, stderr %q, want 1 and interrupted", code, stderr.String())
	}
}

// TestVolumeReadFullDisk demands exit status 1 when the output cannot be written.
func TestVolumeReadFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full here")
	}
	r := dmimg(t, "volume", "read", "--table", bigCrypt(t), "/dev/full")
	if r.code != 1 || !strings.Contains(r.stderr, "no space left") {
		t.Errorf("exit status %d, stderr %q, want 1 and no space left", r.code, r.stderr)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	var stderr bytes.Buffer
	code := cli.Run(t.Context(), []string{"volume", "read", "--table", bigCrypt(t)}, strings.NewReader(""), full, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("to stdout: exit status %d, stderr %q, want 1 and no space left", code, stderr.String())
	}
}
