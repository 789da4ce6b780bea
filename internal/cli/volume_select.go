package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/stack"
)

// volumeSelection says which device of which table is meant, and what its words stand for.
type volumeSelection struct {
	table    string   // path of the table text; "-" is stdin
	name     string   // device of the table; "" for the one on top
	maps     []string // WORD=PATH or WORD=@NAME
	keys     []string // DESCRIPTION=PATH
	messages []string // DEVICE:SECTOR:TEXT
}

// selectionHelp explains the flags of every verb that opens a volume.
const selectionHelp = `--table names a file with the table, in any of the forms of "dmimg table check --help":
  0 2048 linear disk.img 8
A device word of the table is a file or block device of that name, /dev/mapper/NAME for another device of
the same table, or whatever --map says:
  --map 7:0=disk.img        what the table calls 7:0 is the file disk.img
  --map 253:0=@inner        what the table calls 253:0 is device "inner" of this table
--key DESCRIPTION=FILE gives the raw key for a keyring reference such as :32:logon:DESCRIPTION.`

// selectionFlags are the flags of a selection; prefix is "" or, for instance, "from-".
func selectionFlags(prefix string) []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: prefix + "table", Usage: "`FILE` with the table; - is standard input"},
		&urfave.StringFlag{Name: prefix + "name", Usage: "open device `NAME` of the table (default: the one no other is built on)"},
		&urfave.StringSliceFlag{Name: prefix + "map", Usage: "what the table calls WORD is this file, or @NAME of the table: `WORD=PATH` (repeatable)"},
		&urfave.StringSliceFlag{Name: prefix + "key", Usage: "file with the raw key for a keyring reference: `DESCRIPTION=FILE` (repeatable)"},
	}
}

func messageFlag() urfave.Flag {
	return &urfave.StringSliceFlag{Name: "message", Usage: "send a message to a target before reading: `DEVICE:SECTOR:TEXT` (repeatable)"}
}

func selectionOf(c *urfave.Context, prefix string) volumeSelection {
	return volumeSelection{
		table: c.String(prefix + "table"), name: c.String(prefix + "name"),
		maps: c.StringSlice(prefix + "map"), keys: c.StringSlice(prefix + "key"),
		messages: c.StringSlice("message"),
	}
}

// openVolume is an open selection.
type openVolume struct {
	*stack.Stack
	devices []tables.Device
	words   map[string]string // device word → path, for every word that leads to a file
}

// check finds wrong use before anything is opened. flag is the name of the table flag.
func (v volumeSelection) check(flag string) error {
	if v.table == "" {
		return &ui.Error{
			Code: ui.ExitWrongUse, Hint: `a table is a text such as "0 2048 linear disk.img 0"; see --help`,
			Err: fmt.Errorf("--%s is missing: give a file with the device-mapper table", flag),
		}
	}
	stdin := 0
	if v.table == "-" {
		stdin++
	}
	for _, k := range v.keys {
		description, path, ok := strings.Cut(k, "=")
		if !ok || description == "" || path == "" {
			return ui.Usagef("--key %q: want DESCRIPTION=FILE", k)
		}
		if strings.HasSuffix(k, "=-") {
			stdin++
		}
	}
	for _, m := range v.maps {
		if word, path, ok := strings.Cut(m, "="); !ok || word == "" || path == "" {
			return ui.Usagef("--map %q: want WORD=PATH or WORD=@NAME", m)
		}
	}
	if stdin > 1 {
		return ui.Usagef("standard input cannot be several things at once")
	}
	return v.checkMessages()
}

// checkMessages takes messages apart. No target that this version can open takes any, as with the kernel:
// it answers the same to a linear or crypt device that is in use.
func (v volumeSelection) checkMessages() error {
	for _, m := range v.messages {
		parts := strings.SplitN(m, ":", 3)
		if len(parts) < 3 || parts[0] == "" || parts[2] == "" || !isDecimal(parts[1]) {
			return ui.Usagef("--message %q: want DEVICE:SECTOR:TEXT", m)
		}
	}
	if len(v.messages) > 0 {
		return &ui.Error{
			Code: ui.ExitFailed,
			Hint: "these targets can be opened: " + strings.Join(openableTargets(), " "),
			Err:  fmt.Errorf("--message %q: no target that this version opens takes messages", v.messages[0]),
		}
	}
	return nil
}

func isDecimal(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != "" && len(s) < 20
}

// open reads the table and opens the device with everything under it.
func (v volumeSelection) open(ctx context.Context, stdin io.Reader, flag int) (*openVolume, error) {
	devices, err := v.devices(ctx, stdin)
	if err != nil {
		return nil, err
	}
	o := v.options(devices)
	o.Flag = flag
	o.Key = func(id string) ([]byte, error) { return v.key(ctx, id, stdin) }
	return v.openStack(o, devices)
}

