package cli

import (
	"errors"
	"os"

	"github.com/dmimg/dmimg/internal/cli/journal"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// imageArea is a part of an image.
type imageArea int

const (
	dataArea imageArea = iota
	treeArea
	parityArea
	numAreas
)

// imageFile is a file that is read all the time and opened for writing only when
// something is to be written.
type imageFile struct {
	*ui.Input

	writer *os.File // nil until openWriter
}

// openWriter opens the file for writing too, a block device exclusively.
func (f *imageFile) openWriter() (err error) {
	if f.writer != nil {
		return nil
	}
	flag := os.O_RDWR
	if !f.Info().Mode().IsRegular() {
		flag |= os.O_EXCL
	}
	if f.writer, err = os.OpenFile(f.Name(), flag, 0); err != nil {
		return ui.Failf("opening for writing: %w", err)
	}
	info, err := f.writer.Stat()
	if err != nil {
		return ui.Failf("opening for writing: %w", err)
	}
	if !ui.IsSameFile(info, f.Info()) {
		return ui.Failf("%s was replaced by another file meanwhile", f.Name())
	}
	return nil
}

// WriteAt writes to the file, which must be open for that.
func (f *imageFile) WriteAt(p []byte, off int64) (int, error) {
	if f.writer == nil {
		return 0, ui.Failf("%s is not open for writing", f.Name())
	}
	return f.writer.WriteAt(p, off)
}

// Sync brings what was written to the disk.
func (f *imageFile) Sync() error {
	if f.writer == nil {
		return nil
	}
	return f.writer.Sync()
}

// imageFiles are the files of an image, each once: DATA is always the first.
type imageFiles struct {
	list []*imageFile
	role [numAreas]int // the file of each area; -1 for none
}

func newImageFiles(data, hash, parity *ui.Input) *imageFiles {
	f := &imageFiles{role: [numAreas]int{-1, -1, -1}}
	f.add(dataArea, data)
	f.add(treeArea, hash)
	if parity != nil {
		f.add(parityArea, parity)
	}
	return f
}

func (f *imageFiles) add(area imageArea, in *ui.Input) {
	for n, file := range f.list {
		if ui.IsSameFile(file.Info(), in.Info()) {
			f.role[area] = n
			return
		}
	}
	f.role[area] = len(f.list)
	f.list = append(f.list, &imageFile{Input: in})
}

// journaled are the files as a journal takes them.
func (f *imageFiles) journaled() []journal.File {
	var list []journal.File
	for _, file := range f.list {
		list = append(list, file)
	}
	return list
}

func (f *imageFiles) sizes() []int64 {
	var list []int64
	for _, file := range f.list {
		list = append(list, file.Size())
	}
	return list
}

// close closes what was opened for writing.
func (f *imageFiles) close() error {
	var errs []error
	for _, file := range f.list {
		if file.writer != nil {
			errs = append(errs, file.writer.Close())
		}
	}
	return errors.Join(errs...)
}
