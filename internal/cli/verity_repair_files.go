package cli

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/dmimg/dmimg/internal/cli/journal"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// repairFile is a file that is read all the time and opened for writing only when
// something is to be written.
type repairFile struct {
	*ui.Input

	writer *os.File // nil until openWriter
}

// openWriter opens the file for writing too, a block device exclusively.
func (f *repairFile) openWriter() (err error) {
	if f.writer != nil {
		return nil
	}
	flag := os.O_RDWR
	if !f.Info().Mode().IsRegular() {
		flag |= os.O_EXCL
	}
	if f.writer, err = os.OpenFile(f.Name(), flag, 0); err != nil {
		return ui.Failf("opening for repair: %w", err)
	}
	info, err := f.writer.Stat()
	if err != nil {
		return ui.Failf("opening for repair: %w", err)
	}
	if !ui.IsSameFile(info, f.Info()) {
		return ui.Failf("%s was replaced by another file meanwhile", f.Name())
	}
	return nil
}

// WriteAt writes to the file, which must be open for that.
func (f *repairFile) WriteAt(p []byte, off int64) (int, error) {
	if f.writer == nil {
		return 0, ui.Failf("%s is not open for writing", f.Name())
	}
	return f.writer.WriteAt(p, off)
}

// Sync brings what was written to the disk.
func (f *repairFile) Sync() error {
	if f.writer == nil {
		return nil
	}
	return f.writer.Sync()
}

// repairFiles are the files of an image, each once: DATA is always the first.
type repairFiles struct {
	list []*repairFile
	role [numAreas]int // the file of each area; -1 for none
}

func newRepairFiles(i *verityImage) *repairFiles {
	f := &repairFiles{role: [numAreas]int{-1, -1, -1}}
	f.add(dataArea, i.data)
	f.add(treeArea, i.hash)
	if i.parity != nil {
		f.add(parityArea, i.parity.device)
	}
	return f
}

func (f *repairFiles) add(area repairArea, in *ui.Input) {
	for n, file := range f.list {
		if ui.IsSameFile(file.Info(), in.Info()) {
			f.role[area] = n
			return
		}
	}
	f.role[area] = len(f.list)
	f.list = append(f.list, &repairFile{Input: in})
}

// journaled are the files as a journal takes them.
func (f *repairFiles) journaled() []journal.File {
	var list []journal.File
	for _, file := range f.list {
		list = append(list, file)
	}
	return list
}

func (f *repairFiles) sizes() []int64 {
	var list []int64
	for _, file := range f.list {
		list = append(list, file.Size())
	}
	return list
}

// close closes what was opened for writing.
func (f *repairFiles) close() error {
	var errs []error
	for _, file := range f.list {
		if file.writer != nil {
			errs = append(errs, file.writer.Close())
		}
	}
	return errors.Join(errs...)
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
