package tables

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// maxTargetName is the longest target name that fits the kernel's 16-byte
// field, in bytes.
const maxTargetName = 15

// Line is a table in the units and words of the kernel: what table text and
// the ioctl share. Start and Length are 512-byte sectors. Params may hold keys;
// printed with fmt they are masked.
type Line struct {
	Start, Length  uint64
	Target, Params string
}

// LineOf translates t. Byte values that are no multiple of 512, missing words
// and unknown options are a [*ParseError]; rules that concern the table as a
// whole are left to [Validate]. Keys are in the result: that is its purpose.
func LineOf(t Table) (Line, error) {
	if t = Unwrap(t); t == nil {
		return Line{}, failf("", "", ErrSyntax, "no table (nil)")
	}
	target := t.targetType()
	if err := checkTargetName(target); err != nil {
		return Line{}, locate("", "target", err)
	}
	start, length := t.start(), t.length()
	if start%SectorSize != 0 {
		return Line{}, failf(target, "start", ErrUnaligned, "%d bytes are not a multiple of %d", start, SectorSize)
	}
	if length%SectorSize != 0 {
		return Line{}, failf(target, "length", ErrUnaligned, "%d bytes are not a multiple of %d", length, SectorSize)
	}
	params, err := t.params()
	if err != nil {
		return Line{}, err
	}
	return Line{Start: start / SectorSize, Length: length / SectorSize, Target: target, Params: params}, nil
}

// Table translates l into the struct of its target, or a [RawTable] when the
// target is not known. Errors are [*ParseError] without a line number.
func (l Line) Table() (Table, error) {
	if err := checkTargetName(l.Target); err != nil {
		return nil, locate("", "target", err)
	}
	start, ok := multiply(l.Start, SectorSize)
	if !ok {
		return nil, failf(l.Target, "start", ErrSyntax, "%d sectors are more than 2^64 bytes", l.Start)
	}
	length, ok := multiply(l.Length, SectorSize)
	if !ok {
		return nil, failf(l.Target, "length", ErrSyntax, "%d sectors are more than 2^64 bytes", l.Length)
	}
	tgt, known := lookup(l.Target)
	if !known {
		return parseRaw(l, start, length)
	}
	words, err := splitWords(l.Params)
	if err != nil {
		return nil, locate(l.Target, "", err)
	}
	r := &reader{target: l.Target, words: words}
	t := tgt.parse(start, length, r)
	r.end()
	if r.err != nil {
		return nil, r.err
	}
	return t, nil
}

// checkTargetName refuses names that no table text can hold.
func checkTargetName(name string) error {
	if name == "" {
		return fmt.Errorf("%w: the target name is missing", ErrSyntax)
	}
	if len(name) > maxTargetName {
		return &finding{ErrSyntax, name, "a target name of at most " + strconv.Itoa(maxTargetName) + " bytes"}
	}
	for i := 0; i < len(name); i++ {
		if isSpace(name[i]) || name[i] == 0 {
			return &finding{ErrSyntax, name, "a target name without white space and NUL"}
		}
	}
	return nil
}

// text is the table line with its keys.
func (l Line) text() string {
	s := strconv.FormatUint(l.Start, 10) + " " + strconv.FormatUint(l.Length, 10) + " " + l.Target
	if l.Params != "" {
		s += " " + l.Params
	}
	return s
}

func (l Line) masked() Line {
	l.Params = maskParams(l.Target, l.Params)
	return l
}

// String is the table line as dmsetup prints it, keys replaced by zeros. It is
// for people: use [Format] to get the line that works.
func (l Line) String() string { return l.masked().text() }

// GoString is the value in Go syntax, keys replaced by zeros.
func (l Line) GoString() string {
	type lineFields Line
	return "tables.Line" + fmt.Sprintf("%#v", lineFields(l.masked()))[len("tables.lineFields"):]
}

// Format implements [fmt.Formatter], so that no verb prints keys.
func (l Line) Format(f fmt.State, verb rune) { formatMasked(f, verb, l.String(), l.GoString()) }

// MarshalJSON masks keys.
func (l Line) MarshalJSON() ([]byte, error) {
	type lineFields Line
	return json.Marshal(lineFields(l.masked()))
}
