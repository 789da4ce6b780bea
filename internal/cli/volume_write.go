package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume"
)

// volumeWriteOptions is what `volume write` is told.
type volumeWriteOptions struct {
	volumeSource
	byteRange
	in       string
	zeroRest bool // zeros follow IN, up to the end of the volume
	json     bool
	progress ui.ProgressMode
	jobs     int
}

func volumeWriteCommand() *urfave.Command {
	flags := append(sourceFlags("write into the data of"), rangeFlags()...)
	return &urfave.Command{
		Name: "write", Usage: "write IN into a table's device", ArgsUsage: "IN",
		Description: selectionHelp + `

IN ("-" is standard input) is written from --offset on, as the kernel would write it to the mapped device:
a crypt target encrypts, a striped one distributes. With --luks it goes into the data of a LUKS image, opened
by a passphrase or key. The files under the volume are changed in place; what was written before an error or
an interruption stays written. An IN that is larger than the room from --offset to the end of the volume is
refused before anything is changed; a stream is refused when it turns out to be.
  dmimg volume write --table crypt.table --key home=key.bin plain.img`,
		Flags: append(flags, messageFlag(), ui.JSONFlag(), ui.ProgressFlag(), ui.JobsFlag(),
			&urfave.BoolFlag{Name: "force", Usage: "accepted and not needed: the table names what is written to"}),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			source, err := sourceOf(c)
			if err != nil {
				return err
			}
			return volumeWrite(c.Context, s, volumeWriteOptions{
				volumeSource: source, byteRange: rangeOf(c), in: c.Args().First(),
				json: c.Bool("json"), progress: ui.ProgressOf(c), jobs: ui.JobsOf(c),
			})
		}),
	}
}

// volumeWriteReport is the JSON of `volume write`.
type volumeWriteReport struct {
	Device      string `json:"device"`
	In          string `json:"in"`
	OffsetBytes int64  `json:"offset_bytes"`
	LengthBytes int64  `json:"length_bytes"`
}

// volumeWrite copies a file or stdin into a volume.
func volumeWrite(ctx context.Context, s ui.Streams, o volumeWriteOptions) (err error) {
	if err := o.checkSource(); err != nil {
		return err
	}
	if err := o.checkStdin(); err != nil {
		return err
	}
	in, err := ui.OpenInput(ctx, o.in, s.In)
	if err != nil {
		return err
	}
	defer in.Close()
	defer limitJobs(o.jobs)()
	v, err := o.openSource(ctx, s, os.O_RDWR)
	if err != nil {
		return err
	}
	defer closeInto(v, &err)
	n, err := o.copyIn(ctx, s, in, v, "write")
	if err != nil {
		return err
	}
	if !o.json {
		return nil
	}
	return ui.WriteJSON(s.Out, volumeWriteReport{v.Name(), o.in, o.offset, n})
}

// checkStdin refuses standard input as several things.
func (o volumeWriteOptions) checkStdin() error {
	if o.in == "-" && o.usesStdin() {
		return ui.Usagef("standard input cannot be several things at once")
	}
	return nil
}

// copyIn writes IN into an open volume, and returns how many bytes IN had.
func (o volumeWriteOptions) copyIn(ctx context.Context, s ui.Streams, in *ui.Input, v *openVolume, title string) (int64, error) {
	if err := v.refuseBacking("IN", o.in); err != nil && o.in != "-" {
		return 0, err
	}
	size, err := v.Size()
	if err != nil {
		return 0, err
	}
	length, err := o.settle(in, size)
	if err != nil {
		return 0, err
	}
	progress := ui.NewProgress(s.Err, o.progress, title, o.total(length, size))
	defer progress.Close()
	n, err := o.transfer(ctx, in, v, size, length, progress)
	if err != nil {
		return n, err
	}
	if err := v.Sync(); err != nil {
		return n, err
	}
	progress.Finish()
	return n, nil
}

