package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// cryptConvert decrypts or encrypts a run of sectors from IN to OUT.
func cryptConvert(ctx context.Context, s ui.Streams, o cryptOptions) (err error) {
	if err := o.checkRange(); err != nil {
		return err
	}
	if o.in == "-" && o.key.usesStdin() {
		return ui.Usagef("standard input cannot be both IN and the key")
	}
	cipher, err := newSectorCipher(ctx, s, o)
	if err != nil {
		return err
	}
	in, err := ui.OpenInput(ctx, o.in, s.In)
	if err != nil {
		return err
	}
	defer in.Close()
	inOffset, outOffset := o.offset, int64(0)
	if !o.decrypting {
		inOffset, outOffset = 0, o.offset
	}
	length, err := o.settleLength(in, inOffset)
	if err != nil {
		return err
	}
	job := &conversion{
		unit: o.config.SectorSize, jobs: o.jobs, in: in, inOffset: inOffset, outOffset: outOffset, length: length,
		convert: cipher.EncryptSectors,
	}
	title := "encrypt"
	if o.decrypting {
		job.convert, title = cipher.DecryptSectors, "decrypt"
	}
	progress := ui.NewProgress(s.Err, o.progress, title, length)
	defer progress.Close()
	job.progress = progress
	if o.out == "-" {
		if outOffset != 0 {
			return ui.Usagef("--offset: there are no places in standard output")
		}
		if err := job.stream(ctx, s.Out); err != nil {
			return err
		}
		progress.Finish()
		return nil
	}
	return o.toFile(ctx, job)
}

// settleLength returns the bytes to convert, -1 when only the end of a stream will
// tell. What is there must be whole sectors.
func (o cryptOptions) settleLength(in *ui.Input, offset int64) (int64, error) {
	if in.IsStream() {
		return o.length, nil
	}
	rest := in.Size() - offset
	unit := int64(o.config.SectorSize)
	switch {
	case rest < 0:
		return 0, ui.Failf("%s has %s: there is nothing at --offset %d", in.Name(), ui.FormatSize(in.Size()), offset)
	case o.length > rest:
		return 0, ui.Failf("%s has %d bytes from offset %d on, --length asks for %d", in.Name(), rest, offset, o.length)
	case o.length >= 0:
		return o.length, nil
	case rest%unit != 0:
		return 0, raggedSectors(in.Name(), rest, unit)
	}
	return rest, nil
}

func raggedSectors(name string, length, unit int64) error {
	return ui.Hint(
		ui.Failf("%s: %d bytes are not whole sectors of %d bytes: %d are left over", name, length, unit, length%unit),
		"--length converts less; is --sector-size right?")
}

// toFile converts into a file that appears when all of it is there.
func (o cryptOptions) toFile(ctx context.Context, job *conversion) (err error) {
	info := ui.StatFile(o.out)
	if ui.IsSameFile(job.in.Info(), info) {
		return ui.Usagef("IN and OUT are the same file")
	}
	out, err := o.openOut(info != nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	file, ok := out.(*ui.Output)
	if ok && job.length > 0 {
		if err := file.CheckRoom(job.outOffset + job.length); err != nil {
			return err
		}
	}
	if job.in.IsStream() || ok && !file.IsSeekable() {
		err = job.stream(ctx, offsetWriter(out, job.outOffset))
	} else {
		err = job.parallel(ctx, out)
	}
	if err != nil {
		return err
	}
	if err := ui.CommitAll(out); err != nil {
		return err
	}
	job.progress.Finish()
	return nil
}

// openOut opens OUT. An image that keeps its surroundings is patched.
func (o cryptOptions) openOut(exists bool) (ui.Target, error) {
	if exists && o.force && !o.decrypting && o.offset > 0 {
		return ui.OpenPatch(o.out, o.offset)
	}
	return ui.CreateOutput(o.out, ui.OutputOptions{Force: o.force})
}

// offsetWriter writes in order from an offset on. A pipe has no offsets; it is
// written as it is.
func offsetWriter(t ui.Target, offset int64) io.Writer {
	if out, ok := t.(*ui.Output); ok && !out.IsSeekable() {
		return out
	}
	return io.NewOffsetWriter(t, offset)
}

// describeRange names a run of bytes for an error.
func describeRange(in *ui.Input, off int64) string {
	return fmt.Sprintf("%s at offset %d", in.Name(), off)
}
