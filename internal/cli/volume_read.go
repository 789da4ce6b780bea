package cli

import (
	"context"
	"io"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume"
)

// volumeReadOptions is what `volume read` is told.
type volumeReadOptions struct {
	volumeSource
	byteRange
	out                    string // "-" is stdout
	keepGoing, force, json bool
	progress               ui.ProgressMode
	jobs                   int
}

func volumeReadCommand() *urfave.Command {
	flags := append(sourceFlags("read the data of"), rangeFlags()...)
	return &urfave.Command{
		Name: "read", Usage: "write what a table's device holds to OUT or standard output", ArgsUsage: "[OUT]",
		Description: selectionHelp + `

The bytes are those that the kernel would return for the mapped device. Files under the volume are never
changed. With --luks it is the data of a LUKS image, opened by a passphrase or key. OUT appears when all of it is written, or not at all; holes and runs of zeros become holes.
Where a sector cannot be read or does not authenticate, the range is named and the exit status is 3: no OUT
is left then, and standard output ends before that sector. With --keep-going zeros take its place, the rest
is read, OUT is kept, and each such range is a line "unreadable OFFSET LENGTH" on stderr (bytes of the
volume); the exit status is 3 all the same.
  dmimg volume read --table root.table --map 7:0=disk.img root.img`,
		Flags: append(flags, keepGoingFlag(), messageFlag(), ui.ForceFlag(), ui.JSONFlag(), ui.ProgressFlag(), ui.JobsFlag()),
		Action: verb(0, 1, func(c *urfave.Context, s ui.Streams) error {
			source, err := sourceOf(c)
			if err != nil {
				return err
			}
			return volumeRead(c.Context, s, volumeReadOptions{
				volumeSource: source, byteRange: rangeOf(c), out: fileArgument(c.Args().First()),
				keepGoing: c.Bool("keep-going"), force: c.Bool("force"), json: c.Bool("json"),
				progress: ui.ProgressOf(c), jobs: ui.JobsOf(c),
			})
		}),
	}
}

// volumeReadReport is the JSON of `volume read`.
type volumeReadReport struct {
	Device      string          `json:"device"`
	Out         string          `json:"out"`
	OffsetBytes int64           `json:"offset_bytes"`
	LengthBytes int64           `json:"length_bytes"`
	Unreadable  []volume.Extent `json:"unreadable"`
}

// volumeRead copies a part of a volume to a file or stdout.
func volumeRead(ctx context.Context, s ui.Streams, o volumeReadOptions) (err error) {
	if o.json && o.out == "-" {
		return ui.Usagef("--json needs OUT: standard output is taken by the data")
	}
	if err := o.checkSource(); err != nil {
		return err
	}
	defer limitJobs(o.jobs)()
	v, err := o.openSource(ctx, s, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer closeInto(v, &err)
	return o.copyOut(ctx, s, v, "read")
}

// copyOut copies a range of an open volume to OUT.
func (o volumeReadOptions) copyOut(ctx context.Context, s ui.Streams, v *openVolume, title string) error {
	size, err := v.Size()
	if err != nil {
		return err
	}
	r, err := o.within(size)
	if err != nil {
		return err
	}
	progress := ui.NewProgress(s.Err, o.progress, title, r.length)
	defer progress.Close()
	c := copyOfRange{v, r, volume.ReadOptions{KeepGoing: o.keepGoing, Progress: progress.Add}}
	var bad []volume.Extent
	if o.out == "-" {
		bad, err = c.to(ctx, s.Out)
	} else if err = v.refuseBacking("OUT", o.out); err == nil {
		bad, err = c.toFile(ctx, o.out, o.force)
	}
	if err != nil {
		return readFailure(err)
	}
	progress.Finish()
	if o.json {
		if err := ui.WriteJSON(s.Out, volumeReadReport{v.Name(), o.out, r.offset, r.length, extents(bad)}); err != nil {
			return err
		}
	}
	return listUnreadable(s.Err, bad)
}

// copyOfRange is a range of a volume on its way out.
type copyOfRange struct {
	v       *openVolume
	r       byteRange
	options volume.ReadOptions
}

// to copies it in order.
func (c copyOfRange) to(ctx context.Context, w io.Writer) ([]volume.Extent, error) {
	return volume.ReadRange(ctx, volume.Bytes(c.v), w, c.r.offset, c.r.length, c.options)
}

// toFile copies it to a file that appears when all of it is written. A new file gets holes.
func (c copyOfRange) toFile(ctx context.Context, path string, force bool) ([]volume.Extent, error) {
	out, err := ui.CreateOutput(path, ui.OutputOptions{Force: force})
	if err != nil {
		return nil, err
	}
	defer out.Close()
	info, err := out.Stat()
	if err != nil {
		return nil, err
	}
	var bad []volume.Extent
	if info.Mode().IsRegular() {
		bad, err = volume.CopyRange(ctx, volume.Bytes(c.v), out, c.r.offset, c.r.length, c.options)
	} else {
		bad, err = c.to(ctx, out)
	}
	if err != nil {
		return nil, err
	}
	return bad, ui.CommitAll(out)
}

// closeInto closes c and, when nothing else went wrong, makes its error the one to return.
func closeInto(c io.Closer, err *error) {
	if closeErr := c.Close(); *err == nil {
		*err = closeErr
	}
}
