package tables

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Device is a mapped device: a name and the tables that make it up.
type Device struct {
	Name     string  // as the kernel stores it, at most 127 bytes, without /; "": not named
	UUID     string  // at most 128 bytes; "": none
	Minor    *uint32 // wanted minor number, below 2^20; nil: any
	ReadOnly bool
	Tables   []Table
}

// maxMinor is one more than the largest minor number.
const maxMinor = 1 << 20

// Validate checks the name, UUID and minor number, the tables (see the function
// [Validate]), that no table names the device itself, and that a thin-pool is
// not read-only. A verity target must be loaded read-only; as table text does
// not say whether it is, only [FormatCreate] insists.
func (d Device) Validate() error {
	if err := d.checkHeader(); err != nil {
		return err
	}
	if err := Validate(d.Tables...); err != nil {
		return onLine(err, 0, d.Name)
	}
	for i, t := range d.Tables {
		if d.ReadOnly && TargetType(t) == "thin-pool" {
			return onLine(failf("thin-pool", "", ErrInvalid, "the target cannot be read-only"), i+1, d.Name)
		}
		for _, word := range Devices(t) {
			if d.Name != "" && word == "/dev/mapper/"+d.Name {
				return onLine(failf(TargetType(t), "", ErrInvalid, "the table names its own device"), i+1, d.Name)
			}
		}
	}
	return nil
}

// checkHeader checks everything but the tables.
func (d Device) checkHeader() error {
	fail := func(field string, err error) error {
		return &ParseError{Device: d.Name, Field: field, Err: err}
	}
	if d.Name != "" {
		if err := checkName(d.Name); err != nil {
			return fail("name", err)
		}
	}
	if len(d.UUID) > maxUUID {
		return fail("uuid", fmt.Errorf("%w: it has %d bytes, more than %d", ErrInvalid, len(d.UUID), maxUUID))
	}
	if strings.IndexByte(d.UUID, 0) >= 0 {
		return fail("uuid", fmt.Errorf("%w: it cannot hold NUL", ErrInvalid))
	}
	if d.Minor != nil && *d.Minor >= maxMinor {
		return fail("minor", fmt.Errorf("%w: %d is not below %d", ErrInvalid, *d.Minor, maxMinor))
	}
	return nil
}

// distinct refuses two devices of one name.
func distinct(ds []Device) error {
	seen := make(map[string]bool, len(ds))
	for _, d := range ds {
		if seen[d.Name] && len(ds) > 1 {
			return &ParseError{Device: d.Name, Field: "name", Err: fmt.Errorf("%w: there are two devices of this name", ErrInvalid)}
		}
		seen[d.Name] = true
	}
	return nil
}

// form is a way to write devices as text.
type form int

const (
	formText    form = iota // table lines, with or without "name: "
	formConcise             // dmsetup --concise
	formCreate              // dm-mod.create=
)

// formOf recognises the form of a text by its first significant line.
func formOf(line string) form {
	switch {
	case startsTable(line):
		return formText
	case isCreate(line):
		return formCreate
	case isConcise(line):
		return formConcise
	}
	return formText
}

// ParseDevices reads devices in one of these forms, which it recognises:
//
//   - table lines (see [Parse]): one device without a name;
//   - table lines with "name: " in front, as dmsetup prints all devices: lines
//     of one name make up a device, and a name alone is a device without table;
//   - the concise form of dmsetup, name,uuid,minor,ro|rw,table[,table…][;…],
//     where uuid, minor and flags may be empty and a backslash escapes the byte
//     after it;
//   - the boot parameter dm-mod.create=, with or without quotes.
//
// Names stay as they are written, \xNN included. Errors are [*ParseError] with
// line and device.
func ParseDevices(r io.Reader) ([]Device, error) {
	s := newScanner(r)
	if !s.next() {
		return nil, s.err()
	}
	f := formOf(s.text)
	if f == formText {
		s.again = true
		return parseText(s)
	}
	line := s.line
	text, err := s.all()
	if err == nil && f == formCreate {
		text, err = createValue(text)
	}
	if err != nil {
		return nil, onLine(err, line, "")
	}
	return parseConcise(text, line)
}

// maxConcise is the longest concise text, in bytes.
const maxConcise = 16 << 20

// all is the current line and everything after it.
func (s *scanner) all() (string, error) {
	var b strings.Builder
	b.WriteString(s.text)
	for s.s.Scan() {
		s.line++
		b.WriteByte('\n')
		b.Write(s.s.Bytes())
		if b.Len() > maxConcise {
			return "", fmt.Errorf("%w: the text is longer than %d bytes", ErrSyntax, maxConcise)
		}
	}
	return b.String(), s.err()
}

// FormatDevices writes table lines with "name: " in front; a single device
// without a name gets none. UUID, minor number and the read-only flag have no
// place in this form and are left out. A name that would not read back, because
// it has white space around it or looks like a table line itself, is an error.
func FormatDevices(w io.Writer, ds ...Device) error {
	if err := distinct(ds); err != nil {
		return err
	}
	bw := bufio.NewWriter(w)
	for _, d := range ds {
		prefix := ""
		if d.Name != "" || len(ds) > 1 {
			if err := checkTextName(d.Name); err != nil {
				return &ParseError{Device: d.Name, Field: "name", Err: err}
			}
			prefix = d.Name + ": "
		}
		if len(d.Tables) == 0 && prefix != "" {
			if err := checkBareName(d.Name); err != nil {
				return &ParseError{Device: d.Name, Field: "name", Err: err}
			}
			bw.WriteString(prefix + "\n") // Flush returns a failure
		}
		for i, t := range d.Tables {
			text, err := formatLine(t)
			if err != nil {
				return onLine(err, i+1, d.Name)
			}
			bw.WriteString(prefix + text + "\n")
		}
	}
	return bw.Flush()
}

// checkTextName refuses names that table text cannot carry.
func checkTextName(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	line := name + ": 0 1 zero"
	back, rest, named := cutName(line)
	if !named || back != name || rest != " 0 1 zero" || name[0] == '#' ||
		strings.IndexByte(name, '\n') >= 0 || formOf(line) != formText {
		return fmt.Errorf("%w: the name %s would not read back from table text", ErrSyntax, quoteName(name))
	}
	return nil
}

// checkBareName is checkTextName for a name that no table follows.
func checkBareName(name string) error {
	if back, _, named := cutName(name + ": "); !named || back != name {
		return fmt.Errorf("%w: the name %s would not read back without a table", ErrSyntax, quoteName(name))
	}
	return nil
}
