package activate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// Check says how it is found out after the activation whether a device is corrupted: the
// kernel verifies what is read, and only then.
type Check int

// How much is checked.
const (
	// CheckNothing finds out nothing: even a wrong root hash shows at the first read only.
	CheckNothing Check = iota
	// CheckStatus asks what the device has noticed already, such as while udev looked at
	// it.
	CheckStatus
	// CheckFirstBlock reads the first data block, which proves the root hash and the way
	// from it to that block.
	CheckFirstBlock
	// CheckAll reads all data.
	CheckAll
)

// VerityStatus asks what a verity device has noticed so far. kernel.ErrNotFound when it is
// not there.
func (a *Activator) VerityStatus(name string) (tables.VerityStatus, error) {
	s, err := a.verityStatus(name)
	if err != nil {
		return s, fmt.Errorf("activate: status of verity %q: %w", name, err)
	}
	return s, nil
}

func (a *Activator) verityStatus(name string) (s tables.VerityStatus, err error) {
	report, err := a.control.Status(kernel.ByName(name), kernel.StatusOptions{NoFlush: true})
	if err != nil {
		return s, err
	}
	if len(report.Lines) != 1 || report.Lines[0].Target != "verity" {
		return s, errors.New("it is no verity device")
	}
	status, err := report.Lines[0].Status()
	if err != nil {
		return s, err
	}
	s, ok := tables.UnwrapStatus(status).(tables.VerityStatus)
	if !ok {
		return s, errors.New("its status is not understood")
	}
	return s, nil
}

// check finds out whether the device is corrupted.
func (a *Activator) check(ctx context.Context, name string, v Verity) error {
	if v.Check == CheckNothing {
		return nil
	}
	var rerr error
	switch v.Check {
	case CheckFirstBlock:
		rerr = a.read(ctx, name, int64(v.Params.DataBlockSize))
	case CheckAll:
		rerr = a.read(ctx, name, -1)
	}
	status, err := a.verityStatus(name)
	switch {
	case rerr != nil && !errors.Is(rerr, syscall.EIO):
		return rerr
	case err != nil:
		return errors.Join(rerr, err)
	case status.Corrupted && rerr != nil:
		return fmt.Errorf("%w: %w: the root hash is wrong, or data or tree are damaged", ErrCorrupt, rerr)
	case status.Corrupted:
		return fmt.Errorf("%w: the kernel has met blocks that do not verify", ErrCorrupt)
	}
	return rerr
}

// readSize is how much is read at a time, in bytes.
const readSize = 1 << 20

// read reads a device from its start, n bytes or all.
func (a *Activator) read(ctx context.Context, name string, n int64) (err error) {
	path, err := a.node(name)
	if err != nil {
		return err
	}
	f, err := a.options.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var r io.Reader = f
	if n >= 0 {
		r = io.LimitReader(f, n)
	}
	buf := make([]byte, readSize)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := io.ReadFull(r, buf)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading it: %w", err)
		}
	}
}

// explainSignature says what an errno of a load means when there is a signature.
func explainSignature(v Verity, err error) error {
	if v.Signature == nil && v.Options.RootHashSigKeyDesc == "" {
		return err
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) || errors.Is(err, ErrKeyring) {
		return err
	}
	if why := signatureErrno(errno); why != "" {
		return fmt.Errorf("%w: %s: %w", ErrSignature, why, err)
	}
	return err
}
