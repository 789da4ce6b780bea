package tables

import (
	"errors"
	"fmt"
	"strings"
)

// Errors a caller may branch on. Every error of this package that concerns a
// table is a [*ParseError] that wraps one of them.
var (
	// ErrSyntax: the text is not a table line of its target: a word is missing,
	// left over or unknown, a number is not a plain decimal, a count does not
	// fit, or a struct holds something that no text can say.
	ErrSyntax = errors.New("syntax error")
	// ErrOverlap: the tables of one device do not start at 0, or leave a gap, or
	// overlap.
	ErrOverlap = errors.New("tables are not contiguous from 0")
	// ErrUnaligned: a byte count is not a multiple of the unit it is counted in.
	ErrUnaligned = errors.New("unaligned")
	// ErrInvalid: the words are well formed, but the kernel would refuse the
	// table: out of range, conflicting, or a target that must be alone.
	ErrInvalid = errors.New("invalid table")
)

// ParseError says where in a table text, or in a table struct, something is
// wrong. It serves both directions: reading text and writing it. It never
// repeats key material: words of targets that hold keys are shown only when
// they cannot be one.
type ParseError struct {
	Line   int    // line of the text, from 1; for Validate the place among its arguments; 0: not known
	Device string // name of the device, "" when there is none
	Target string // target name, "" when the error comes before it
	Field  string // what was being read: "start", "chunk size", an option's name
	Err    error  // cause; wraps ErrSyntax, ErrOverlap, ErrUnaligned or ErrInvalid, or is a reader's error
}

// Error gives one line: where, what, why.
func (e *ParseError) Error() string {
	var b strings.Builder
	b.WriteString("tables: ")
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Device != "" {
		fmt.Fprintf(&b, "device %s: ", quoteName(e.Device))
	}
	if e.Target != "" {
		fmt.Fprintf(&b, "%s: ", showTarget(e.Target))
	}
	if e.Field != "" {
		fmt.Fprintf(&b, "%s: ", e.Field)
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap gives the cause, so that errors.Is finds the sentinel.
func (e *ParseError) Unwrap() error { return e.Err }

// finding is what is wrong with one word. It is put into text by whoever knows
// the target, because some targets' words must not be shown.
type finding struct {
	kind  error  // sentinel
	found string // the word, shown by quoteWord
	want  string // "a decimal number"
}

func (f *finding) Error() string { return f.kind.Error() + ": want " + f.want }
func (f *finding) Unwrap() error { return f.kind }

// locate turns the cause of a failure into a ParseError, showing the word of a
// finding as far as the target allows.
func locate(target, field string, cause error) *ParseError {
	var f *finding
	if errors.As(cause, &f) {
		cause = fmt.Errorf("%w: found %s, want %s", f.kind, quoteWord(target, f.found), f.want)
	}
	return &ParseError{Target: target, Field: field, Err: cause}
}

// failf makes a ParseError whose text starts with the sentinel kind.
func failf(target, field string, kind error, format string, args ...any) *ParseError {
	return &ParseError{Target: target, Field: field, Err: fmt.Errorf("%w: "+format, append([]any{kind}, args...)...)}
}

// onLine gives err the line number and device name, when it is a ParseError
// that has none yet, and makes it one otherwise.
func onLine(err error, line int, device string) error {
	if err == nil {
		return nil
	}
	p, ok := err.(*ParseError)
	if !ok {
		return &ParseError{Line: line, Device: device, Err: err}
	}
	q := *p
	if q.Line == 0 {
		q.Line = line
	}
	if q.Device == "" {
		q.Device = device
	}
	return &q
}
