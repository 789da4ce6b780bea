package lab

import (
	"os/exec"
	"syscall"
)

// endWithParent makes the kernel end cmd if this program dies.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
