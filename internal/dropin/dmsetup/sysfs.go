package dmsetup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// blockDir is the folder of a block device in sysfs.
func (t *tool) blockDir(devno uint64) string {
	return filepath.Join(t.host.SysDir, "dev", "block", numberOfDevice(devno))
}

// blockName is the kernel's name of a block device, such as sda or dm-3; "" if it has
// none, as a device without a table.
func (t *tool) blockName(devno uint64) string {
	link, err := os.Readlink(t.blockDir(devno))
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(filepath.Base(link), "!", "/")
}

// deviceName is the name of a mapped device, as the kernel has it, or blockName.
func (t *tool) deviceName(devno uint64) string {
	text, err := os.ReadFile(filepath.Join(t.blockDir(devno), "dm", "name"))
	if err != nil {
		return t.blockName(devno)
	}
	return strings.TrimRight(string(text), "\n")
}

// sectorsPerKiB turns sysfs's read ahead into dmsetup's.
const sectorsPerKiB = 2

// readAhead is how far the kernel reads ahead, in 512-byte sectors.
func (t *tool) readAhead(info kernel.Info) (uint64, error) {
	text, err := os.ReadFile(filepath.Join(t.blockDir(info.DevNo), "bdi", "read_ahead_kb"))
	if err != nil {
		var failed *fs.PathError
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return 0, fmt.Errorf("%s/%s: open failed: %s", t.nodeDir(), info.Name, strerror(err))
	}
	kib, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s: the read ahead of %q is no number", info.Name, text)
	}
	return kib * sectorsPerKiB, nil
}

// setReadAhead does what --readahead says: "auto", "none", sectors, or "+sectors" for at
// least so many.
func (t *tool) setReadAhead(devno uint64, text string) error {
	if text == "auto" {
		return nil
	}
	sectors := uint64(0)
	if n := atoi(text); n > 0 && text != "none" {
		sectors = uint64(n)
	}
	if strings.HasPrefix(text, "+") {
		if now, err := t.readAhead(kernel.Info{DeviceInfo: tables.DeviceInfo{DevNo: devno}}); err == nil && now >= sectors {
			return nil
		}
	}
	path := filepath.Join(t.blockDir(devno), "bdi", "read_ahead_kb")
	kib := strconv.FormatUint((sectors+sectorsPerKiB-1)/sectorsPerKiB, 10)
	if err := os.WriteFile(path, []byte(kib), 0); err != nil {
		return failf("Setting the read ahead: %w", err)
	}
	return nil
}
