package cryptsetup

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// maxTyped is the longest passphrase that is typed at a terminal, in bytes.
const maxTyped = 512

// terminal is stdin, if that is a terminal.
func (r *run) terminal() (*os.File, bool) {
	f, ok := r.In.(*os.File)
	return f, ok && ui.IsTerminal(f)
}

// screen is where someone at the terminal sees a prompt: stderr, unless that goes to a file.
func (r *run) screen(tty *os.File) io.Writer {
	if f, ok := r.Err.(*os.File); ok && !ui.IsTerminal(f) {
		return tty
	}
	return r.Err
}

// ask asks for a passphrase at a terminal, twice with verify. The caller wipes it.
func (r *run) ask(tty *os.File, prompt string, verify bool) ([]byte, error) {
	pass, err := r.typed(tty, prompt)
	if err != nil || !verify {
		return pass, err
	}
	again, err := r.typed(tty, "Verify passphrase: ")
	defer ui.Wipe(again)
	if err == nil && !bytes.Equal(pass, again) {
		err = exit.New(exit.Mismatch, ui.ExitWrongKey, "Passphrases do not match.")
	}
	if err != nil {
		ui.Wipe(pass)
		return nil, err
	}
	return pass, nil
}

// typed reads one line that is not shown. When the time is up or the run is interrupted the
// terminal is as it was before.
func (r *run) typed(tty *os.File, prompt string) ([]byte, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	errTerminal := exit.Failf("Error reading passphrase from terminal.")
	fd := int(tty.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return nil, errTerminal
	}
	screen := r.screen(tty)
	fmt.Fprint(screen, prompt)
	type answer struct {
		pass []byte
		err  error
	}
	typed := make(chan answer, 1)
	go func() {
		pass, err := term.ReadPassword(fd)
		typed <- answer{pass, err}
	}()
	var late <-chan time.Time
	if seconds := r.Number("timeout", 0); seconds > 0 {
		late = time.After(time.Duration(seconds) * time.Second)
	}
	select {
	case a := <-typed:
		fmt.Fprintln(screen)
		if a.err != nil || len(a.pass) > maxTyped {
			ui.Wipe(a.pass)
			return nil, errTerminal
		}
		return a.pass, nil
	case <-late:
		_ = term.Restore(fd, state) // the error is that of the time
		return nil, errTerminal
	case <-r.ctx.Done():
		_ = term.Restore(fd, state) // the error is that of the interruption
		return nil, r.ctx.Err()
	}
}

// confirm is confirmOr with an error about which nothing is printed.
func (r *run) confirm(what string) error { return r.confirmOr(what, refusal(exit.Mismatch, "")) }

// confirmOr asks whoever sits at a terminal before something is done that cannot be undone;
// what says what that is. Any answer but YES is the error no.
func (r *run) confirmOr(what string, no error) error {
	tty, ok := r.terminal()
	if !ok || r.Has("batch-mode") {
		return nil
	}
	r.printf("\nWARNING!\n========\n%s\n\nAre you sure? (Type 'yes' in capital letters): ", what)
	if answer, _ := bufio.NewReader(tty).ReadString('\n'); strings.TrimRight(answer, "\n") == "YES" {
		return nil // the end of input is no YES
	}
	return no
}
