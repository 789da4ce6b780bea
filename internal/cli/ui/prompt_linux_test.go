package ui

import (
	"os"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli/clitest"
)

// terminal is one on which lines are typed.
func terminal(t *testing.T, lines ...string) *clitest.Terminal {
	t.Helper()
	tty, err := clitest.NewTerminal(lines...)
	if err != nil {
		if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
			t.Fatalf("pseudo terminals are required: %v", err)
		}
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { tty.Close() })
	return tty
}

func TestPrompts(t *testing.T) {
	t.Parallel()
	once := func(s Streams) ([]byte, error) { return PromptPassphrase(s, "Passphrase: ") }
	twice := func(s Streams) ([]byte, error) { return PromptNewPassphrase(s, "New passphrase: ") }
	confirm := func(s Streams) ([]byte, error) { return nil, Confirm(s, "all is lost") }
	for name, c := range map[string]struct {
		ask   func(Streams) ([]byte, error)
		typed []string
		want  string
		code  int
		asks  string
	}{
		"a passphrase":          {once, []string{"p w"}, "p w", 0, "Passphrase: \n"},
		"an empty one":          {once, []string{""}, "", 0, "Passphrase: \n"},
		"a new one":             {twice, []string{"n w", "n w"}, "n w", 0, "New passphrase: \nThe same again: \n"},
		"two that differ":       {twice, []string{"n w", "n v"}, "", 1, "New passphrase: \nThe same again: \n"},
		"a new one, empty":      {twice, []string{""}, "", 1, "New passphrase: \n"},
		"agreed":                {confirm, []string{"YES"}, "", 0, "all is lost\nGo on? (type YES): "},
		"agreed half-heartedly": {confirm, []string{"yes"}, "", 1, "all is lost\nGo on? (type YES): "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tty := terminal(t, c.typed...)
			got, err := c.ask(Streams{In: tty.TTY, Err: tty})
			if string(got) != c.want || ExitCode(err) != c.code {
				t.Errorf("got %q, %v, want %q, exit status %d", got, err, c.want, c.code)
			}
			if tty.Shown() != c.asks {
				t.Errorf("asked %q, want %q", tty.Shown(), c.asks)
			}
			if err != nil && c.typed[0] != "" && strings.Contains(err.Error(), c.typed[0]) {
				t.Errorf("the error shows what was typed: %v", err)
			}
		})
	}
}
