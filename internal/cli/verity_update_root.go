package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"io"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// rootFile is the file that --root-hash-file names in an update: it has the old root
// hash and gets the new one. The zero value is none.
type rootFile struct {
	path string
	held []byte // what is in it; nil if there is nothing to demand
	out  *ui.Output
}

// read reads what is in the file, unless force is given.
func (f *rootFile) read(ctx context.Context, path string, force bool, image *imageFiles) (err error) {
	f.path = path
	info := ui.StatFile(path)
	if path == "" || info == nil {
		return nil
	}
	for _, file := range image.list {
		if ui.IsSameFile(info, file.Info()) {
			return ui.Usagef("--root-hash-file %s is another file of this command", path)
		}
	}
	if force || !info.Mode().IsRegular() {
		return nil
	}
	f.held, err = readRoot(ctx, "", path)
	return ui.Hint(err, "--force replaces it whatever it holds")
}

// create begins to replace the file; nothing is there before commit.
func (f *rootFile) create(force bool) (err error) {
	if f.path == "" {
		return nil
	}
	f.out, err = ui.CreateOutput(f.path, ui.OutputOptions{Force: force || f.held != nil})
	return err
}

// commit gives the file a root hash.
func (f *rootFile) commit(root []byte) error {
	if f.out == nil {
		return nil
	}
	if _, err := io.WriteString(f.out, hex.EncodeToString(root)); err != nil {
		return err
	}
	return ui.CommitAll(f.out)
}

// replace is create and commit.
func (f *rootFile) replace(root []byte, force bool) error {
	other := *f
	if err := other.create(force); err != nil {
		return err
	}
	if err := other.commit(root); err != nil {
		return errors.Join(err, other.close())
	}
	if f.held != nil {
		f.held = root
	}
	return nil
}

func (f *rootFile) close() error {
	if f.out == nil {
		return nil
	}
	return f.out.Close()
}