// total is how many bytes will be written, -1 if that is not known.
func (o volumeWriteOptions) total(length, size int64) int64 {
	if o.zeroRest {
		return size - o.offset
	}
	return length
}

// writable explains why a volume cannot be opened for writing.
func writable(err error) error {
	if errors.Is(err, volume.ErrReadOnly) {
		return ui.Hint(err, "verity devices, and devices that the table marks read-only, cannot be written")
	}
	return err
}

// settle returns how many bytes will be written, -1 for all of a stream.
func (o volumeWriteOptions) settle(in *ui.Input, size int64) (int64, error) {
	if o.offset > size {
		return 0, ui.Failf("--offset %d is past the end: the volume has %s", o.offset, ui.FormatSize(size))
	}
	length := o.length
	if !in.IsStream() {
		if length < 0 {
			length = in.Size()
		}
		if length > in.Size() {
			return 0, ui.Failf("--length %d: %s has %s", length, in.Name(), ui.FormatSize(in.Size()))
		}
	}
	if length > size-o.offset {
		return 0, &ui.Error{
			Code: ui.ExitFailed, Hint: "--length takes a part of IN",
			Err: fmt.Errorf("%s does not fit: %s to write at offset %d, the volume has %s",
				in.Name(), ui.FormatSize(length), o.offset, ui.FormatSize(size)),
		}
	}
	return length, nil
}

// writeChunk is how many bytes are written at a time: enough for the engines to use all cores.
const writeChunk = 4 << 20

// transfer writes length bytes of in (-1: all of a stream) to v, which has size bytes, and what shall follow.
// It returns how many bytes in had.
func (o volumeWriteOptions) transfer(ctx context.Context, in *ui.Input, v *openVolume, size, length int64, p *ui.Progress) (int64, error) {
	r, err := in.Reader(0, length)
	if err != nil {
		return 0, err
	}
	source := &paddedReader{r: r}
	if o.zeroRest {
		source.size = size - o.offset
	}
	w := &volumeWriter{w: volume.Bytes(v), off: o.offset, size: size, progress: p}
	if _, err := copyChunks(ctx, w, source); err != nil {
		return source.had, err
	}
	if length >= 0 && source.had < length {
		return source.had, ui.Failf("%s ended after %d of %d bytes, which were written", in.Name(), source.had, length)
	}
	return source.had, nil
}

// volumeWriter writes to a volume in order.
type volumeWriter struct {
	w         io.WriterAt
	off, size int64
	progress  *ui.Progress
}

// Write adds p at the next place.
func (w *volumeWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > w.size-w.off {
		return 0, ui.Failf("the input is larger than the volume: %s up to here were written", ui.FormatSize(w.off))
	}
	n, err := w.w.WriteAt(p, w.off)
	w.off += int64(n)
	w.progress.Add(int64(n))
	return n, err
}

// copyChunks copies r to w in whole chunks, until its end or that of ctx. The next chunk is read while the
// last one is written.
func copyChunks(ctx context.Context, w io.Writer, r io.Reader) (written int64, err error) {
	type chunk struct {
		data []byte
		err  error
	}
	chunks, free := make(chan chunk, 1), make(chan []byte, 2)
	free <- make([]byte, writeChunk)
	free <- make([]byte, writeChunk)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(chunks)
		for {
			var buf []byte
			select {
			case buf = <-free:
			case <-ctx.Done():
				return
			}
			n, err := io.ReadFull(r, buf)
			select {
			case chunks <- chunk{buf[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for c := range chunks {
		if ctx.Err() != nil {
			break
		}
		n, err := w.Write(c.data)
		written += int64(n)
		switch {
		case err != nil:
			return written, err
		case errors.Is(c.err, io.EOF), errors.Is(c.err, io.ErrUnexpectedEOF):
			return written, nil
		case c.err != nil:
			return written, c.err
		}
		free <- c.data[:cap(c.data)]
	}
	return written, context.Cause(ctx)
}
