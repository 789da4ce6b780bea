package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume"
)

// volumeCopyOptions is what `volume copy` is told.
type volumeCopyOptions struct {
	from, to        volumeSelection
	fromRange       byteRange
	toOffset        int64
	keepGoing, json bool
	progress        ui.ProgressMode
	jobs            int
}

func volumeCopyCommand() *urfave.Command {
	flags := append(selectionFlags("from-"), selectionFlags("to-")...)
	return &urfave.Command{
		Name: "copy", Usage: "copy one table's device into another one",
		Description: `Reads the device of --from-table and writes it to the device of --to-table, for instance to decrypt an
image, to encrypt it with another cipher, or to put a striped volume back together in one file:
  dmimg volume copy --from-table old.table --to-table new.table
Both tables are those of "dmimg volume read --help"; --map and --key hold for both, --from-map, --to-map,
--from-key and --to-key for one. Runs of zeros are not written where the destination reads as zeros already,
so that holes stay holes. The destination must have room for all that is copied; what lies behind it stays.
The two devices must not share a file. The destination is written in place: what was written before an error
or an interruption stays written.`,
		Flags: append(flags,
			&urfave.StringSliceFlag{Name: "map", Usage: "as --from-map and --to-map: `WORD=PATH` (repeatable)"},
			&urfave.StringSliceFlag{Name: "key", Usage: "as --from-key and --to-key: `DESCRIPTION=FILE` (repeatable)"},
			ui.SizeFlag("from-offset", "start reading at byte `OFFSET` (default 0)"),
			ui.SizeFlag("to-offset", "start writing at byte `OFFSET` (default 0)"),
			ui.SizeFlag("length", "`BYTES` to copy (default: to the end)"),
			keepGoingFlag(), ui.JSONFlag(), ui.ProgressFlag(), ui.JobsFlag()),
		Action: verb(0, 0, func(c *urfave.Context, s ui.Streams) error {
			o := volumeCopyOptions{
				from: selectionOf(c, "from-"), to: selectionOf(c, "to-"),
				fromRange: byteRange{ui.SizeOf(c, "from-offset", 0), ui.SizeOf(c, "length", -1)},
				toOffset:  ui.SizeOf(c, "to-offset", 0),
				keepGoing: c.Bool("keep-going"), json: c.Bool("json"), progress: ui.ProgressOf(c), jobs: ui.JobsOf(c),
			}
			for _, v := range []*volumeSelection{&o.from, &o.to} {
				v.maps = append(c.StringSlice("map"), v.maps...)
				v.keys = append(v.keys, c.StringSlice("key")...)
			}
			return volumeCopy(c.Context, s, o)
		}),
	}
}

// volumeCopyReport is the JSON of `volume copy`.
type volumeCopyReport struct {
	From            string          `json:"from"`
	To              string          `json:"to"`
	FromOffsetBytes int64           `json:"from_offset_bytes"`
	ToOffsetBytes   int64           `json:"to_offset_bytes"`
	LengthBytes     int64           `json:"length_bytes"`
	WrittenBytes    int64           `json:"written_bytes"` // without the zeros that were there already
	Unreadable      []volume.Extent `json:"unreadable"`
}

// volumeCopy copies a part of one volume into another.
func volumeCopy(ctx context.Context, s ui.Streams, o volumeCopyOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	defer limitJobs(o.jobs)()
	from, err := o.from.open(ctx, s.In, os.O_RDONLY)
	if err != nil {
		return fmt.Errorf("--from-table: %w", err)
	}
	defer closeInto(from, &err)
	to, err := o.to.open(ctx, s.In, os.O_RDWR)
	if err != nil {
		return writable(fmt.Errorf("--to-table: %w", err))
	}
	defer closeInto(to, &err)
	r, err := o.settle(from, to)
	if err != nil {
		return err
	}
	progress := ui.NewProgress(s.Err, o.progress, "copy", r.length)
	defer progress.Close()
	w := &zeroSkipper{dst: volume.Bytes(to), off: o.toOffset}
	bad, err := volume.ReadRange(ctx, volume.Bytes(from), w, r.offset, r.length,
		volume.ReadOptions{KeepGoing: o.keepGoing, Progress: progress.Add})
	if err != nil {
		return readFailure(err)
	}
	if err := to.Sync(); err != nil {
		return err
	}
	progress.Finish()
	if o.json {
		err = ui.WriteJSON(s.Out, volumeCopyReport{from.Name(), to.Name(), r.offset, o.toOffset, r.length, w.written, extents(bad)})
		if err != nil {
			return err
		}
	}
	return listUnreadable(s.Err, bad)
}

