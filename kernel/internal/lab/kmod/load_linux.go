package kmod

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Load loads what request stands for into the running kernel, and first what that
// needs, from the module tree at root. What is loaded or built in already is fine;
// a request that nothing answers to is an error.
func (x *Index) Load(root, request string) error {
	if !x.Known(request) {
		return fmt.Errorf("kmod: loading %q: no module of that name or alias", request)
	}
	var failed error // a module that is only nice to have may fail: the last one tells
	asked := x.named(request)
	for _, m := range x.Resolve(request) {
		err := load(filepath.Join(root, m.File))
		if err == nil {
			continue
		}
		failed = errors.Join(failed, fmt.Errorf("module %s: %w", m.Name, err))
		if slices.Contains(asked, m.Name) {
			return fmt.Errorf("kmod: loading %q: %w", request, failed)
		}
	}
	return nil
}

func load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = unix.FinitModule(int(f.Fd()), "", 0)
	if errors.Is(err, unix.EEXIST) {
		err = nil
	}
	return errors.Join(err, f.Close())
}
