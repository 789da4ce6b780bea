package ui

import (
	"os"

	"golang.org/x/sys/unix"
)

// widenPipe lets a pipe hold a whole chunk, so that it is read in few calls. What is
// not a pipe, or may not be widened, stays as it is.
func widenPipe(f *os.File) {
	_, _ = unix.FcntlInt(f.Fd(), unix.F_SETPIPE_SZ, streamChunk)
}
