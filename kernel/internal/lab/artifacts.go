package lab

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
)

// fetchArtifacts unpacks the archive on the disk of artifacts.
func (m *machine) fetchArtifacts() error {
	if m.cfg.Artifacts == "" {
		return nil
	}
	f, err := os.Open(filepath.Join(m.dir, "disk-"+guest.OutSerial))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.MkdirAll(m.cfg.Artifacts, 0o755); err != nil {
		return err
	}
	if err := unpackArtifacts(f, m.cfg.Artifacts); err != nil {
		return fmt.Errorf("artifacts: %w", err)
	}
	return nil
}

// unpackArtifacts unpacks folders and files of an archive below dir, and nothing
// outside of it.
func unpackArtifacts(r io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(path.Clean(h.Name), 0o755)
		case tar.TypeReg:
			err = unpackFile(root, h.Name, archive)
		default:
			err = fmt.Errorf("%q: neither a file nor a folder", h.Name)
		}
		if err != nil {
			return err
		}
	}
}

func unpackFile(root *os.Root, name string, r io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