func (o volumeCopyOptions) check() error {
	if err := o.from.check("from-table"); err != nil {
		return err
	}
	if err := o.to.check("to-table"); err != nil {
		return err
	}
	if o.from.table == "-" && o.to.table == "-" {
		return ui.Usagef("standard input cannot be several things at once")
	}
	return nil
}

// settle makes sure that the copy fits, and that the volumes have nothing in common.
func (o volumeCopyOptions) settle(from, to *openVolume) (byteRange, error) {
	size, err := from.Size()
	if err != nil {
		return byteRange{}, err
	}
	room, err := to.Size()
	if err != nil {
		return byteRange{}, err
	}
	r, err := o.fromRange.within(size)
	if err != nil {
		return r, fmt.Errorf("--from-table: %w", err)
	}
	if o.toOffset > room || r.length > room-o.toOffset {
		return r, ui.Failf("%s do not fit: the device of --to-table has %s, of which %d bytes are before --to-offset",
			ui.FormatSize(r.length), ui.FormatSize(room), min(o.toOffset, room))
	}
	for word, file := range from.words {
		for other, place := range to.words {
			if ui.IsSameFile(ui.StatFile(file), ui.StatFile(place)) {
				return r, ui.Failf("device %q of --from-table and %q of --to-table are one file, %s: copy to another file first", word, other, file)
			}
		}
	}
	return r, nil
}

// zeroSkipper writes in order and leaves out zeros that the destination holds already.
type zeroSkipper struct {
	dst     *volume.ByteVolume
	off     int64
	written int64
	buf     []byte // what the destination holds
}

// skipUnit is the run of zeros, in bytes, that is worth a look at the destination.
const skipUnit = 64 << 10

var skipZeros [skipUnit]byte

// Write adds p at the next place.
func (z *zeroSkipper) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		n := z.run(p[done:], true)
		if n > 0 {
			if err := z.WriteHole(int64(n)); err != nil {
				return done, err
			}
			done += n
			continue
		}
		n = z.run(p[done:], false)
		m, err := z.dst.WriteAt(p[done:done+n], z.off)
		z.off += int64(m)
		z.written += int64(m)
		done += m
		if err != nil {
			return done, err
		}
	}
	return len(p), nil
}

// run returns the length of the run of pieces at the start of p that are zero, or are not.
func (z *zeroSkipper) run(p []byte, zero bool) (n int) {
	for n < len(p) {
		piece := p[n:min(len(p), n+skipUnit-int((z.off+int64(n))%skipUnit))]
		if bytes.Equal(piece, skipZeros[:len(piece)]) != zero {
			return n
		}
		n += len(piece)
	}
	return n
}

// WriteHole makes n bytes from the next place on read as zeros.
func (z *zeroSkipper) WriteHole(n int64) error {
	data, err := z.dst.Extents(z.off, n)
	if err != nil {
		return err
	}
	end := z.off + n
	for _, e := range data {
		if err := z.zero(max(e.Offset, z.off), min(e.Offset+e.Length, end)); err != nil {
			return err
		}
	}
	z.off = end
	return nil
}

// zero makes [off, end) zeros where it is not.
func (z *zeroSkipper) zero(off, end int64) error {
	if z.buf == nil {
		z.buf = make([]byte, skipUnit)
	}
	for off < end {
		n := int(min(end-off, skipUnit-off%skipUnit))
		if m, err := z.dst.ReadAt(z.buf[:n], off); m == n && (err == nil || err == io.EOF) && bytes.Equal(z.buf[:n], skipZeros[:n]) {
			off += int64(n)
			continue
		}
		if _, err := z.dst.WriteAt(skipZeros[:n], off); err != nil {
			return err
		}
		z.written += int64(n)
		off += int64(n)
	}
	return nil
}
