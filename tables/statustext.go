package tables

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// DeviceStatus is what the targets of a device say.
type DeviceStatus struct {
	Name    string   // as the text has it, \xNN included; "": the text names no device
	Targets []Status // in the order of the text; nil: the device has no table
}

// ParseStatus reads what `dmsetup status` prints, one target a line,
//
//	[name: ]start length target text
//
// with blank lines and lines that start with # left out. Lines of one name make
// up a device, and a name alone is a device without a table; either all lines
// have a name or none, and then they are one device. The text of the target is
// read as [Line.Status] does. Errors are [*ParseError] with line and device.
// Lines longer than 1 MiB are refused.
func ParseStatus(r io.Reader) ([]DeviceStatus, error) {
	groups, err := groupLines(newScanner(r), parseStatusText)
	if err != nil {
		return nil, err
	}
	var ds []DeviceStatus
	for _, g := range groups {
		ds = append(ds, DeviceStatus{Name: g.name, Targets: g.entries})
	}
	return ds, nil
}

// parseStatusText reads one status without a name in front.
func parseStatusText(text string) (Status, error) {
	l, err := cutLine(text)
	if err != nil {
		return nil, err
	}
	l.Params = strings.TrimPrefix(l.Params, " ")
	return l.Status()
}

// FormatStatus writes what `dmsetup status` prints: with "name: " in front when
// there are names, which a single device need not have. Names that would not
// read back are an error, as in [FormatDevices].
func FormatStatus(w io.Writer, ds ...DeviceStatus) error {
	bw := bufio.NewWriter(w)
	seen := make(map[string]bool, len(ds))
	for _, d := range ds {
		if seen[d.Name] {
			return &ParseError{Device: d.Name, Field: "name", Err: fmt.Errorf("%w: there are two devices of this name", ErrInvalid)}
		}
		seen[d.Name] = true
		if err := d.format(bw, len(ds) > 1); err != nil {
			return err
		}
	}
	return bw.Flush()
}

func (d DeviceStatus) format(bw *bufio.Writer, mustName bool) error {
	prefix := ""
	if d.Name != "" || mustName {
		err := checkTextName(d.Name)
		if err == nil && len(d.Targets) == 0 {
			err = checkBareName(d.Name)
		}
		if err != nil {
			return &ParseError{Device: d.Name, Field: "name", Err: err}
		}
		prefix = d.Name + ": "
	}
	if len(d.Targets) == 0 && prefix != "" {
		bw.WriteString(prefix + "\n") // Flush returns a failure
	}
	for i, s := range d.Targets {
		l, err := StatusLine(s)
		if err != nil {
			return onLine(err, i+1, d.Name)
		}
		if strings.IndexByte(l.Params, '\n') >= 0 {
			return onLine(failf(l.Target, "", ErrSyntax, "a status with a newline cannot be written as a line"), i+1, d.Name)
		}
		text := strconv.FormatUint(l.Start, 10) + " " + strconv.FormatUint(l.Length, 10) + " " + l.Target + " " + l.Params
		if len(text) > maxWritten {
			return onLine(failf(l.Target, "", ErrSyntax, "the line would have %d bytes, the limit is %d", len(text), maxWritten), i+1, d.Name)
		}
		bw.WriteString(prefix + text + "\n")
	}
	return nil
}

// MarshalJSON writes the name and the targets, each an object with its target
// name and the fields of its struct. Words that are not UTF-8 are an error,
// since JSON cannot hold them.
func (d DeviceStatus) MarshalJSON() ([]byte, error) {
	o := struct {
		Name    string            `json:"name,omitempty"`
		Targets []json.RawMessage `json:"targets"`
	}{Name: d.Name, Targets: []json.RawMessage{}}
	if !utf8.ValidString(d.Name) {
		return nil, &ParseError{Device: d.Name, Err: fmt.Errorf("%w: a name that is not UTF-8 cannot be written as JSON", ErrSyntax)}
	}
	for i, s := range d.Targets {
		object, err := encodeStatus(s)
		if err != nil {
			return nil, onLine(err, i+1, d.Name)
		}
		o.Targets = append(o.Targets, object)
	}
	return json.Marshal(o)
}

// encodeStatus is one status as a JSON object, its target first.
func encodeStatus(s Status) (json.RawMessage, error) {
	l, err := StatusLine(s)
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(l.Params) || !utf8.ValidString(l.Target) {
		return nil, failf(l.Target, "", ErrSyntax, "a word that is not UTF-8 cannot be written as JSON")
	}
	target, err := json.Marshal(l.Target)
	if err != nil {
		return nil, err
	}
	object, err := json.Marshal(UnwrapStatus(s))
	if err != nil {
		return nil, err
	}
	return append(append([]byte(`{"target":`), append(target, ',')...), object[1:]...), nil
}
