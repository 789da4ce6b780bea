package cli_test

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
)

// interruptible are command lines that read standard input and write files in DIR,
// where a file old exists.
var interruptible = map[string][]string{
	"verity format":                {"verity", "format", "-", "DIR/hash", "--root-hash-file", "DIR/root"},
	"verity format over a file":    {"verity", "format", "-", "DIR/old", "--force"},
	"verity format into a file":    {"verity", "format", "-", "DIR/old", "--force", "--hash-offset", "4K"},
	"crypt decrypt":                {"crypt", "decrypt", "-", "DIR/out", "--volume-key-file", "DIR/key"},
	"crypt encrypt over a file":    {"crypt", "encrypt", "-", "DIR/old", "--volume-key-file", "DIR/key", "--force"},
	"crypt encrypt into a file":    {"crypt", "encrypt", "-", "DIR/old", "--volume-key-file", "DIR/key", "--force", "--offset", "4K"},
	"verity format, quiet stream":  {"verity", "format", "-", "DIR/hash"},
	"verity format, one file only": {"verity", "format", "-", "DIR/hash", "--no-superblock"},
}

// TestInterruptedInTheMiddle cancels the program while it waits for more of a stream
// of which it has read megabytes.
func TestInterruptedInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, args := range interruptible {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, args := interruptDir(t, args)
			stdin, feed := io.Pipe()
			defer feed.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				_, _ = feed.Write(make([]byte, 9<<20)) // returns when all of it was read
				cancel()
			}()
			checkInterrupted(t, ctx, dir, stdin, args)
		})
	}
}

// TestInterruptedWithFiles cancels the program before it reads the first block.
func TestInterruptedWithFiles(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"verity format":          {"verity", "format", "DIR/old", "DIR/hash", "--fec-device", "DIR/fec", "--root-hash-file", "DIR/root"},
		"verity format in place": {"verity", "format", "DIR/old", "DIR/old", "--hash-offset", "4K", "--data-blocks", "1"},
		"crypt decrypt":          {"crypt", "decrypt", "DIR/old", "DIR/out", "--volume-key-file", "DIR/key"},
		"crypt decrypt to pipe":  {"crypt", "decrypt", "DIR/old", "-", "--volume-key-file", "DIR/key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, args := interruptDir(t, args)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			checkInterrupted(t, ctx, dir, strings.NewReader(""), args)
		})
	}
}

var oldContent = bytes.Repeat([]byte("precious"), 2048)

// interruptDir makes the folder and puts its name into args.
func interruptDir(t *testing.T, args []string) (string, []string) {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "old"), oldContent)
	writeFile(t, filepath.Join(dir, "key"), bytes.Repeat([]byte("0123456789abcdef"), 4))
	var words []string
	for _, a := range args {
		words = append(words, strings.Replace(a, "DIR/", dir+string(filepath.Separator), 1))
	}
	return dir, words
}

func checkInterrupted(t *testing.T, ctx context.Context, dir string, stdin io.Reader, args []string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(ctx, args, stdin, &stdout, &stderr)
	if code != 1 || stderr.String() != "dmimg: interrupted\n" {
		t.Errorf("%q: exit status %d, stderr %q, want 1 and interrupted", args, code, stderr.String())
	}
	if got := filesIn(t, dir); got != "key old" {
		t.Errorf("%q: the folder holds %q, want key old", args, got)
	}
	if !bytes.Equal(readFile(t, filepath.Join(dir, "old")), oldContent) {
		t.Errorf("%q: the old file was changed", args)
	}
}
