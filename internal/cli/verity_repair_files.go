package cli

import (
	"context"
	"errors"
	"io"

	"github.com/dmimg/dmimg/internal/cli/journal"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// files are the files of the image, to be changed in place.
func (i *verityImage) files() *imageFiles {
	if i.parity == nil {
		return newImageFiles(i.data, i.hash, nil)
	}
	return newImageFiles(i.data, i.hash, i.parity.device)
}

// createOut starts the repaired copy; nil without --out.
func (j *repairJob) createOut() (*ui.Output, error) {
	if j.o.out == "" || j.o.dryRun {
		return nil, nil
	}
	for _, file := range j.files.list {
		if ui.IsSameFile(file.Info(), ui.StatFile(j.o.out)) {
			return nil, ui.Usagef("--out %s is a file of the image; without --out it is repaired in place", j.o.out)
		}
	}
	out, err := ui.CreateOutput(j.o.out, ui.OutputOptions{Force: j.o.force})
	if err != nil {
		return nil, err
	}
	if !out.IsSeekable() {
		return nil, errors.Join(ui.Usagef("--out %s: neither a file nor a block device", j.o.out), out.Close())
	}
	if err := out.CheckRoom(j.image.data.Size()); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

// copyChunk is how many bytes are copied at a time.
const copyChunk = 1 << 20

// writeCopy copies DATA, with what was repaired in it, whole or not at all.
func (j *repairJob) writeCopy(ctx context.Context, s ui.Streams, out *ui.Output) error {
	in := j.image.data
	progress := ui.NewProgress(s.Err, j.o.progress, "copy", in.Size())
	defer progress.Close()
	info, err := out.Stat()
	if err != nil {
		return ui.Failf("writing %s: %w", out.Path(), err)
	}
	buf := make([]byte, copyChunk)
	for at := int64(0); at < in.Size(); {
		begin, end := at, in.Size()
		if info.Mode().IsRegular() { // what lies there otherwise must be overwritten with zeros
			begin, end = nextRun(in, at)
		}
		progress.Add(begin - at)
		for at = begin; at < end; {
			n := min(end-at, copyChunk)
			if err := ctx.Err(); err != nil {
				return err
			}
			if got, err := in.ReadAt(buf[:n], at); int64(got) < n {
				return ui.Failf("reading %s at offset %d: %w", in.Name(), at, err)
			}
			if _, err := out.WriteAt(buf[:n], at); err != nil {
				return err
			}
			progress.Add(n)
			at += n
		}
	}
	if err := out.Grow(in.Size()); err != nil {
		return err
	}
	err = j.eachChange(func(r journal.Record) error {
		if r.File != j.fileOf(dataArea) {
			return nil
		}
		_, err := out.WriteAt(r.New, r.Offset)
		return err
	})
	if err != nil {
		return err
	}
	progress.Finish()
	return ui.CommitAll(out)
}

// nextRun is the next part of a sparse file with bytes in it, empty at its end.
func nextRun(in *ui.Input, at int64) (begin, end int64) {
	begin, end, err := in.NextData(at)
	switch {
	case errors.Is(err, io.EOF):
		return in.Size(), in.Size()
	case err != nil:
		return at, in.Size()
	}
	return begin, min(end, in.Size())
}
