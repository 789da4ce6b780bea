package dmsetup

import (
	"fmt"
	"strings"
)

// option is one option of the command line.
type option struct {
	long  string
	short byte // 0: none
	value bool // it takes one
}

// options are all options, in the order in which an ambiguous one lists what it may mean.
// Those of statistics are known so that they are not mistaken for others.
var options = []option{
	{"readonly", 'r', false},
	{"alldevices", 0, false},
	{"allprograms", 0, false},
	{"allregions", 0, false},
	{"areas", 0, true},
	{"areasize", 0, true},
	{"bounds", 0, true},
	{"checks", 0, false},
	{"clear", 0, false},
	{"columns", 'c', false},
	{"columns", 'C', false},
	{"concise", 0, false},
	{"count", 0, true},
	{"deferred", 0, false},
	{"select", 'S', true},
	{"exec", 0, true},
	{"filemap", 0, false},
	{"follow", 0, true},
	{"force", 'f', false},
	{"foreground", 0, false},
	{"gid", 'G', true},
	{"group", 0, false},
	{"groupid", 0, true},
	{"help", 'h', false},
	{"histogram", 0, false},
	{"inactive", 0, false},
	{"interval", 0, true},
	{"length", 0, true},
	{"manglename", 0, true},
	{"major", 'j', true},
	{"minor", 'm', true},
	{"mode", 'M', true},
	{"nameprefixes", 0, false},
	{"nogroup", 0, false},
	{"noflush", 0, false},
	{"noheadings", 0, false},
	{"nolockfs", 0, false},
	{"noopencount", 0, false},
	{"nosuffix", 0, false},
	{"notable", 'n', false},
	{"notimesuffix", 0, false},
	{"nomonitor", 0, false},
	{"noudevrules", 0, false},
	{"noudevsync", 0, false},
	{"options", 'o', true},
	{"precise", 0, false},
	{"programid", 0, true},
	{"raw", 0, false},
	{"readahead", 0, true},
	{"region", 0, false},
	{"regionid", 0, true},
	{"regions", 0, true},
	{"relative", 0, false},
	{"retry", 0, false},
	{"rows", 0, false},
	{"segments", 0, false},
	{"separator", 0, true},
	{"setuuid", 0, false},
	{"showkeys", 0, false},
	{"sort", 'O', true},
	{"start", 0, true},
	{"table", 0, true},
	{"target", 0, true},
	{"tree", 0, false},
	{"udevcookie", 0, true},
	{"uid", 'U', true},
	{"units", 0, true},
	{"uuid", 'u', true},
	{"unbuffered", 0, false},
	{"unquoted", 0, false},
	{"userdata", 0, true},
	{"verbose", 'v', false},
	{"verifyudev", 0, false},
	{"version", 0, false},
	{"yes", 'y', false},
	{"addnodeonresume", 0, false},
	{"addnodeoncreate", 0, false},
}

// commandLine is a command line that was read.
type commandLine struct {
	values map[string]string // by long name; "" for an option without a value
	words  []string          // the verb and its arguments
}

func (c *commandLine) has(long string) bool {
	_, ok := c.values[long]
	return ok
}

// parse reads args as getopt_long of the C library does: options stand anywhere, "--" ends
// them, "-" is a word; a value is attached ("--uuid=x", "-ux") or the next word, whatever
// that looks like; long names may be shortened as long as they are unambiguous. The last
// of repeated options counts.
func parse(args []string) (*commandLine, error) {
	c := &commandLine{values: make(map[string]string)}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		var err error
		switch {
		case word == "--":
			c.words = append(c.words, args...)
			return c, nil
		case strings.HasPrefix(word, "--"):
			args, err = c.long(word[2:], args)
		case len(word) > 1 && word[0] == '-':
			args, err = c.short(word[1:], args)
		default:
			c.words = append(c.words, word)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// long reads "name" or "name=value".
func (c *commandLine) long(word string, rest []string) ([]string, error) {
	name, value, attached := strings.Cut(word, "=")
	o, err := longOption(name, word)
	switch {
	case err != nil:
		return nil, err
	case attached && !o.value:
		return nil, lineError("dmsetup: option '--%s' doesn't allow an argument", o.long)
	case !attached && o.value && len(rest) == 0:
		return nil, lineError("dmsetup: option '--%s' requires an argument", o.long)
	case !attached && o.value:
		value, rest = rest[0], rest[1:]
	}
	c.values[o.long] = value
	return rest, nil
}

// longOption finds an option by its name or the beginning of it.
func longOption(name, word string) (option, error) {
	var found []option
	for _, o := range options {
		if o.long == name {
			return o, nil
		}
		if strings.HasPrefix(o.long, name) && (len(found) == 0 || found[len(found)-1].long != o.long) {
			found = append(found, o)
		}
	}
	switch len(found) {
	case 0:
		return option{}, lineError("dmsetup: unrecognized option '--%s'", word)
	case 1:
		return found[0], nil
	}
	text := fmt.Sprintf("dmsetup: option '--%s' is ambiguous; possibilities:", word)
	for _, o := range found {
		text += " '--" + o.long + "'"
	}
	return option{}, lineError("%s", text)
}

// short reads letters: "v", "vo name", "oname".
func (c *commandLine) short(letters string, rest []string) ([]string, error) {
	for ; letters != ""; letters = letters[1:] {
		o, ok := shortOption(letters[0])
		if !ok {
			return nil, lineError("dmsetup: invalid option -- '%c'", letters[0])
		}
		if !o.value {
			c.values[o.long] = ""
			continue
		}
		value := letters[1:]
		if value == "" {
			if len(rest) == 0 {
				return nil, lineError("dmsetup: option requires an argument -- '%c'", letters[0])
			}
			value, rest = rest[0], rest[1:]
		}
		c.values[o.long] = value
		return rest, nil
	}
	return rest, nil
}

func shortOption(letter byte) (option, bool) {
	for _, o := range options {
		if o.short == letter {
			return o, true
		}
	}
	return option{}, false
}
