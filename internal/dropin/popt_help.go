package dropin

import (
	"fmt"
	"strings"
)

// lineWidth is where the lines of help and usage are broken.
const lineWidth = 79

// usageText is the short form: all options in one bracketed list.
func usageText(tool string, options []option) string {
	letters := ""
	var list []string
	for _, o := range options {
		word := "--" + o.long
		if o.kind != noValue {
			word += "=" + o.value
		}
		if o.short != 0 {
			word = fmt.Sprintf("-%c|%s", o.short, word)
		}
		if o.short != 0 && o.kind == noValue {
			letters += string(o.short)
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

// optionHelp explains the options, one below the other.
func optionHelp(options []option) string {
	var b strings.Builder
	for _, o := range options {
		left := "      --" + o.long
		if o.short != 0 {
			left = fmt.Sprintf("  -%c, --%s", o.short, o.long)
		}
		if o.kind != noValue {
			left += "=" + o.value
		}
		b.WriteString(wrap(fmt.Sprintf("%-*s", helpColumn-1, left), strings.Repeat(" ", helpColumn), strings.Fields(o.help)))
	}
	return b.String()
}
