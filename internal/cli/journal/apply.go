package journal

import (
	"fmt"
	"io"
)

// Check demands that the files hold nothing but old and new bytes where the journal
// changes them; otherwise the error wraps [ErrForeign].
func (j *Journal) Check(files []File) error {
	if len(files) != len(j.Sizes) {
		return fmt.Errorf("journal: %d files, it is about %d", len(files), len(j.Sizes))
	}
	var now []byte
	return j.Each(func(r Record) error {
		now = append(now[:0], r.Old...)
		if n, err := files[r.File].ReadAt(now, r.Offset); n < len(now) {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("journal: reading file %d at offset %d: %w", r.File, r.Offset, err)
		}
		if !mixed(now, r.Old, r.New) {
			return fmt.Errorf("journal: file %d at offset %d: %w", r.File, r.Offset, ErrForeign)
		}
		return nil
	})
}

// IsDone reports whether all new bytes are in place.
func (j *Journal) IsDone(files []File) (done bool, err error) {
	done = true
	var now []byte
	err = j.Each(func(r Record) error {
		now = append(now[:0], r.Old...)
		n, err := files[r.File].ReadAt(now, r.Offset)
		if n < len(now) {
			return fmt.Errorf("journal: reading file %d at offset %d: %w", r.File, r.Offset, err)
		}
		done = done && string(now) == string(r.New)
		return nil
	})
	return done && err == nil, err
}

// Redo writes all new bytes and brings them to the disk. It may be repeated, after it
// was broken off anywhere too.
func (j *Journal) Redo(files []File) error {
	return j.write(files, func(r Record) []byte { return r.New })
}

// Undo writes all old bytes and brings them to the disk. It may be repeated, and may
// follow a Redo that was broken off.
func (j *Journal) Undo(files []File) error {
	return j.write(files, func(r Record) []byte { return r.Old })
}

// Replay is Redo for a journal of size bytes that the caller has just written, about
// files that it has read meanwhile: it does not check the journal, nor that the files
// hold nothing but old bytes. That makes it several times faster.
func Replay(r io.ReaderAt, size int64, files []File) error {
	j := &Journal{r: r, size: size, trusted: true}
	if err := j.readHead(); err != nil {
		return fmt.Errorf("journal: reading: %w", err)
	}
	return j.put(files, func(r Record) []byte { return r.New })
}

func (j *Journal) write(files []File, choose func(Record) []byte) error {
	if err := j.Check(files); err != nil {
		return err
	}
	return j.put(files, choose)
}

func (j *Journal) put(files []File, choose func(Record) []byte) error {
	err := j.Each(func(r Record) error {
		if _, err := files[r.File].WriteAt(choose(r), r.Offset); err != nil {
			return fmt.Errorf("journal: writing file %d at offset %d: %w", r.File, r.Offset, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, f := range files {
		if err := f.Sync(); err != nil {
			return fmt.Errorf("journal: syncing file %d: %w", i, err)
		}
	}
	return nil
}
