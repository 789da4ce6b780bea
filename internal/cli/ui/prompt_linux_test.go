package ui

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal: what is written to keyboard is typed on tty.
func terminal(t *testing.T) (keyboard, tty *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		lacking(t, err)
	}
	t.Cleanup(func() { keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		lacking(t, err)
	}
	t.Cleanup(func() { tty.Close() })
	return keyboard, tty
}

// lacking skips a test that needs a terminal.
func lacking(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
		t.Fatalf("pseudo terminals are required: %v", err)
	}
	t.Skipf("no pseudo terminals here: %v", err)
}

// asked is a stderr that types the next line at every prompt.
type asked struct {
	bytes.Buffer
	keyboard *os.File
	lines    []string
}

func (a *asked) Write(p []byte) (int, error) {
	if strings.HasSuffix(string(p), ": ") && len(a.lines) > 0 {
		if _, err := a.keyboard.WriteString(a.lines[0] + "\n"); err != nil {
			return 0, err
		}
		a.lines = a.lines[1:]
	}
	return a.Buffer.Write(p)
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
			keyboard, tty := terminal(t)
			stderr := &asked{keyboard: keyboard, lines: c.typed}
			got, err := c.ask(Streams{In: tty, Err: stderr})
			if string(got) != c.want || ExitCode(err) != c.code {
				t.Errorf("got %q, %v, want %q, exit status %d", got, err, c.want, c.code)
			}
			if stderr.String() != c.asks {
				t.Errorf("asked %q, want %q", stderr.String(), c.asks)
			}
			if err != nil && c.typed[0] != "" && strings.Contains(err.Error(), c.typed[0]) {
				t.Errorf("the error shows what was typed: %v", err)
			}
		})
	}
}
