package live

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/kernel/activate"
)

// Block is a file or device as the kernel can use it.
type Block struct {
	Path string // of a block device, once a file is attached
	Size int64  // bytes
	Info os.FileInfo
	loop Loop // nil: it is a block device itself, or not attached
}

// OpenBlock finds the size of a file or block device.
func OpenBlock(path string) (d Block, err error) {
	f, err := os.Open(path)
	if err != nil {
		return d, missing(path)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if d.Info, err = f.Stat(); err != nil {
		return d, err
	}
	if d.Size, err = f.Seek(0, io.SeekEnd); err != nil {
		return d, err
	}
	d.Path, err = filepath.Abs(path)
	return d, err
}

// Attach makes a loop device of it if it is a file.
func (d *Block) Attach(m Machine, o activate.LoopOptions) (err error) {
	if !d.Info.Mode().IsRegular() {
		return nil
	}
	if d.loop, err = m.AttachLoop(d.Path, o); err != nil {
		return exit.Devicef("Attaching loopback device failed: %v.", err)
	}
	d.Path = d.loop.Path()
	return nil
}

// Release lets go of a loop device, which stays while a table uses it.
func (d *Block) Release() error {
	if d == nil || d.loop == nil {
		return nil
	}
	return d.loop.Close()
}

// missing is a device that cannot be opened.
func missing(path string) error {
	return exit.Devicef("Device %s does not exist or access denied.", path)
}

// CheckUnused demands that nothing has claimed a block device.
func CheckUnused(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_EXCL, 0)
	if errors.Is(err, syscall.EBUSY) {
		return exit.New(exit.Busy, ui.ExitFailed, fmt.Sprintf("Cannot use device %s which is in use (already mapped or mounted).", path))
	}
	if err != nil {
		return missing(path)
	}
	return f.Close()
}

// Place is the path of the device that a table names by its number, and the file behind it
// if it is a loop device. It asks sysfs.
func (m Machine) Place(word string) (device, file string) {
	link, err := os.Readlink(filepath.Join(m.SysDir, "dev/block", word))
	if err != nil {
		return word, ""
	}
	block := filepath.Base(link)
	dir := filepath.Join(m.SysDir, "block", block)
	if name, err := os.ReadFile(filepath.Join(dir, "dm/name")); err == nil {
		return Dir + strings.TrimSpace(string(name)), ""
	}
	if backing, err := os.ReadFile(filepath.Join(dir, "loop/backing_file")); err == nil {
		file = strings.TrimSuffix(string(backing), "\n")
	}
	return "/dev/" + block, file
}
