package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
)

// volumeInfoOptions is what `volume info` is told.
type volumeInfoOptions struct {
	volumeSelection
	image string
	json  bool
}

func volumeInfoCommand() *urfave.Command {
	return &urfave.Command{
		Name: "info", Usage: "say what a table describes: devices, sizes, files under them", ArgsUsage: "[IMAGE]",
		Description: selectionHelp + `

Prints every device of the table with its targets and what their device words lead to, and opens the one
that "volume read" would open, to see that nothing is missing or too short: exit status 1 says it is. No key
is needed, and no data is read.
With IMAGE instead of --table it does what "dmimg inspect IMAGE" does: it says what the image is, and which
table line would open it.`,
		Flags: append(selectionFlags(""), ui.JSONFlag()),
		Action: verb(0, 1, func(c *urfave.Context, s ui.Streams) error {
			return volumeInfo(c.Context, s, volumeInfoOptions{
				volumeSelection: selectionOf(c, ""), image: c.Args().First(), json: c.Bool("json"),
			})
		}),
	}
}

// volumeReport is the JSON of `volume info`.
type volumeReport struct {
	Device         string         `json:"device"` // the one that is opened
	SizeBytes      int64          `json:"size_bytes"`
	BlockSizeBytes int            `json:"block_size_bytes,omitempty"` // read, or fails, as a whole
	Openable       bool           `json:"openable"`
	Problem        string         `json:"problem,omitempty"` // why it cannot be opened
	Devices        []deviceReport `json:"devices"`
}

type deviceReport struct {
	Name      string        `json:"name"`
	UUID      string        `json:"uuid"`
	ReadOnly  bool          `json:"read_only"`
	SizeBytes uint64        `json:"size_bytes"`
	Tables    []tableReport `json:"tables"`
}

type tableReport struct {
	StartBytes  uint64       `json:"start_bytes"`
	LengthBytes uint64       `json:"length_bytes"`
	Target      string       `json:"target"`
	Line        string       `json:"line"` // keys masked
	Devices     []wordReport `json:"devices"`
}

// wordReport says what a device word leads to: a device of the table, a file, or nothing.
type wordReport struct {
	Word      string `json:"word"`
	Device    string `json:"device,omitempty"`
	Path      string `json:"path,omitempty"`
	SizeBytes *int64 `json:"size_bytes,omitempty"`
	Problem   string `json:"problem,omitempty"`
}

// volumeInfo describes a table or an image.
func volumeInfo(ctx context.Context, s ui.Streams, o volumeInfoOptions) error {
	if o.image != "" {
		if o.table != "" {
			return ui.Usagef("--table and IMAGE exclude each other")
		}
		return inspectImages(ctx, s, inspectOptions{images: []string{o.image}, length: -1, json: o.json})
	}
	if o.table == "" {
		return ui.Usagef("give --table FILE or IMAGE")
	}
	if err := o.check("table"); err != nil {
		return err
	}
	devices, err := o.devices(ctx, s.In)
	if err != nil {
		return err
	}
	report := describeDevices(devices, o.options(devices).Map)
	opened := o.tryOpen(devices, &report)
	if o.json {
		err = ui.WriteJSON(s.Out, report)
	} else {
		err = writeVolumeReport(s.Out, &report)
	}
	if err != nil {
		return err
	}
	return opened
}

// tryOpen opens the selected device and notes its size. Keys from the keyring are not needed to know it, so
// that zeros take their place.
func (o volumeInfoOptions) tryOpen(devices []tables.Device, report *volumeReport) (err error) {
	so := o.options(devices)
	so.Key = func(id string) ([]byte, error) {
		k, err := volume.ParseKeyID(id)
		if err != nil {
			return nil, err
		}
		if k.Size > maxKeyBytes {
			return nil, fmt.Errorf("a key of %d bytes: at most %d", k.Size, maxKeyBytes)
		}
		return make([]byte, k.Size), nil
	}
	v, err := o.openStack(so, devices)
	if err != nil {
		report.Problem = err.Error()
		report.Device = o.name
		return err
	}
	defer closeInto(v, &err)
	report.Openable, report.Device, report.BlockSizeBytes = true, v.Name(), v.BlockSize()
	report.SizeBytes, err = v.Size()
	return err
}

