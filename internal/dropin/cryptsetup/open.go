package cryptsetup

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
)

// openAction maps a device, or only checks its passphrase.
func (r *run) openAction() error {
	if err := r.checkKind(); err != nil {
		return err
	}
	switch {
	case r.Has("test-passphrase"):
		return r.testPassphrase()
	case r.Has("refresh"):
		return r.refresh()
	case len(r.Words) < 2:
		return exit.Failf("Command requires device and mapped name as arguments.")
	case r.kind == "plain":
		return r.openPlain()
	}
	return r.openLUKS()
}

// crypt are the options of a mapping that do not depend on its type.
func (r *run) crypt() activate.Crypt {
	return activate.Crypt{
		ReadOnly: r.Has("readonly"), AllowDiscards: r.Has("allow-discards"),
		SameCPUCrypt: r.Has("perf-same_cpu_crypt"), SubmitFromCryptCPUs: r.Has("perf-submit_from_crypt_cpus"),
		NoReadWorkqueue: r.Has("perf-no_read_workqueue"), NoWriteWorkqueue: r.Has("perf-no_write_workqueue"),
	}
}

// free demands that no device has the name.
func free(s *live.Session, name string) error {
	if err := live.CheckName(name, exit.Failed); err != nil {
		return err
	}
	if _, err := s.Control.Info(kernel.ByName(name), kernel.InfoOptions{}); err == nil {
		return exists(name)
	}
	return nil
}

func exists(name string) error {
	return exit.New(exit.Busy, ui.ExitFailed, fmt.Sprintf("Device %s already exists.", name))
}

// data opens the device with the data; a file becomes a loop device with blocks of blockSize
// bytes, 0 for what is usual.
func (r *run) data(s *live.Session, blockSize int) (d live.Block, err error) {
	path := r.word(0)
	if d, err = live.OpenBlock(path); err != nil {
		return d, err
	}
	if !d.Info.Mode().IsRegular() {
		if r.Has("shared") {
			return d, nil
		}
		return d, live.CheckUnused(path)
	}
	return d, d.Attach(s.Machine, activate.LoopOptions{ReadOnly: r.Has("readonly") || !writable(path), BlockSize: uint32(blockSize)})
}

// writable reports whether a file may be written: a loop device of one that may not is
// read-only, whatever was asked for.
func writable(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	return err == nil && f.Close() == nil
}

// explainMapping gives a failed activation cryptsetup's status.
func explainMapping(name string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	status, text := exit.Device, exit.Sentence(err)
	switch {
	case errors.Is(err, kernel.ErrExists):
		return exists(name)
	case errors.Is(err, activate.ErrKeyring):
		status, text = exit.Failed, "Failed to load key in kernel keyring.\n"+text
	case errors.Is(err, kernel.ErrBusy):
		status = exit.Busy
	}
	return exit.New(status, ui.ExitFailed, text)
}
