package dropin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/verity"
)

// checkDevice demands that path leads to a file or block device that can be read.
func checkDevice(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return deviceError(path, "does not exist or access denied")
	}
	if mode := info.Mode(); !mode.IsRegular() && (mode&fs.ModeDevice == 0 || mode&fs.ModeCharDevice != 0) {
		return deviceError(path, "is not compatible")
	}
	f, err := os.Open(path)
	if err != nil {
		return deviceError(path, "does not exist or access denied")
	}
	return f.Close()
}

// checkImage is checkDevice for a file that is made if it is not there. A link that
// leads nowhere is there.
func checkImage(path, role string) error {
	if path == "" {
		return exit.Paramf("Cannot create %s image %s for writing.", role, path)
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return checkDevice(path)
}

// checkSuperblock demands a verity superblock at offset.
func checkSuperblock(path string, offset int64) error {
	f, err := os.Open(path)
	if err != nil {
		return deviceError(path, "does not exist or access denied")
	}
	defer f.Close()
	if _, err := verity.ReadSuperblock(f, offset); err != nil {
		return exit.New(exit.Failed, ui.ExitFailed, fmt.Sprintf("Device %s is not a valid VERITY device: %v.", path, err))
	}
	return nil
}

// sizeOf is the size of a regular file, -1 for anything else.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return -1
	}
	return info.Size()
}
