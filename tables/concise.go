package tables

import (
	"fmt"
	"strconv"
	"strings"
)

// isConcise says whether a line starts with a concise entry: the fourth field
// is ro or rw, or is empty and followed by a table.
func isConcise(line string) bool {
	entry := line
	if i := indexUnescaped(line, ';'); i >= 0 {
		entry = line[:i]
	}
	for range 3 {
		i := indexUnescaped(entry, ',')
		if i < 0 {
			return false
		}
		entry = entry[i+1:]
	}
	flags, table := entry, ""
	if i := indexUnescaped(entry, ','); i >= 0 {
		flags, table = entry[:i], entry[i+1:]
	}
	switch strings.Trim(flags, spaces) {
	case "ro", "rw":
		return true
	case "":
		return startsTable(table)
	}
	return false
}

// spaces are the bytes that isSpace takes for white space.
const spaces = " \t\n\v\f\r"

// indexUnescaped finds the first sep that no backslash precedes.
func indexUnescaped(s string, sep byte) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case sep:
			return i
		}
	}
	return -1
}

// splitUnescaped cuts s at every sep that no backslash precedes.
func splitUnescaped(s string, sep byte) []string {
	var parts []string
	for {
		i := indexUnescaped(s, sep)
		if i < 0 {
			return append(parts, s)
		}
		parts = append(parts, s[:i])
		s = s[i+1:]
	}
}

// unescapeConcise undoes escapeConcise: a backslash escapes whatever follows.
func unescapeConcise(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

var conciseEscapes = strings.NewReplacer(`\`, `\\`, `,`, `\,`, `;`, `\;`)

// escapeConcise escapes the separators and the backslash, as dmsetup table
// --concise does (dmsetup manual).
func escapeConcise(s string) string { return conciseEscapes.Replace(s) }

// parseConcise reads entries separated by semicolons. White space around fields
// does not count. line is where the text starts.
func parseConcise(text string, line int) ([]Device, error) {
	var ds []Device
	entries := splitUnescaped(text, ';')
	if n := len(entries); n > 1 && strings.Trim(entries[n-1], spaces) == "" {
		entries = entries[:n-1] // the last separator ends an entry too
	}
	for _, e := range entries {
		at := line + leadingLines(e)
		d, err := parseEntry(e)
		if err != nil {
			return nil, onLine(err, at, d.Name)
		}
		ds = append(ds, d)
		line += strings.Count(e, "\n")
	}
	return ds, distinct(ds)
}

func leadingLines(s string) int {
	return strings.Count(s[:len(s)-len(strings.TrimLeft(s, spaces))], "\n")
}

// parseEntry reads one device. On failure it returns what it has, for its name.
func parseEntry(entry string) (Device, error) {
	fields, err := entryFields(entry)
	if err != nil {
		return Device{}, err
	}
	if err := checkName(fields[0]); err != nil {
		return Device{}, &ParseError{Field: "name", Err: err}
	}
	d := Device{Name: fields[0], UUID: fields[1]}
	if fields[2] != "" {
		n, err := parseRange(fields[2], 0, maxMinor-1)
		if err != nil {
			return d, locate("", "minor", err)
		}
		minor := uint32(n)
		d.Minor = &minor
	}
	switch fields[3] {
	case "ro":
		d.ReadOnly = true
	case "rw", "":
	default:
		return d, locate("", "flags", &finding{ErrSyntax, fields[3], "ro, rw or nothing"})
	}
	if err := d.checkHeader(); err != nil {
		return d, err
	}
	for i, text := range fields[4:] {
		t, err := parseTableText(text)
		if err != nil {
			return d, onTable(err, i+1)
		}
		d.Tables = append(d.Tables, t)
	}
	return d, nil
}

// entryFields cuts an entry into fields, the escapes taken off. The first four
// have no white space around them; a table looks after its own.
func entryFields(entry string) ([]string, error) {
	fields := splitUnescaped(entry, ',')
	for i := range fields {
		fields[i] = unescapeConcise(fields[i])
		if i < 4 {
			fields[i] = strings.Trim(fields[i], spaces)
		}
		if strings.IndexByte(strings.Trim(fields[i], spaces), '\n') >= 0 {
			return nil, fmt.Errorf("%w: a newline inside an entry; a semicolon separates devices", ErrSyntax)
		}
	}
	if len(fields) < 4 {
		return nil, fmt.Errorf("%w: found %d fields, want name,uuid,minor,ro|rw,table", ErrSyntax, len(fields))
	}
	return fields, nil
}

// onTable puts the number of the table into the field of err.
func onTable(err error, number int) error {
	p, _ := onLine(err, 0, "").(*ParseError)
	field := fmt.Sprintf("table %d", number)
	if p.Field != "" {
		field += ": " + p.Field
	}
	p.Field = field
	return p
}

// FormatConcise writes devices in dmsetup's --concise form:
// name,uuid,minor,ro|rw,table[,table…] with a semicolon between devices and a
// backslash before comma, semicolon and backslash. Every device needs a name.
// Keys are written.
func FormatConcise(ds ...Device) (string, error) {
	if err := distinct(ds); err != nil {
		return "", err
	}
	var b strings.Builder
	for i, d := range ds {
		if i > 0 {
			b.WriteByte(';')
		}
		if err := writeEntry(&b, d); err != nil {
			return "", err
		}
	}
	text := b.String()
	if len(ds) > 0 && (formOf(text) != formConcise || text[0] == '#') {
		return "", &ParseError{Device: ds[0].Name, Field: "name", Err: fmt.Errorf("%w: the name would not read back from the concise form", ErrSyntax)}
	}
	if len(text) >= maxLine {
		return "", failf("", "", ErrSyntax, "the concise form would have %d bytes, the limit is %d", len(text), maxLine-1)
	}
	return text, nil
}

func writeEntry(b *strings.Builder, d Device) error {
	fail := func(field string, kind error, text string) error {
		return &ParseError{Device: d.Name, Field: field, Err: fmt.Errorf("%w: %s", kind, text)}
	}
	if err := checkName(d.Name); err != nil {
		return &ParseError{Device: d.Name, Field: "name", Err: err}
	}
	if err := d.checkHeader(); err != nil {
		return err
	}
	for _, f := range []struct{ field, text string }{{"name", d.Name}, {"uuid", d.UUID}} {
		if strings.Trim(f.text, spaces) != f.text || strings.IndexByte(f.text, '\n') >= 0 {
			return fail(f.field, ErrSyntax, "white space around it, or a newline, cannot be written in the concise form")
		}
	}
	b.WriteString(escapeConcise(d.Name) + "," + escapeConcise(d.UUID) + ",")
	if d.Minor != nil {
		b.WriteString(strconv.FormatUint(uint64(*d.Minor), 10))
	}
	if d.ReadOnly {
		b.WriteString(",ro")
	} else {
		b.WriteString(",rw")
	}
	for i, t := range d.Tables {
		text, err := formatLine(t)
		if err != nil {
			return onLine(err, i+1, d.Name)
		}
		b.WriteString("," + escapeConcise(text))
	}
	return nil
}
