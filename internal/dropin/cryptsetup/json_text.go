package cryptsetup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// indentJSON lays out JSON as cryptsetup prints metadata: two spaces for each level, no
// blank behind colons. Order and duplicates stay.
func indentJSON(doc []byte) (string, error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var b strings.Builder
	if err := writeJSON(&b, d, 0); err != nil {
		return "", fmt.Errorf("the metadata cannot be read as JSON: %w", err)
	}
	return b.String(), nil
}

// writeJSON writes the next value; depth is bounded by the check of the header.
func writeJSON(b *strings.Builder, d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch v := t.(type) {
	case json.Delim:
		return writeNested(b, d, v, depth)
	case string:
		b.WriteString(quoteJSON(v))
	case json.Number:
		b.WriteString(v.String())
	case nil:
		b.WriteString("null")
	default:
		fmt.Fprint(b, v)
	}
	return nil
}

// writeNested writes an object or array that was begun.
func writeNested(b *strings.Builder, d *json.Decoder, open json.Delim, depth int) error {
	b.WriteString(open.String())
	for i := 0; d.More(); i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n" + strings.Repeat("  ", depth+1))
		if open == '{' {
			name, err := d.Token()
			if err != nil {
				return err
			}
			fmt.Fprintf(b, "%s:", quoteJSON(fmt.Sprint(name)))
		}
		if err := writeJSON(b, d, depth+1); err != nil {
			return err
		}
	}
	end, err := d.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "\n%s%s", strings.Repeat("  ", depth), end)
	return nil
}

// quoteJSON writes a string with as few escapes as there can be.
func quoteJSON(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case strings.IndexByte("\b\f\n\r\t", c) >= 0:
			b.WriteString(`\` + string("bfnrt"[strings.IndexByte("\b\f\n\r\t", c)]))
		case c < ' ':
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
