package dropin

import (
	"math"
	"strconv"
	"strings"
)

// valueKind says what an option takes.
type valueKind int

const (
	noValue  valueKind = iota
	text               // any word
	number32           // decimal, up to 32 bits
	number64           // decimal, up to 64 bits
)

// option is one option of a tool.
type option struct {
	long  string
	short byte // 0: none
	kind  valueKind
	value string // what the value is called in help
	help  string
	only  string // the actions that take it; "": all
	since string // compat28: the older form does not know it
	stops bool   // ends the reading of the command line: help, usage, version
}

// commandLine is a command line that was read.
type commandLine struct {
	values map[string]string // by long name; "" for an option without a value
	given  []option          // in order, repeated ones too
	words  []string          // the action and its arguments
	stop   string            // the option that ended the reading, or ""
}

func (c *commandLine) has(long string) bool {
	_, ok := c.values[long]
	return ok
}

// number is the value of an option that was read as a number, else def.
func (c *commandLine) number(long string, def uint64) uint64 {
	if !c.has(long) {
		return def
	}
	n, _ := parseNumber(c.values[long], number64)
	return n
}

// parsePopt reads args as the popt library does: options stand anywhere, "--" ends
// them, "-" is a word; a value is attached ("--salt=00", "-s00", "-s=00") or the next
// word, whatever that looks like; long names are never shortened. The last of repeated
// options counts. Errors are usage errors, the first one from the left.
func parsePopt(options []option, args []string) (*commandLine, error) {
	c := &commandLine{values: make(map[string]string)}
	for len(args) > 0 && c.stop == "" {
		word := args[0]
		args = args[1:]
		var err error
		switch {
		case word == "--":
			c.words = append(c.words, args...)
			return c, nil
		case strings.HasPrefix(word, "--"):
			args, err = c.long(options, word, args)
		case len(word) > 1 && word[0] == '-':
			args, err = c.short(options, word, args)
		default:
			c.words = append(c.words, word)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// long reads "--name" or "--name=value".
func (c *commandLine) long(options []option, word string, rest []string) ([]string, error) {
	name, value, attached := strings.Cut(strings.TrimPrefix(word, "--"), "=")
	for _, o := range options {
		if o.long == name && name != "" {
			return c.take(o, word, value, attached, rest)
		}
	}
	return nil, usagef("%s: unknown option", word)
}

// short reads "-v", "-vs 00", "-s00" or "-s=00".
func (c *commandLine) short(options []option, word string, rest []string) ([]string, error) {
	for letters := word[1:]; letters != "" && c.stop == ""; letters = letters[1:] {
		o, ok := shortOption(options, letters[0])
		if !ok {
			return nil, usagef("%s: unknown option", word)
		}
		tail := letters[1:]
		attached := tail != "" && (o.kind != noValue || tail[0] == '=')
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

func shortOption(options []option, letter byte) (option, bool) {
	for _, o := range options {
		if o.short == letter && letter != 0 {
			return o, true
		}
	}
	return option{}, false
}

// take notes an option, with the next word as its value if it needs one.
func (c *commandLine) take(o option, word, value string, attached bool, rest []string) ([]string, error) {
	switch {
	case o.kind == noValue && attached:
		return nil, usagef("%s: option does not take an argument", word)
	case o.kind != noValue && !attached && len(rest) == 0:
		return nil, usagef("%s: missing argument", word)
	case o.kind != noValue && !attached:
		value, rest = rest[0], rest[1:]
	}
	if o.kind == number32 || o.kind == number64 {
		if _, ok := parseNumber(value, o.kind); !ok {
			return nil, usagef("%s: invalid numeric value", word)
		}
	}
	if o.kind == noValue {
		value = "" // the letters that follow
	}
	c.values[o.long] = value
	c.given = append(c.given, o)
	if o.stops {
		c.stop = o.long
	}
	return rest, nil
}

// parseNumber reads a number as C's strtoull does in base 10: blanks and a sign may
// stand in front, and a negative number wraps around.
func parseNumber(s string, kind valueKind) (uint64, bool) {
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
	return n, kind != number32 || n <= math.MaxUint32
}
