package main

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ulikunitz/xz"
)

// maxMember bounds what one archive member may unpack to, in bytes.
const maxMember = 64 << 20

// eachMember calls f for every regular file of a .tar.xz archive.
func eachMember(path string, f func(name string, size int64, r io.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close() // only read
	unxz, err := xz.NewReader(bufio.NewReader(file))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	members := tar.NewReader(unxz)
	for {
		h, err := members.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if h.Size > maxMember || filepath.Base(h.Name) != filepath.Clean(h.Name) {
			return fmt.Errorf("%s: member %q of %d bytes is refused", path, h.Name, h.Size)
		}
		if err := f(filepath.Clean(h.Name), h.Size, members); err != nil {
			return fmt.Errorf("%s: member %q: %w", path, h.Name, err)
		}
	}
}

// compareMembers checks the members that want names, and that none of them is
// missing.
func compareMembers(path string, want map[string]string) (int, error) {
	seen := 0
	err := eachMember(path, func(name string, _ int64, r io.Reader) error {
		if want[name] == "" {
			return nil // a note beside the images; the archive's own digest covers it
		}
		h := sha256.New()
		if _, err := io.Copy(h, r); err != nil {
			return err
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want[name] {
			return fmt.Errorf("SHA-256 %s, index says %q", got, want[name])
		}
		seen++
		return nil
	})
	if err == nil && seen != len(want) {
		err = fmt.Errorf("%s: %d members, index names %d", path, seen, len(want))
	}
	return seen, err
}

// unpack writes the members of an archive into dir, which must exist. A file
// that is already there is not overwritten.
func unpack(path, dir string) error {
	return eachMember(path, func(name string, _ int64, r io.Reader) error {
		out, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		n, err := io.Copy(out, r)
		if err = errors.Join(err, out.Close()); err != nil {
			return err
		}
		fmt.Printf("%s: %d bytes\n", name, n)
		return nil
	})
}
