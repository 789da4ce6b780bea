package popt

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// lineWidth is where the lines of help and usage are broken.
const lineWidth = 79

// Usage is the short form of help: all options of a tool in one bracketed list.
func Usage(tool string, options []Option) string {
	letters := ""
	var list []string
	for _, o := range options {
		word := "--" + o.Long
		if o.Kind != NoValue {
			word += "=" + o.Value
		}
		if o.Short != 0 {
			word = fmt.Sprintf("-%c|%s", o.Short, word)
		}
		if o.Short != 0 && o.Kind == NoValue {
			letters += string(o.Short)
		}
		list = append(list, "["+word+"]")
	}
	list = append(list, "[OPTION...] <action> <action-specific>")
	return wrap(fmt.Sprintf("Usage: %s [-%s]", tool, letters), "        ", list)
}

// wrap joins words with blanks and breaks lines in front of those that do not fit.
func wrap(first, indent string, words []string) string {
	var b strings.Builder
	line := first
	for _, w := range words {
		if len(line)+1+len(w) > lineWidth {
			b.WriteString(line + "\n")
			line = indent + w
			continue
		}
		line += " " + w
	}
	return b.String() + line + "\n"
}

// helpColumn is where the explanations begin.
const helpColumn = 39

// Help explains the options, one below the other.
func Help(options []Option) string {
	var b strings.Builder
	for _, o := range options {
		left := "      --" + o.Long
		if o.Short != 0 {
			left = fmt.Sprintf("  -%c, --%s", o.Short, o.Long)
		}
		if o.Kind != NoValue {
			left += "=" + o.Value
		}
		b.WriteString(wrap(fmt.Sprintf("%-*s", helpColumn-1, left), strings.Repeat(" ", helpColumn), strings.Fields(o.Help)))
	}
	return b.String()
}

// Version names the version of a tool that is spoken first, for scripts that compare it,
// and then the version of this program.
func Version(tool, spoken string) string {
	own := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		own = info.Main.Version
	}
	return fmt.Sprintf("%s %s (dmimg %s)", tool, spoken, own)
}
