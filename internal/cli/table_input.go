package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/tables"
)

// maxTableText is the longest table that is read, in bytes.
const maxTableText = 64 << 20

// readTableText reads the text at path whole; "-" is stdin.
func readTableText(ctx context.Context, path string, stdin io.Reader) (text []byte, name string, err error) {
	in, err := ui.OpenInput(ctx, path, stdin)
	if err != nil {
		return nil, "", err
	}
	defer in.Close()
	if in.Size() > maxTableText {
		return nil, "", ui.Failf("%s has %s: this is no table", in.Name(), ui.FormatSize(in.Size()))
	}
	r, err := in.Reader(0, -1)
	if err != nil {
		return nil, "", err
	}
	text, err = io.ReadAll(io.LimitReader(r, maxTableText+1))
	if err != nil {
		return nil, "", ui.Failf("reading %s: %w", in.Name(), err)
	}
	if len(text) > maxTableText {
		return nil, "", ui.Failf("%s has more than %s: this is no table", in.Name(), ui.FormatSize(maxTableText))
	}
	return text, in.Name(), nil
}

// readTables reads the devices that the table text at path describes.
func readTables(ctx context.Context, path string, stdin io.Reader) (devices []tables.Device, name string, err error) {
	text, name, err := readTableText(ctx, path, stdin)
	if err != nil {
		return nil, "", err
	}
	devices, err = parseTables(text, name)
	return devices, name, err
}

// parseTables reads the devices that text describes; name is the text's, for errors.
func parseTables(text []byte, name string) ([]tables.Device, error) {
	devices, err := tables.ParseDevices(bytes.NewReader(text))
	if err != nil {
		return nil, tableError(name, err)
	}
	if len(devices) == 0 {
		return nil, &ui.Error{
			Code: ui.ExitFailed, Hint: "a table line is: START LENGTH TARGET WORDS, for instance: 0 2048 linear disk.img 0",
			Err: fmt.Errorf("%s holds no table", name),
		}
	}
	return devices, nil
}

// tableError says which text an error of package tables is about.
func tableError(name string, err error) error {
	return ui.Failf("%s: %w", name, err)
}

// fileArgument is the optional FILE of a verb; "-" without it.
func fileArgument(word string) string {
	if word == "" {
		return "-"
	}
	return word
}
