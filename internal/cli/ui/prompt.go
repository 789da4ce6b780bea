package ui

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// confirmation is the word that agrees to what cannot be undone, as with cryptsetup.
const confirmation = "YES"

// PromptPassphrase asks for a passphrase on the terminal, without showing it. The
// terminal is stdin if that is one, else the controlling terminal; without either
// it is wrong use. The caller wipes the result.
func PromptPassphrase(s Streams, prompt string) ([]byte, error) {
	tty, closeTTY, err := openTerminal(s)
	if err != nil {
		return nil, Hint(err, "give --passphrase-file or --key-file")
	}
	defer closeTTY()
	return readHidden(s, tty, prompt)
}

// PromptNewPassphrase asks for a passphrase that nothing can check, twice. One that is
// empty or not repeated is an error. The caller wipes the result.
func PromptNewPassphrase(s Streams, prompt string) ([]byte, error) {
	tty, closeTTY, err := openTerminal(s)
	if err != nil {
		return nil, err
	}
	defer closeTTY()
	pass, err := readHidden(s, tty, prompt)
	if err != nil {
		return nil, err
	}
	if len(pass) == 0 {
		return nil, Failf("the new passphrase is empty")
	}
	again, err := readHidden(s, tty, "The same again: ")
	defer Wipe(again)
	if err == nil && !bytes.Equal(pass, again) {
		err = Failf("the new passphrase was not the same the second time")
	}
	if err != nil {
		Wipe(pass)
		return nil, err
	}
	return pass, nil
}

// Confirm says on the terminal what cannot be undone, and asks for a YES. Without a terminal
// it is wrong use: scripts say --force. Any other answer is an error.
func Confirm(s Streams, what string) error {
	tty, closeTTY, err := openTerminal(s)
	if err != nil {
		return &Error{Code: ExitWrongUse, Hint: "--force does it without asking", Err: errors.New(what)}
	}
	defer closeTTY()
	fmt.Fprintf(s.Err, "%s\nGo on? (type %s): ", what, confirmation)
	answer, err := bufio.NewReader(tty).ReadString('\n')
	if err != nil {
		return Failf("reading the answer: %w", err)
	}
	if strings.TrimRight(answer, "\r\n") != confirmation {
		return Failf("nothing was changed: the answer was not %s", confirmation)
	}
	return nil
}

// openTerminal finds the terminal to ask on.
func openTerminal(s Streams) (tty *os.File, closeTTY func(), err error) {
	if f, ok := s.In.(*os.File); ok && isTerminal(f) {
		return f, func() {}, nil
	}
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, Usagef("there is no terminal to ask for the passphrase")
	}
	return f, func() { _ = f.Close() }, nil
}

// readHidden reads a line that is not shown.
func readHidden(s Streams, tty *os.File, prompt string) ([]byte, error) {
	fmt.Fprint(s.Err, prompt)
	pass, err := term.ReadPassword(int(tty.Fd()))
	fmt.Fprintln(s.Err)
	if err != nil {
		Wipe(pass)
		return nil, Failf("reading the passphrase: %w", err)
	}
	return pass, nil
}
