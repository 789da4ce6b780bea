package cli_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
)

// result is what one run of the program left.
type result struct {
	code           int
	stdout, stderr string
}

// dmimg runs the program in this process, with nothing on stdin.
func dmimg(t *testing.T, args ...string) result {
	t.Helper()
	return dmimgWith(t, strings.NewReader(""), args...)
}

func dmimgWith(t *testing.T, stdin io.Reader, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(t.Context(), args, stdin, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// mustRun runs the program and demands success.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	r := dmimg(t, args...)
	if r.code != 0 {
		t.Fatalf("dmimg %q: exit status %d, want 0\n%s", args, r.code, r.stderr)
	}
	return r.stdout
}

// need returns the path of a real tool, or skips the test; with
// DMIMG_TEST_REQUIRE=all a missing one is a failure.
func need(t *testing.T, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err == nil {
		return path
	}
	if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
		t.Fatalf("%s is required: %v", tool, err)
	}
	t.Skipf("%s is not installed", tool)
	return ""
}

func writeFile(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// filesIn lists the names in a folder, to show that nothing was left behind.
func filesIn(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
	var list []string
	for _, name := range append(names, hidden...) {
		list = append(list, filepath.Base(name))
	}
	return strings.Join(list, " ")
}