// openStack opens a selection whose table has been read.
func (v volumeSelection) openStack(o stack.Options, devices []tables.Device) (*openVolume, error) {
	s, err := stack.Open(o, devices, v.name)
	if err != nil {
		return nil, v.explain(err)
	}
	return &openVolume{Stack: s, devices: devices, words: fileWords(devices, o.Map)}, nil
}

// devices reads the table. One device without a name takes the name that was asked for.
func (v volumeSelection) devices(ctx context.Context, stdin io.Reader) ([]tables.Device, error) {
	devices, _, err := readTables(ctx, v.table, stdin)
	if err != nil {
		return nil, err
	}
	if len(devices) == 1 && devices[0].Name == "" {
		devices[0].Name = v.name
	}
	return devices, nil
}

// keyFromStdin reports whether a key comes through standard input.
func (v volumeSelection) keyFromStdin() bool {
	return slices.ContainsFunc(v.keys, func(k string) bool { return strings.HasSuffix(k, "=-") })
}

// options are what stack needs besides files and keys.
func (v volumeSelection) options(devices []tables.Device) stack.Options {
	o := stack.Options{Map: make(map[string]string, len(v.maps))}
	words := deviceWords(devices)
	for _, m := range v.maps {
		word, path := splitMap(m, words)
		o.Map[word] = path
	}
	return o
}

// splitMap takes WORD=PATH apart. Both may hold "=", so that a word of the table counts before the first "=".
func splitMap(m string, words []string) (word, path string) {
	for _, w := range words {
		if rest, ok := strings.CutPrefix(m, w+"="); ok && len(w) > len(word) {
			word, path = w, rest
		}
	}
	if word == "" {
		word, path, _ = strings.Cut(m, "=")
	}
	return word, path
}

// deviceWords lists the device words of all tables, each once.
func deviceWords(devices []tables.Device) []string {
	var words []string
	seen := map[string]bool{}
	for _, d := range devices {
		for _, t := range d.Tables {
			for _, w := range tables.Devices(t) {
				if !seen[w] {
					seen[w] = true
					words = append(words, w)
				}
			}
		}
	}
	return words
}

// fileWords maps the device words to paths, as far as they lead to files.
func fileWords(devices []tables.Device, maps map[string]string) map[string]string {
	files := map[string]string{}
	for _, w := range deviceWords(devices) {
		path, ok := maps[w]
		if !ok {
			path = w
		}
		if _, err := os.Stat(path); err == nil && !strings.HasPrefix(path, "@") {
			files[w] = path
		}
	}
	return files
}

// key reads the key for a table's key word.
func (v volumeSelection) key(ctx context.Context, id string, stdin io.Reader) ([]byte, error) {
	k, err := volume.ParseKeyID(id)
	if err != nil {
		return nil, err
	}
	for _, given := range v.keys {
		if path, ok := strings.CutPrefix(given, k.Description+"="); ok {
			return ui.ReadKeyFile(ctx, ui.KeyFile{Path: path}, stdin)
		}
	}
	return nil, volume.ErrNoKey
}

// explain adds what the user can do about an open that failed.
func (v volumeSelection) explain(err error) error {
	switch {
	case errors.Is(err, volume.ErrNoDevice):
		return ui.Hint(err, "--map WORD=PATH says which file stands for a device word of the table, --name which device to open")
	case errors.Is(err, volume.ErrNoKey):
		return ui.Hint(err, "--key DESCRIPTION=FILE gives the raw key")
	case errors.Is(err, volume.ErrUnsupported):
		return ui.Hint(err, "these targets can be opened: %s", strings.Join(openableTargets(), " "))
	case errors.Is(err, volume.ErrDeviceTooSmall):
		return ui.Hint(err, "the image is cut off, or the table is of another one")
	case errors.Is(err, tables.ErrOverlap), errors.Is(err, tables.ErrInvalid):
		return ui.Hint(err, `"dmimg table check" checks a table`)
	}
	return err
}

// openableTargets lists the targets that have an engine, in the order of the reference.
func openableTargets() []string {
	var names []string
	engines := volume.Builtin()
	for _, name := range tables.Targets() {
		if _, ok := engines[name]; ok {
			names = append(names, name)
		}
	}
	return names
}

// refuseBacking refuses a file that the volume itself is made of, as input or output of a copy. what names
// the argument.
func (o *openVolume) refuseBacking(what, path string) error {
	info := ui.StatFile(path)
	for word, file := range o.words {
		if ui.IsSameFile(info, ui.StatFile(file)) {
			return ui.Failf("%s %s is device %q of the volume itself", what, path, word)
		}
	}
	return nil
}
