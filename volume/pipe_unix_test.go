//go:build unix

package volume_test

import "golang.org/x/sys/unix"

// makePipe makes a named pipe.
func makePipe(name string) error { return unix.Mkfifo(name, 0o600) }
