//go:build linux && (amd64 || arm || arm64 || loong64 || mips64 || mips64le || riscv64)

package kernel

import "golang.org/x/sys/unix"

// The semaphore calls of machines that always had them as calls of their own.
const (
	sysIPC        = 0
	sysSemget     = unix.SYS_SEMGET
	sysSemctl     = unix.SYS_SEMCTL
	sysSemtimedop = unix.SYS_SEMTIMEDOP
)
