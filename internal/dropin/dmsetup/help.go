package dmsetup

import (
	"fmt"
	"strings"
)

// help prints the usage, and with -c the fields of reports.
func (t *tool) help([]string) error {
	fmt.Fprint(t.Err, usageText())
	if t.has("columns") {
		fmt.Fprint(t.Err, fieldHelp())
	}
	return nil
}

// usageHead are the options that many verbs take.
const usageHead = `Usage:

dmsetup
        [--version] [-h|--help [-c|-C|--columns]]
        [-v|--verbose [-v|--verbose ...]] [-f|--force]
        [--checks] [--manglename {none|hex|auto}]
        [-r|--readonly] [--noopencount] [--noflush] [--nolockfs] [--inactive]
        [--udevcookie <cookie>] [--noudevrules] [--noudevsync] [--verifyudev]
        [-y|--yes] [--readahead {[+]<sectors>|auto|none}] [--retry]
        [-c|-C|--columns] [-o <fields>] [-O|--sort <sort_fields>]
        [-S|--select <selection>] [--nameprefixes] [--noheadings]
        [--separator <separator>]

`

// usageTail explains the words in brackets.
const usageTail = `
<device>: a name, a path, -u <uuid>, or -j <major> -m <minor>
<fields>: names with commas between them; help -c lists them
<table_file>: read from stdin when it is left out
<concise_device_spec_list>: devices with semicolons between them, each
    <name>,<uuid>,<minor>,<flags>,<table>[,<table>...]
    where <flags> are ro or rw, and all but name and table may be empty
<options> of ls and deps: devno, devname, blkdevname
<options> of ls --tree: ascii, utf, vt100; compact, inverted, notrunc;
    blkdevname, device, nodevice, active, open, rw, uuid

`

// usageText is the list of verbs.
func usageText() string {
	var b strings.Builder
	b.WriteString(usageHead)
	for _, c := range commands() {
		for _, line := range c.synopsis {
			switch {
			case strings.HasPrefix(line, " "):
				fmt.Fprintf(&b, "\t%s\n", line)
			default:
				fmt.Fprintf(&b, "\t%s %s\n", c.name, line)
			}
		}
	}
	b.WriteString(usageTail)
	return b.String()
}

// fieldHelp is the list of fields.
func fieldHelp() string {
	var b strings.Builder
	for _, s := range sections {
		fmt.Fprintf(&b, "%s\n%s\n  %-21s - All of these\n", s.title, strings.Repeat("-", len(s.title)), s.name+"_all")
		for _, f := range s.fields {
			fmt.Fprintf(&b, "  %-21s - %s\n", f.id, f.help)
		}
		b.WriteString("\n")
	}
	b.WriteString("Special Fields\n--------------\n")
	fmt.Fprintf(&b, "  %-21s - 1 if the selection lets it through\n  %-21s - This list\n  %-21s - This list\n\n", selectedField, "help", "?")
	return b.String()
}