// maxKeyBytes bounds the key that a table may ask for.
const maxKeyBytes = 64 << 10

// describeDevices lists what the table says, and what its words lead to.
func describeDevices(devices []tables.Device, maps map[string]string) volumeReport {
	report := volumeReport{Devices: []deviceReport{}}
	names := map[string]bool{}
	for _, d := range devices {
		names[d.Name] = true
	}
	for _, d := range devices {
		r := deviceReport{Name: d.Name, UUID: d.UUID, ReadOnly: d.ReadOnly, Tables: []tableReport{}}
		for _, t := range d.Tables {
			start, length := tables.Extent(t)
			r.SizeBytes = max(r.SizeBytes, start+length)
			tr := tableReport{StartBytes: start, LengthBytes: length, Target: tables.TargetType(t), Devices: []wordReport{}}
			if line, err := tables.LineOf(t); err == nil {
				tr.Line = line.String()
			}
			for _, word := range tables.Devices(t) {
				tr.Devices = append(tr.Devices, describeWord(word, maps, names))
			}
			r.Tables = append(r.Tables, tr)
		}
		report.Devices = append(report.Devices, r)
	}
	return report
}

// describeWord says what a device word leads to, in the order in which package stack looks it up.
func describeWord(word string, maps map[string]string, names map[string]bool) wordReport {
	r := wordReport{Word: word}
	path, mapped := maps[word]
	if name, ok := strings.CutPrefix(path, "@"); ok {
		r.Device = name
		if !names[name] {
			r.Problem = "the table has no such device"
		}
		return r
	}
	if name, ok := strings.CutPrefix(word, "/dev/mapper/"); ok && !mapped && names[name] {
		r.Device = name
		return r
	}
	if !mapped {
		path = word
	}
	size, err := fileSize(path)
	switch {
	case err == nil:
		r.Path, r.SizeBytes = path, &size
	case !mapped && errors.Is(err, os.ErrNotExist):
		r.Problem = "no file of this name, and no --map for it"
	default:
		r.Path, r.Problem = path, err.Error()
	}
	return r
}

// fileSize is the size of a file or block device in bytes.
func fileSize(path string) (size int64, err error) {
	b, err := volume.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	defer closeInto(b, &err)
	return b.Size()
}

func writeVolumeReport(w io.Writer, r *volumeReport) error {
	var b strings.Builder
	for _, d := range r.Devices {
		name := d.Name
		if name == "" {
			name = "(no name)"
		}
		fmt.Fprintf(&b, "device %s\n", name)
		if d.UUID != "" {
			fmt.Fprintf(&b, "  uuid %s\n", d.UUID)
		}
		fmt.Fprintf(&b, "  size %d sectors, %s\n", d.SizeBytes/tables.SectorSize, ui.FormatSize(int64(d.SizeBytes)))
		for _, t := range d.Tables {
			fmt.Fprintf(&b, "  sectors %d to %d: %s\n", t.StartBytes/tables.SectorSize, (t.StartBytes+t.LengthBytes)/tables.SectorSize-1, t.Target)
			for _, word := range t.Devices {
				fmt.Fprintf(&b, "    %s\n", word.text())
			}
		}
	}
	if r.Openable {
		name := r.Device
		if name == "" {
			name = "the device"
		}
		fmt.Fprintf(&b, "%s can be opened: %s\n", name, ui.FormatSize(r.SizeBytes))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r wordReport) text() string {
	switch {
	case r.Problem != "":
		return fmt.Sprintf("%s: %s", r.Word, r.Problem)
	case r.Device != "":
		return fmt.Sprintf("%s is device %s of this table", r.Word, r.Device)
	case r.Path != r.Word:
		return fmt.Sprintf("%s is %s, %s", r.Word, r.Path, ui.FormatSize(*r.SizeBytes))
	}
	return fmt.Sprintf("%s, %s", r.Path, ui.FormatSize(*r.SizeBytes))
}
