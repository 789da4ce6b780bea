package dmsetup

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/tables"
)

// maxConcise is the longest list of devices, in bytes.
const maxConcise = 16 << 20

// createConcise makes the devices of a list: an argument, or stdin.
func (t *tool) createConcise(args []string) error {
	for _, o := range []string{"table", "notable", "minor", "uuid", "inactive"} {
		if t.has(o) {
			return failf("--concise is incompatible with --[no]table, --minor, --uuid and --inactive.")
		}
	}
	if len(args) > 1 {
		return failf("dmsetup create --concise takes at most one argument")
	}
	var text string
	if len(args) == 1 {
		text = args[0]
	} else {
		b, err := io.ReadAll(io.LimitReader(t.In, maxConcise+1))
		if err != nil {
			return failf("Couldn't read the list of devices: %w", err)
		}
		if len(b) > maxConcise {
			return failf("The list of devices is longer than %d bytes.", maxConcise)
		}
		text = strings.TrimRight(string(b), "\n")
	}
	for text != "" {
		var entry string
		entry, text, _ = cutUnescaped(text, ';')
		d, err := t.readConcise(entry)
		if err != nil {
			return err
		}
		if err := t.createDevice(d); err != nil {
			return err
		}
	}
	return nil
}

// conciseFields are the fields in front of the table.
const conciseFields = 4

// readConcise reads "name,uuid,minor,flags,table[,table…]".
func (t *tool) readConcise(entry string) (d newDevice, err error) {
	var fields []string
	rest, more := entry, true
	for more && len(fields) < conciseFields {
		var field string
		field, rest, more = cutUnescaped(rest, ',')
		fields = append(fields, unescape(strings.TrimLeft(field, " \t\n")))
	}
	table := conciseText(rest)
	if !more {
		table = "(null)"
	}
	incomplete := strings.HasSuffix(table, "\n") || more && strings.TrimSpace(rest) == "" || !more && fields[len(fields)-1] == "" && len(fields) > 1
	if !more || incomplete {
		return d, conciseError(fields, table, incomplete)
	}
	d.name, d.uuid = fields[0], fields[1]
	if fields[2] != "" {
		minor, err := strconv.ParseUint(strings.TrimSpace(fields[2]), 10, 20)
		if err != nil {
			return d, failf("Invalid minor number '%s' of device %s.", fields[2], d.name)
		}
		m := uint32(minor)
		d.minor = &m
	}
	switch fields[3] {
	case "", "rw":
		d.readOnly = t.has("readonly")
	case "ro":
		d.readOnly = true
	default:
		return d, failf("Invalid flags parameter '%s' must be 'ro' or 'rw' or empty.", fields[3])
	}
	d.lines, err = conciseTable(rest)
	return d, err
}

// conciseError is a device without its five fields: incomplete if it ends where the next one
// should begin.
func conciseError(fields []string, table string, incomplete bool) error {
	parsed, complaint := len(fields), "Five"
	if table != "(null)" {
		parsed++
	}
	if incomplete {
		complaint = "Incomplete entry: five"
	}
	shown := append(slices.Clone(fields), "(null)", "(null)", "(null)")
	return failf("%s comma-separated fields are required for each device\nParsed %d fields: name: %s uuid: %s minor: %s flags: %s table: %s",
		complaint, parsed, shown[0], shown[1], shown[2], shown[3], table)
}

// conciseText is a table of a list as dmsetup shows it.
func conciseText(text string) string {
	var lines []string
	for more := true; more; {
		var line string
		line, text, more = cutUnescaped(text, ',')
		lines = append(lines, unescape(line))
	}
	return strings.Join(lines, "\n")
}

// conciseTable reads lines with commas between them.
func conciseTable(text string) ([]tables.Line, error) {
	var lines []tables.Line
	for more := true; more; {
		var line string
		line, text, more = cutUnescaped(text, ',')
		ls, err := readTable(strings.NewReader(unescape(line)), "")
		if err != nil {
			return nil, err
		}
		lines = append(lines, ls...)
	}
	return lines, nil
}

// cutUnescaped cuts s at the first separator that no backslash stands in front of.
func cutUnescaped(s string, separator byte) (before, after string, found bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case separator:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// unescape takes the backslashes in front of separators and of backslashes off. Others
// belong to what they stand in.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`,;\`, s[i+1]) >= 0 {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// escape is the inverse of unescape.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `;`, `\;`).Replace(s)
}
