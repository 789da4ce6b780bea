// Package popt reads command lines as the popt library does and prints usage and help:
// the grammar that the reference tools but dmsetup share.
//
//	line, err := popt.Parse(options, os.Args[1:])
//	if err == nil && line.Has("salt") { … line.Values["salt"] … }
//
// It follows popt(3) and what the tools answer; callbacks, aliases and the files in which
// popt looks for them are left out.
package popt

import (
	"math"
	"strconv"
	"strings"
)

// Kind says what an option takes.
type Kind int

// Kinds of options. Numbers are decimal.
const (
	NoValue  Kind = iota
	Text          // any word
	Number32      // without sign, up to 32 bits
	Number64      // without sign, up to 64 bits
	Int32         // with sign, up to 32 bits
)

// Option is one option of a tool.
type Option struct {
	Long  string
	Short byte // 0: none
	Kind  Kind
	Value string // what the value is called in help
	Help  string
	Only  string // the actions that take it, for the tool to check; "": all
	Since string // the version that brought it, for the tool to check; "": all have it
	Stops bool   // ends the reading of the command line: help, usage, version
}

// Line is a command line that was read.
type Line struct {
	Values map[string]string // by long name; "" for an option without a value
	Given  []Option          // in order, repeated ones too
	Words  []string          // the action and its arguments
	Stop   string            // the option that ended the reading, or ""
}

// Has reports whether the option of that long name was given.
func (c *Line) Has(long string) bool {
	_, ok := c.Values[long]
	return ok
}

// Number is the value of an option without sign, def if it was not given.
func (c *Line) Number(long string, def uint64) uint64 {
	if !c.Has(long) {
		return def
	}
	n, _ := parseNumber(c.Values[long], Number64)
	return n
}

// Int is the value of an option with sign, def if it was not given.
func (c *Line) Int(long string, def int) int {
	if !c.Has(long) {
		return def
	}
	n, _ := parseInt(c.Values[long])
	return n
}

// Error is a word that is not understood.
type Error struct {
	Word string // as it stands on the command line
	What string // what is wrong with it, in popt's words
}

// Error returns popt's line.
func (e *Error) Error() string { return e.Word + ": " + e.What }

// ErrNumber is what [Error].What is for a value that is no number of its kind.
const ErrNumber = "invalid numeric value"

// Parse reads args as the popt library does: options stand anywhere, "--" ends
// them, "-" is a word; a value is attached ("--salt=00", "-s00", "-s=00") or the next
// word, whatever that looks like; long names are never shortened. The last of repeated
// options counts. Errors are [Error], the first one from the left.
func Parse(options []Option, args []string) (*Line, error) {
	c := &Line{Values: make(map[string]string)}
	for len(args) > 0 && c.Stop == "" {
		word := args[0]
		args = args[1:]
		var err error
		switch {
		case word == "--":
			c.Words = append(c.Words, args...)
			return c, nil
		case strings.HasPrefix(word, "--"):
			args, err = c.long(options, word, args)
		case len(word) > 1 && word[0] == '-':
			args, err = c.short(options, word, args)
		default:
			c.Words = append(c.Words, word)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// long reads "--name" or "--name=value".
func (c *Line) long(options []Option, word string, rest []string) ([]string, error) {
	name, value, attached := strings.Cut(strings.TrimPrefix(word, "--"), "=")
	for _, o := range options {
		if o.Long == name && name != "" {
			return c.take(o, word, value, attached, rest)
		}
	}
	return nil, &Error{word, "unknown option"}
}

// short reads "-v", "-vs 00", "-s00" or "-s=00".
func (c *Line) short(options []Option, word string, rest []string) ([]string, error) {
	for letters := word[1:]; letters != "" && c.Stop == ""; letters = letters[1:] {
		o, ok := shortOption(options, letters[0])
		if !ok {
			return nil, &Error{word, "unknown option"}
		}
		tail := letters[1:]
		attached := tail != "" && (o.Kind != NoValue || tail[0] == '=')
		var err error
		if rest, err = c.take(o, word, strings.TrimPrefix(tail, "="), attached, rest); err != nil {
			return nil, err
		}
		if attached {
			break
		}
	}
	return rest, nil
}

func shortOption(options []Option, letter byte) (Option, bool) {
	for _, o := range options {
		if o.Short == letter && letter != 0 {
			return o, true
		}
	}
	return Option{}, false
}

// take notes an option, with the next word as its value if it needs one.
func (c *Line) take(o Option, word, value string, attached bool, rest []string) ([]string, error) {
	switch {
	case o.Kind == NoValue && attached:
		return nil, &Error{word, "option does not take an argument"}
	case o.Kind != NoValue && !attached && len(rest) == 0:
		return nil, &Error{word, "missing argument"}
	case o.Kind != NoValue && !attached:
		value, rest = rest[0], rest[1:]
	}
	if !o.Kind.holds(value) {
		return nil, &Error{word, ErrNumber}
	}
	if o.Kind == NoValue {
		value = "" // the letters that follow
	}
	c.Values[o.Long] = value
	c.Given = append(c.Given, o)
	if o.Stops {
		c.Stop = o.Long
	}
	return rest, nil
}

// holds reports whether value is one of the kind.
func (k Kind) holds(value string) (ok bool) {
	switch k {
	case Number32, Number64:
		_, ok = parseNumber(value, k)
	case Int32:
		_, ok = parseInt(value)
	default:
		ok = true
	}
	return ok
}

// parseInt reads a number as C's strtoll does in base 10.
func parseInt(s string) (int, bool) {
	n, err := strconv.ParseInt(strings.TrimLeft(s, " \t\n\v\f\r"), 10, 32)
	return int(n), err == nil
}

// parseNumber reads a number as C's strtoull does in base 10: blanks and a sign may
// stand in front, and a negative number wraps around.
func parseNumber(s string, kind Kind) (uint64, bool) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	digits, negative := strings.CutPrefix(s, "-")
	if !negative {
		digits = strings.TrimPrefix(s, "+")
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, kind != Number32 || n <= math.MaxUint32
}
