package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Exit statuses of the program. Scripts rely on them; they never change.
const (
	ExitOK       = 0 // done
	ExitFailed   = 1 // I/O error, unsupported, or not the format it was said to be
	ExitWrongUse = 2 // the command line is wrong
	ExitCorrupt  = 3 // the data is corrupt or does not authenticate
	ExitWrongKey = 4 // the passphrase or key is wrong
)

// Error is an error with what the user can do about it and, where the cause does
// not say so by itself, the exit status. Its text is that of Err.
type Error struct {
	Code int    // exit status; 0 means: ask the cause (see [ExitCode])
	Hint string // printed as a second line "hint: …"; may be empty
	Err  error  // the cause, never nil
}

// Error returns the text of the cause.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Failf makes an error that exits with [ExitFailed], whatever it wraps. %w works.
func Failf(format string, args ...any) error {
	return &Error{Code: ExitFailed, Err: fmt.Errorf(format, args...)}
}

// Usagef makes an error that exits with [ExitWrongUse]. %w works.
func Usagef(format string, args ...any) error {
	return &Error{Code: ExitWrongUse, Err: fmt.Errorf(format, args...)}
}

// Corruptf makes an error that exits with [ExitCorrupt]. %w works.
func Corruptf(format string, args ...any) error {
	return &Error{Code: ExitCorrupt, Err: fmt.Errorf(format, args...)}
}

// WrongKeyf makes an error that exits with [ExitWrongKey]. %w works.
func WrongKeyf(format string, args ...any) error {
	return &Error{Code: ExitWrongKey, Err: fmt.Errorf(format, args...)}
}

// Hint adds a hint to err and leaves its exit status as it is. A nil err stays nil.
func Hint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Hint: fmt.Sprintf(format, args...), Err: err}
}

// ExitCode returns the exit status for err: 0 for nil, the code of the outermost
// [Error] that has one, or else what the sentinel errors of our packages mean (see
// sentinels.go).
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	if e := outermost(err, func(e *Error) bool { return e.Code != ExitOK }); e != nil {
		return e.Code
	}
	return sentinelCode(err)
}

// Report writes err to w as "dmimg: text" and, if it carries hints, one "hint: …"
// line for the outermost of them. An interrupted context is reported as "interrupted".
func Report(w io.Writer, err error) {
	if err == nil {
		return
	}
	text := err.Error()
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintf(w, "dmimg: %s\n", line)
	}
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(w, "hint: %s\n", hint)
	}
}

// Warnf writes one line "dmimg: warning: …" to w.
func Warnf(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, "dmimg: warning: "+format+"\n", args...)
}

func hintOf(err error) string {
	if e := outermost(err, func(e *Error) bool { return e.Hint != "" }); e != nil {
		return e.Hint
	}
	return ""
}

// outermost walks err and what it wraps, joined errors one after the other, to the
// first Error that is wanted.
func outermost(err error, wanted func(*Error) bool) *Error {
	for err != nil {
		if e, ok := err.(*Error); ok && wanted(e) {
			return e
		}
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, part := range joined.Unwrap() {
				if e := outermost(part, wanted); e != nil {
					return e
				}
			}
			return nil
		}
		err = errors.Unwrap(err)
	}
	return nil
}
