package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/tables"
)

// tableFormatOptions is what `table format` is told.
type tableFormatOptions struct {
	file            string
	concise, create bool
}

func tableFormatCommand() *urfave.Command {
	return &urfave.Command{
		Name: "format", Usage: "turn JSON into table text", ArgsUsage: "[FILE.json]",
		Description: `FILE.json (or standard input, when it is left out or "-") is what "dmimg table parse" prints.
The text can be given to "dmsetup create", to "dmimg volume read --table", or to the kernel at boot.
Keys are written as the JSON has them: parse with --show-keys if they are to work.`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "concise", Usage: "write the concise form of dmsetup: name,uuid,minor,flags,table"},
			&urfave.BoolFlag{Name: "create", Usage: "write the boot parameter dm-mod.create="},
		},
		Action: verb(0, 1, func(c *urfave.Context, s ui.Streams) error {
			return tableFormat(c.Context, s, tableFormatOptions{
				file: fileArgument(c.Args().First()), concise: c.Bool("concise"), create: c.Bool("create"),
			})
		}),
	}
}

// tableFormat prints the tables of a JSON document as text.
func tableFormat(ctx context.Context, s ui.Streams, o tableFormatOptions) error {
	if o.concise && o.create {
		return ui.Usagef("--concise and --create exclude each other")
	}
	doc, name, err := readTableText(ctx, o.file, s.In)
	if err != nil {
		return err
	}
	devices, err := tables.DecodeJSON(bytes.NewReader(doc))
	if err != nil {
		return ui.Hint(tableError(name, err), `the JSON is that of "dmimg table parse"`)
	}
	text, err := o.text(devices)
	if err != nil {
		return tableError(name, err)
	}
	if masked(doc) {
		ui.Warnf(s.Err, "%s has masked keys: the text holds zeros in their place and opens nothing (parse with --show-keys to keep them)", name)
	}
	_, err = io.WriteString(s.Out, text)
	return err
}

// text writes devices in the form that was asked for.
func (o tableFormatOptions) text(devices []tables.Device) (text string, err error) {
	switch {
	case o.concise:
		text, err = tables.FormatConcise(devices...)
	case o.create:
		text, err = tables.FormatCreate(devices...)
	default:
		var b bytes.Buffer
		err = tables.FormatDevices(&b, devices...)
		return b.String(), err
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintln(text), nil
}

// masked reports whether some table of the document says that its key is masked.
func masked(doc []byte) bool {
	var d struct {
		Devices []struct {
			Tables []struct {
				KeyMasked bool `json:"key_masked"`
			} `json:"tables"`
		} `json:"devices"`
	}
	if json.Unmarshal(doc, &d) != nil {
		return false // it was read before: the words of another target are of other types
	}
	for _, device := range d.Devices {
		for _, t := range device.Tables {
			if t.KeyMasked {
				return true
			}
		}
	}
	return false
}
