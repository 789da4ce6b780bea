package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume/probe"
)

// writeInspected prints images as trees.
func writeInspected(w io.Writer, found []inspected) error {
	var b strings.Builder
	for _, i := range found {
		fmt.Fprintf(&b, "%s: %s\n", i.path, ui.FormatSize(i.size))
		writeLayer(&b, i.layer, i.path, "  ", i.luks)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeLayer prints one layer with all its lines indented.
func writeLayer(b *strings.Builder, l *probe.Layer, path, indent string, opened *luksInspector) {
	fmt.Fprintf(b, "%s%s: %s\n", indent, l.Kind, l.Description)
	indent += "  "
	if l.UUID != "" {
		fmt.Fprintf(b, "%suuid: %s\n", indent, l.UUID)
	}
	if l.Label != "" {
		fmt.Fprintf(b, "%slabel: %s\n", indent, l.Label)
	}
	fmt.Fprintf(b, "%sat byte %d, %s\n", indent, l.Offset, ui.FormatSize(l.Size))
	for _, f := range l.Fields {
		writeField(b, f, indent)
	}
	for _, p := range l.Problems {
		fmt.Fprintf(b, "%sproblem: %s\n", indent, p)
	}
	for i := range l.Partitions {
		writePartition(b, &l.Partitions[i], path, indent, opened)
	}
	for _, a := range l.Also {
		fmt.Fprintf(b, "%salso here:\n", indent)
		writeLayer(b, a, path, indent+"  ", opened)
	}
	if d, ok := opened.content(l); ok {
		fmt.Fprintf(b, "%sinside, opened by %s:\n", indent, d.by)
		writeLayer(b, d.layer, "INSIDE", indent+"  ", nil)
	}
	if lines := openLines(l, path); len(lines) > 0 {
		fmt.Fprintf(b, "%sopen with:\n", indent)
		for _, line := range lines {
			fmt.Fprintf(b, "%s  %s\n", indent, line)
		}
	}
}

func writeField(b *strings.Builder, f probe.Field, indent string) {
	name := strings.ReplaceAll(f.Name, "_", " ")
	words, isList := f.Value.([]string)
	if !isList {
		fmt.Fprintf(b, "%s%s: %v\n", indent, name, f.Value)
		return
	}
	fmt.Fprintf(b, "%s%s:", indent, name)
	if len(words) == 0 {
		b.WriteString(" none")
	}
	for _, w := range words {
		if strings.Contains(w, " ") {
			fmt.Fprintf(b, "\n%s  %s", indent, w)
		} else {
			b.WriteString(" " + w)
		}
	}
	b.WriteByte('\n')
}

func writePartition(b *strings.Builder, p *probe.Partition, path, indent string, opened *luksInspector) {
	kind := p.TypeName
	if kind == "" {
		kind = "type " + p.Type
	}
	fmt.Fprintf(b, "%spartition %d: %s", indent, p.Number, kind)
	if p.Name != "" {
		fmt.Fprintf(b, " %q", p.Name)
	}
	fmt.Fprintf(b, ", at byte %d, %s\n", p.Offset, ui.FormatSize(p.Size))
	indent += "  "
	fmt.Fprintf(b, "%suuid: %s\n", indent, p.UUID)
	if len(p.Attributes) > 0 {
		fmt.Fprintf(b, "%sattributes: %s\n", indent, strings.Join(p.Attributes, " "))
	}
	for _, problem := range p.Problems {
		fmt.Fprintf(b, "%sproblem: %s\n", indent, problem)
	}
	if p.Content != nil {
		writeLayer(b, p.Content, path, indent, opened)
	}
}

// openLines puts the path of the image into the lines that would open a layer: as a word of a table, where a
// backslash makes the next byte literal, or as a word of a shell command.
func openLines(l *probe.Layer, path string) []string {
	lines := make([]string, 0, len(l.OpenWith))
	for _, line := range l.OpenWith {
		name := shellWord(path)
		if isTableLine(line) {
			name = tableWord(path)
		}
		words := strings.Split(line, " ")
		for i, w := range words {
			if w == "IMAGE" || strings.HasSuffix(w, ":IMAGE") {
				words[i] = strings.TrimSuffix(w, "IMAGE") + name
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}

// isTableLine tells "0 2048 linear …" and "p1: 0 2048 …" from a command.
func isTableLine(line string) bool {
	if _, rest, ok := strings.Cut(line, ": "); ok {
		line = rest
	}
	return strings.HasPrefix(line, "0 ")
}

func tableWord(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if c == ' ' || c == '\t' || c == '\n' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

func shellWord(path string) string {
	for _, c := range []byte(path) {
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("/._-+,:@%", c) >= 0
		if !plain {
			return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
		}
	}
	return path
}
