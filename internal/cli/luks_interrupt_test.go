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

// TestLUKSFormatInterrupted stops a format whose costs are being measured, and demands that nothing is left.
func TestLUKSFormatInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pass := writeFile(t, filepath.Join(t.TempDir(), "pass"), []byte("pass"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // interrupt as soon as the image is begun
		for filesIn(t, dir) == "" && ctx.Err() == nil {
			runtime.Gosched()
		}
		cancel()
	}()
	var stdout, stderr bytes.Buffer
	code := cli.Run(ctx, []string{
		"luks", "format", filepath.Join(dir, "image"), "--size", "20M", "--key-file", pass, "--type", "luks1", "--iter-time", "60000",
	}, strings.NewReader(""), &stdout, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("exit status %d, stderr %q, want 1 and interrupted", code, stderr.String())
	}
	if files := filesIn(t, dir); files != "" {
		t.Errorf("left behind: %s", files)
	}
}

// TestLUKSEncryptInterrupted stops an encryption that waits for a silent pipe: the header is as it was, what was
// read is encrypted, and the same again mends it.
func TestLUKSEncryptInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	image, pass := filepath.Join(dir, "image"), writeFile(t, filepath.Join(dir, "pass"), []byte("pass"))
	mustRun(t, append([]string{"luks", "format", image, "--data-size", "8M", "--key-file", pass}, cheapSlot...)...)
	const header = 16 << 20
	before := readFile(t, image)
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	data := bytes.Repeat([]byte("what was read is there. "), 1<<18)
	go func() {
		_, _ = out.Write(data) // read ahead, then silence
		cancel()
	}()
	var stdout, stderr bytes.Buffer
	code := cli.Run(ctx, []string{"luks", "encrypt", "-", image, "--key-file", pass}, in, &stdout, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("exit status %d, stderr %q, want 1 and interrupted", code, stderr.String())
	}
	if !bytes.Equal(readFile(t, image)[:header], before[:header]) {
		t.Error("the header was changed")
	}
	plain := writeFile(t, filepath.Join(dir, "plain"), data)
	mustRun(t, "luks", "encrypt", plain, image, "--key-file", pass)
	got := filepath.Join(dir, "got")
	mustRun(t, "luks", "decrypt", image, got, "--key-file", pass)
	if !bytes.Equal(readFile(t, got)[:len(data)], data) {
		t.Error("it does not decrypt to what was encrypted")
	}
}

// TestLUKSReadOnly demands a clear error for an image that may not be changed.
func TestLUKSReadOnly(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root may change everything")
	}
	dir := t.TempDir()
	image, pass := filepath.Join(dir, "image"), writeFile(t, filepath.Join(dir, "pass"), []byte("pass"))
	mustRun(t, append([]string{"luks", "format", image, "--data-size", "1M", "--key-file", pass}, cheapSlot...)...)
	if err := os.Chmod(image, 0o400); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		append([]string{"add-key", image, "--key-file", pass, "--new-key-file", pass}, cheapSlot...),
		{"erase", image, "--force"},
		{"uuid", image, "--uuid", "random"},
		{"format", image, "--key-file", pass, "--force"},
		{"encrypt", pass, image, "--key-file", pass},
	} {
		r := dmimg(t, append([]string{"luks"}, args...)...)
		if r.code != 1 || !strings.Contains(r.stderr, image) || !strings.Contains(r.stderr, "permission denied") {
			t.Errorf("luks %s: exit status %d, stderr %q, want 1, the name and the reason", args[0], r.code, r.stderr)
		}
	}
}
