package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
)

// tableCheckOptions is what `table check` is told.
type tableCheckOptions struct {
	file          string
	concise, json bool
}

func tableCheckCommand() *urfave.Command {
	return &urfave.Command{
		Name: "check", Usage: "say whether the kernel would accept a table", ArgsUsage: "[FILE]",
		Description: tableForms + `

Every target's words are checked, and what the kernel demands of a table as a whole: it starts at 0, has
no gap and no overlap, and targets that must be alone are. No device is opened: whether the devices are
there and large enough is what "dmimg volume info" says.
Exits 0 and prints one line for each device, or 1 and says what is wrong, with line, target and word.`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "concise", Usage: "accept the concise form and the boot parameter only"},
			ui.JSONFlag(),
		},
		Action: verb(0, 1, func(c *urfave.Context, s ui.Streams) error {
			return tableCheck(c.Context, s, tableCheckOptions{
				file: fileArgument(c.Args().First()), concise: c.Bool("concise"), json: c.Bool("json"),
			})
		}),
	}
}

// tableSummary is the result for one device.
type tableSummary struct {
	Name      string   `json:"name"`
	UUID      string   `json:"uuid"`
	ReadOnly  bool     `json:"read_only"`
	SizeBytes uint64   `json:"size_bytes"`
	Tables    int      `json:"tables"`
	Targets   []string `json:"targets"`
	Readable  bool     `json:"readable"` // all targets have an engine in userspace
}

// tableCheck validates the tables in a file.
func tableCheck(ctx context.Context, s ui.Streams, o tableCheckOptions) error {
	text, name, err := readTableText(ctx, o.file, s.In)
	if err != nil {
		return err
	}
	if o.concise && !conciseText(string(text)) {
		return ui.Failf("%s: not in the concise form name,uuid,minor,flags,table", name)
	}
	devices, err := parseTables(text, name)
	if err != nil {
		return err
	}
	list := make([]tableSummary, 0, len(devices))
	for _, d := range devices {
		if err := d.Validate(); err != nil {
			return tableError(name, err)
		}
		list = append(list, summaryOf(d))
	}
	if o.json {
		return ui.WriteJSON(s.Out, map[string]any{"ok": true, "devices": list})
	}
	return writeSummaries(s.Out, list)
}

// conciseText reports whether a text is the boot parameter, or starts as the concise form does: a name, a
// UUID, a minor number and "ro" or "rw".
func conciseText(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n\"")
	if strings.HasPrefix(text, "dm-mod.create=") {
		return true
	}
	fields := strings.SplitN(text, ",", 5)
	return len(fields) > 3 && (fields[3] == "ro" || fields[3] == "rw")
}

func summaryOf(d tables.Device) tableSummary {
	sum := tableSummary{Name: d.Name, UUID: d.UUID, ReadOnly: d.ReadOnly, Tables: len(d.Tables), Targets: []string{}, Readable: true}
	engines := volume.Builtin()
	seen := map[string]bool{}
	for _, t := range d.Tables {
		start, length := tables.Extent(t)
		sum.SizeBytes = max(sum.SizeBytes, start+length)
		target := tables.TargetType(t)
		if _, ok := engines[target]; !ok {
			sum.Readable = false
		}
		if !seen[target] {
			seen[target] = true
			sum.Targets = append(sum.Targets, target)
		}
	}
	return sum
}

func writeSummaries(w io.Writer, list []tableSummary) error {
	var b strings.Builder
	for _, d := range list {
		name := d.Name
		if name == "" {
			name = "device"
		}
		fmt.Fprintf(&b, "%s: ok, %d sectors, %s, %s: %s\n", name, d.SizeBytes/tables.SectorSize,
			ui.FormatSize(int64(d.SizeBytes)), tableCount(d.Tables), strings.Join(d.Targets, " "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func tableCount(n int) string {
	if n == 1 {
		return "1 table"
	}
	return fmt.Sprintf("%d tables", n)
}
