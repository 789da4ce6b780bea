package lab

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Sentinels for errors.Is.
var (
	// ErrMissing reports that this machine lacks something that the lab needs.
	ErrMissing = errors.New("something that the lab needs is missing")
	// ErrCrash reports that the guest ended before its commands did.
	ErrCrash = errors.New("the guest ended early")
	// ErrTimeout reports that the guest took too long.
	ErrTimeout = errors.New("the guest took too long")
)

// MissingError names what this machine lacks and how to get it.
type MissingError struct {
	// What are programs, packages or properties of the machine.
	What []string
	// How says what to do about it, "" if nothing can be done.
	How string
}

func (e *MissingError) Error() string {
	text := "missing: " + strings.Join(e.What, ", ")
	if e.How != "" {
		text += ": " + e.How
	}
	return text
}

// Is makes it an ErrMissing.
func (e *MissingError) Is(target error) bool { return target == ErrMissing }

// CrashError reports a guest that ended before its commands did.
type CrashError struct {
	// Reason is the panic or oops from the kernel's log, or the end of the log.
	Reason string
	// QEMU is what QEMU said, "" if nothing.
	QEMU string
	// Output is what the commands had written.
	Output []byte
}

func (e *CrashError) Error() string {
	text := ErrCrash.Error() + ":\n" + e.Reason
	if e.QEMU != "" {
		text += "\nQEMU says: " + e.QEMU
	}
	return text + lastOutput(e.Output)
}

// lastOutput quotes the end of what commands wrote, without marks.
func lastOutput(output []byte) string {
	text := strings.TrimSpace(strings.NewReplacer(testMark, "", "\x1e", "").Replace(string(output)))
	if text == "" {
		return ""
	}
	return "\nthe end of the commands' output:\n" + lastLines(text, 30)
}

// Is makes it an ErrCrash.
func (e *CrashError) Is(target error) bool { return target == ErrCrash }

// TimeoutError reports a guest that was ended because of the time it took.
type TimeoutError struct {
	// After is the time that it had.
	After time.Duration
	// Command is the path of the one that was running, "" while booting.
	Command string
	// Console is the end of the kernel's log.
	Console string
	// Output is what the commands had written.
	Output []byte
}

func (e *TimeoutError) Error() string {
	at := "while booting"
	if e.Command != "" {
		at = "while " + e.Command + " was running"
	}
	return fmt.Sprintf("%v: ended after %v %s; the end of its log:\n%s", ErrTimeout, e.After, at, strings.TrimSpace(e.Console)) +
		lastOutput(e.Output)
}

// Is makes it an ErrTimeout.
func (e *TimeoutError) Is(target error) bool { return target == ErrTimeout }
