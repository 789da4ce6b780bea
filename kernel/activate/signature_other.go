//go:build !linux

package activate

import "syscall"

func signatureErrno(syscall.Errno) string { return "" }
