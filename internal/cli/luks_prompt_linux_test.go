package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
	"github.com/dmimg/dmimg/internal/cli/clitest"
)

// atTerminal runs the program on a terminal on which lines are typed, and demands that all of them were asked for
// and none is shown.
func atTerminal(t *testing.T, lines []string, args ...string) result {
	t.Helper()
	tty, err := clitest.NewTerminal(lines...)
	if err != nil {
		if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
			t.Fatalf("pseudo terminals are required: %v", err)
		}
		t.Skipf("no pseudo terminals here: %v", err)
	}
	defer tty.Close()
	var stdout bytes.Buffer
	r := result{code: cli.Run(t.Context(), args, tty.TTY, &stdout, tty), stdout: stdout.String(), stderr: tty.Shown()}
	if tty.Left() > 0 {
		t.Errorf("dmimg %q: %d lines were not asked for: %s", args, tty.Left(), r.stderr)
	}
	for _, line := range lines {
		if line != "YES" && line != "" && strings.Contains(r.stdout+r.stderr, line) {
			t.Errorf("dmimg %q shows what was typed: %q", args, r.stdout+r.stderr)
		}
	}
	return r
}

// TestLUKSPrompts makes and changes an image with passphrases that are typed.
func TestLUKSPrompts(t *testing.T) {
	t.Parallel()
	image := filepath.Join(t.TempDir(), "image")
	cheap := []string{"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"}
	for _, step := range []struct {
		args  []string
		typed []string
		code  int
		says  string
	}{
		{append([]string{"format", image, "--size", "17M"}, cheap...), []string{"first word", "first worm"}, 1, "not the same the second time"},
		{append([]string{"format", image, "--size", "17M"}, cheap...), []string{"first word", "first word"}, 0, "Passphrase: \nThe same again: \n"},
		{[]string{"check", image}, []string{"first word"}, 0, "Passphrase: \n"},
		{append([]string{"add-key", image}, cheap...), []string{"wrong word"}, 4, "Existing passphrase: \n"},
		{append([]string{"add-key", image}, cheap...), []string{"first word", "other word", "other word"}, 0, "New passphrase: \nThe same again: \n"},
		{append([]string{"add-key", image}, cheap...), []string{"first word", ""}, 1, "the new passphrase is empty"},
		{append([]string{"change-key", image}, cheap...), []string{"other word", "third word", "third word"}, 0, "Passphrase to be changed: \nNew passphrase: \n"},
		{[]string{"kill-slot", image, "0"}, []string{"first word"}, 4, "Passphrase that remains: \n"},
		{[]string{"kill-slot", image, "0"}, []string{"third word"}, 0, "Passphrase that remains: \n"},
		{[]string{"remove-key", image}, []string{"third word"}, 1, "last key slot"},
		{[]string{"erase", image}, []string{"yes"}, 1, "nothing was changed"},
		{[]string{"check", image}, []string{"third word"}, 0, "Passphrase: \n"},
		{[]string{"erase", image}, []string{"YES"}, 0, "Go on? (type YES): "},
		{[]string{"check", image}, []string{"third word"}, 1, "no key slot is in use"},
	} {
		r := atTerminal(t, step.typed, append([]string{"luks"}, step.args...)...)
		if r.code != step.code || !strings.Contains(r.stderr, step.says) {
			t.Fatalf("dmimg luks %q: exit status %d, want %d with %q: %s", step.args, r.code, step.code, step.says, r.stderr)
		}
	}
}
