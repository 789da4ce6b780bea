//go:build unix

package ui

import (
	"errors"
	"os"
	"syscall"
)

// cannotSync reports whether fsync failed only because pipes and terminals have
// nothing to sync.
func cannotSync(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.EROFS)
}

// syncDir brings a new name to the disk. Some file systems cannot; the file itself
// is safe by then, so that is no error.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
