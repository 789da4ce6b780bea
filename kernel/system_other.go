//go:build !linux

package kernel

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"
)

// errNoLinux is the answer of everything here.
var errNoLinux = fmt.Errorf("%w: device-mapper is a part of Linux, this is %s", ErrNotSupported, runtime.GOOS)

func (machine) OpenControl(string) (Transport, error) { return nil, errNoLinux }

func (machine) UdevRunning() bool { return false }

func (machine) MakeNode(string, uint64, fs.FileMode, int, int) error { return errNoLinux }

func (machine) NodeDevno(string) (uint64, error) { return 0, errNoLinux }

func (machine) RenameNode(string, string) error { return errNoLinux }

func (machine) RemoveNode(string) error { return errNoLinux }

func (machine) ListNodes(string) ([]string, error) { return nil, errNoLinux }

func (machine) Semget(uint32, bool) (int, error) { return 0, errNoLinux }

func (machine) SemAdd(int, int) error { return errNoLinux }

func (machine) SemWaitZero(int, time.Duration) error { return errNoLinux }

func (machine) SemRemove(int) error { return errNoLinux }

func (machine) Semaphores() ([]Semaphore, error) { return nil, errNoLinux }

func probePaths(*os.File) error { return errNoLinux }
