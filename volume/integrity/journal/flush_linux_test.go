package journal_test

import (
	"os"

	"golang.org/x/sys/unix"
)

// flushBuffers makes the kernel write and forget its copy of a block device.
func flushBuffers(f *os.File) { _, _ = unix.IoctlRetInt(int(f.Fd()), unix.BLKFLSBUF) }
