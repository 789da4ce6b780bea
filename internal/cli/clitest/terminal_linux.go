package clitest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Terminal is a pseudo terminal with somebody at it: TTY is for the program's standard
// input, the Terminal itself for its standard error. At every prompt, which ends with ": ",
// the next line is typed.
type Terminal struct {
	TTY *os.File

	keyboard *os.File
	mu       sync.Mutex
	lines    []string
	shown    bytes.Buffer
}

// NewTerminal opens a pseudo terminal on which lines will be typed.
func NewTerminal(lines ...string) (*Terminal, error) {
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	t := &Terminal{keyboard: keyboard, lines: lines}
	err = unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0)
	n := 0
	if err == nil {
		n, err = unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	}
	if err == nil {
		t.TTY, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, errors.Join(err, keyboard.Close())
	}
	return t, nil
}

// Write shows p, and types the next line if p asks for it.
func (t *Terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if strings.HasSuffix(string(p), ": ") && len(t.lines) > 0 {
		if _, err := t.keyboard.WriteString(t.lines[0] + "\n"); err != nil {
			return 0, err
		}
		t.lines = t.lines[1:]
	}
	return t.shown.Write(p)
}

// Shown is what was written up to now.
func (t *Terminal) Shown() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.shown.String()
}

// Left is how many lines were not typed yet.
func (t *Terminal) Left() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.lines)
}

// Close closes both ends.
func (t *Terminal) Close() error { return errors.Join(t.TTY.Close(), t.keyboard.Close()) }
