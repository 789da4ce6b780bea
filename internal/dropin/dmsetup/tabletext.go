package dmsetup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/tables"
)

// maxTargetName is the longest name of a target, in bytes.
const maxTargetName = 15

// maxTableLine is the longest line of a table, in bytes.
const maxTableLine = 1 << 20

// tableOption reads the table that --table gives, or the file of this name, or stdin.
func (t *tool) tableOption(file string) ([]tables.Line, error) {
	if t.has("table") {
		return readTable(strings.NewReader(t.values["table"]), "")
	}
	if file == "" {
		return readTable(t.In, "on stdin")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, failf("Couldn't open '%s' for reading.", file)
	}
	defer f.Close()
	return readTable(f, file)
}

// readTable reads lines of a table; where is its place in errors. What follows the target
// is left to the kernel.
func readTable(r io.Reader, where string) ([]tables.Line, error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxTableLine)
	var lines []tables.Line
	n := 0
	for s.Scan() {
		n++
		text := strings.TrimLeft(s.Text(), " \t\v\f\r")
		if text == "" || text[0] == '#' {
			continue
		}
		l, ok := readTableLine(text)
		switch {
		case !ok:
			return nil, failf("Invalid format on line %d of table %s.", n, where)
		case len(l.Target) > maxTargetName:
			return nil, failf("Target type name %s is too long.", l.Target)
		}
		lines = append(lines, l)
	}
	if err := s.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, failf("Line %d of table %s is longer than %d bytes.", n+1, where, maxTableLine)
	} else if err != nil {
		return nil, failf("Couldn't read the table %s: %w", where, err)
	}
	return lines, nil
}

// readTableLine reads "start length target params".
func readTableLine(text string) (l tables.Line, ok bool) {
	start, rest := cutWord(text)
	length, rest := cutWord(rest)
	l.Target, l.Params = cutWord(rest)
	l.Params = strings.TrimLeft(l.Params, " \t\v\f\r")
	if l.Start, ok = readNumber(start); !ok {
		return l, false
	}
	if l.Length, ok = readNumber(length); !ok {
		return l, false
	}
	return l, l.Target != ""
}

// cutWord takes the first word off s.
func cutWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t\v\f\r")
	if i := strings.IndexAny(s, " \t\v\f\r"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// readNumber reads a decimal as C's scanf does: a negative one wraps around, which the
// kernel then refuses.
func readNumber(s string) (uint64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	if !negative {
		digits = strings.TrimPrefix(s, "+")
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if negative {
		n = -n
	}
	return n, err == nil
}

// tablesOf are the lines as tables that the kernel judges.
func tablesOf(lines []tables.Line) ([]tables.Table, error) {
	ts := make([]tables.Table, len(lines))
	for i, l := range lines {
		const most = 1<<64/tables.SectorSize - 1
		if l.Start > most || l.Length > most {
			return nil, errTooLong
		}
		ts[i] = tables.RawTable{
			Start: l.Start * tables.SectorSize, Length: l.Length * tables.SectorSize,
			Target: l.Target, Params: l.Params,
		}
	}
	return ts, nil
}

// shownLine is a line as table and status print it.
func shownLine(l tables.Line, params string) string {
	return fmt.Sprintf("%d %d %s %s", l.Start, l.Length, l.Target, params)
}
