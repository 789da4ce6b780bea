package ui

import (
	"errors"
	"io/fs"
	"os"
)

// scratchFile is a temporary file without a name, where the system allows that;
// otherwise it is removed when it is closed.
type scratchFile struct {
	*os.File

	name string // "" once only the open file is left
}

// newScratch makes a scratch file in dir, or in the system's place for temporary
// files if dir is "" or may not be written.
func newScratch(dir string) (*scratchFile, error) {
	f, err := os.CreateTemp(dir, ".dmimg.*.tmp")
	if dir != "" && errors.Is(err, fs.ErrPermission) {
		f, err = os.CreateTemp("", ".dmimg.*.tmp")
	}
	if err != nil {
		return nil, err
	}
	s := &scratchFile{File: f, name: f.Name()}
	if os.Remove(s.name) == nil {
		s.name = ""
	}
	return s, nil
}

// Close removes the file.
func (s *scratchFile) Close() error {
	err := s.File.Close()
	if s.name != "" {
		err = errors.Join(err, os.Remove(s.name))
	}
	return err
}
