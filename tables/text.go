package tables

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxLine is the longest line of table text, in bytes; maxWritten is the
// longest that is written, which leaves room for a device name.
const (
	maxLine    = 1 << 20
	maxWritten = maxLine - 256
)

// Parse reads table text as dmsetup prints and takes it: a table a line,
//
//	start length target args…
//
// with blank lines and lines that start with # left out. A "name: " in front
// is accepted when all lines have the same; [ParseDevices] reads text of
// several devices and the other forms. What the kernel prints reads back to the
// same words; white space at the end of a line is not kept.
//
// Errors are [*ParseError] with the line number. Lines longer than 1 MiB are
// refused. The order is that of the text; [Validate] checks the whole.
func Parse(r io.Reader) ([]Table, error) {
	ds, err := parseText(newScanner(r))
	if err != nil {
		return nil, err
	}
	switch len(ds) {
	case 0:
		return nil, nil
	case 1:
		return ds[0].Tables, nil
	}
	return nil, failf("", "", ErrSyntax, "the text has tables of %d devices, want one", len(ds))
}

// Format writes tables as text, one a line, in the order given. Keys are
// written: the text is for dmsetup. Nothing is checked beyond single tables; see
// [Validate].
func Format(w io.Writer, ts ...Table) error {
	bw := bufio.NewWriter(w)
	for i, t := range ts {
		text, err := formatLine(t)
		if err != nil {
			return onLine(err, i+1, "")
		}
		bw.WriteString(text) // Flush returns a failure
		bw.WriteByte('\n')
	}
	return bw.Flush()
}

// formatLine is the line of t without the newline.
func formatLine(t Table) (string, error) {
	l, err := LineOf(t)
	if err != nil {
		return "", err
	}
	if strings.IndexByte(l.Params, '\n') >= 0 {
		return "", failf(l.Target, "", ErrSyntax, "a word with a newline cannot be written as a line")
	}
	text := l.text()
	if len(text) > maxWritten {
		return "", failf(l.Target, "", ErrSyntax, "the line would have %d bytes, the limit is %d", len(text), maxWritten)
	}
	return text, nil
}

// scanner reads the significant lines of a text.
type scanner struct {
	s     *bufio.Scanner
	line  int    // number of the current line, from 1
	text  string // current line
	again bool   // next gives the current line once more
}

func newScanner(r io.Reader) *scanner {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	s.Split(splitNewline)
	return &scanner{s: s}
}

// splitNewline is a bufio.SplitFunc for lines that leaves carriage returns
// alone: one may be escaped.
func splitNewline(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// next moves to the next line that is neither blank nor a comment.
func (s *scanner) next() bool {
	if s.again {
		s.again = false
		return true
	}
	for s.s.Scan() {
		s.line++
		s.text = s.s.Text()
		if rest := strings.TrimLeft(s.text, " \t\v\f\r"); rest != "" && rest[0] != '#' {
			return true
		}
	}
	return false
}

// err is why next returned false.
func (s *scanner) err() error {
	err := s.s.Err()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bufio.ErrTooLong):
		err = fmt.Errorf("%w: the line is longer than %d bytes", ErrSyntax, maxLine)
	default:
		err = fmt.Errorf("reading the text: %w", err)
	}
	return &ParseError{Line: s.line + 1, Err: err}
}

// parseText reads table text, grouping lines by device name.
func parseText(s *scanner) ([]Device, error) {
	groups, err := groupLines(s, parseTableText)
	if err != nil {
		return nil, err
	}
	var ds []Device
	for _, g := range groups {
		ds = append(ds, Device{Name: g.name, Tables: g.entries})
	}
	return ds, nil
}

// group is what the lines of one device are read into.
type group[T any] struct {
	name    string
	entries []T
}

// groupLines reads lines with or without a device name in front, grouping them
// by name.
func groupLines[T any](s *scanner, parse func(text string) (T, error)) ([]group[T], error) {
	var gs []group[T]
	index := make(map[string]int)
	for s.next() {
		name, rest, named := cutName(s.text)
		if named {
			if err := checkName(name); err != nil {
				return nil, &ParseError{Line: s.line, Device: name, Err: err}
			}
		}
		i, seen := index[name]
		if !seen {
			if len(gs) > 0 && (!named || gs[0].name == "") {
				return nil, failAt(s.line, "some lines have a device name in front and this or the first has none")
			}
			i = len(gs)
			index[name] = i
			gs = append(gs, group[T]{name: name})
		}
		if named && trimSpace(rest) == "" {
			continue // a device without a table
		}
		entry, err := parse(rest)
		if err != nil {
			return nil, onLine(err, s.line, name)
		}
		gs[i].entries = append(gs[i].entries, entry)
	}
	return gs, s.err()
}

func failAt(line int, text string) error {
	return &ParseError{Line: line, Err: fmt.Errorf("%w: %s", ErrSyntax, text)}
}

// parseTableText reads one table without a name in front.
func parseTableText(text string) (Table, error) {
	l, err := cutLine(text)
	if err != nil {
		return nil, err
	}
	l.Params = trimSpace(l.Params)
	return l.Table()
}

// cutLine takes start, length and target off a line; Params is the rest as it
// stands.
func cutLine(text string) (Line, error) {
	start, rest := cutWord(text)
	length, rest := cutWord(rest)
	target, params := cutWord(rest)
	l := Line{Target: target, Params: params}
	var err error
	if l.Start, err = parseNumber(start); err != nil {
		return Line{}, locate("", "start", err)
	}
	if length == "" {
		return Line{}, failf("", "length", ErrSyntax, "the line ends before it, want start, length, target and arguments")
	}
	if l.Length, err = parseNumber(length); err != nil {
		return Line{}, locate("", "length", err)
	}
	return l, nil
}

// cutWord takes the first word off s; backslashes mean nothing here.
func cutWord(s string) (word, rest string) {
	i := 0
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	end := i
	for end < len(s) && !isSpace(s[end]) {
		end++
	}
	return s[i:end], s[end:]
}

// cutName takes "name: " off a line. A name may hold anything but /, so the
// first colon counts that a table follows: two numbers and a word, or, after a
// name without white space, nothing at all. dmsetup writes unusual characters
// as \xNN; the name stays as it is written.
func cutName(text string) (name, rest string, named bool) {
	if startsTable(text) {
		return "", text, false
	}
	text = strings.TrimLeft(text, " \t\v\f\r")
	for i := 0; i < len(text); i++ {
		if text[i] == ':' && i+1 < len(text) && isSpace(text[i+1]) && startsTable(text[i+1:]) {
			return text[:i], text[i+1:], true
		}
	}
	first, after := cutWord(text)
	if name, ok := strings.CutSuffix(first, ":"); ok && (hexRun(name) < anyKeyRun || trimSpace(after) == "") {
		return name, after, true // a malformed table, whose error is to show the name, or none
	}
	return "", text, false
}

// startsTable says whether s begins with two numbers and a word.
func startsTable(s string) bool {
	for range 2 {
		i := 0
		for i < len(s) && isSpace(s[i]) {
			i++
		}
		end := i
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		if end == i || end == len(s) || !isSpace(s[end]) {
			return false
		}
		s = s[end:]
	}
	for i := 0; i < len(s); i++ {
		if !isSpace(s[i]) {
			return true
		}
	}
	return false
}
