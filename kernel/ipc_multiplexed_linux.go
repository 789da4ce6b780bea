//go:build linux && (386 || mips || mipsle || ppc64 || ppc64le || s390x)

package kernel

import "golang.org/x/sys/unix"

// The semaphore calls of machines that have one call for all of System V IPC. Some got calls
// of their own later (Linux 5.1), which older kernels do not have.
const (
	sysIPC        = unix.SYS_IPC
	sysSemget     = 0
	sysSemctl     = 0
	sysSemtimedop = 0
)
