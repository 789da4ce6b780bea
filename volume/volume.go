// Package volume opens what device-mapper tables describe, in userspace: it
// puts together the tables (package tables), the engines (packages crypt and
// verity and the target files here) and the files under them.
//
//	ts, err := tables.Parse(strings.NewReader("0 2048 crypt aes-xts-plain64 … /disk.img 8"))
//	v, err := volume.Open(volume.Options{Flag: os.O_RDONLY}, ts...)
//	defer v.Close()
//	size, err := v.Size()
//	_, err = io.Copy(dst, io.NewSectionReader(v, 0, size))
//
// It follows the kernel: Documentation/admin-guide/device-mapper for what the
// targets do, and the behaviour of live kernels for what a table may say and
// what fails. Access is by whole sectors; [Bytes] takes any offset, [ReadRange]
// streams a range and can get past damage. Package stack opens devices that
// name each other.
//
// It does not load anything into a kernel (package kernel), does not look into
// images to find out what they are (package probe), and does not create or
// repair images.
package volume

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/dmimg/dmimg/tables"
)

// Volume is what a mapping table describes, to be read and written by whole
// sectors of 512 bytes (crypt: whole encryption sectors); anything else is
// ErrUnaligned. [Bytes] takes any offset. Offsets are bytes from the start of
// the mapped device. All methods may be called concurrently.
type Volume interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// Options say how to open a volume. The zero value opens files for reading.
type Options struct {
	// Flag is os.O_RDONLY or os.O_RDWR, for every backing device; O_SYNC,
	// O_EXCL and O_CREATE may be added. With O_CREATE a file that is missing is
	// made, as long as the tables need, and removed again if the open fails.
	// O_WRONLY is refused: mapping needs to read. So are O_TRUNC and O_APPEND:
	// they would empty an image or move what is written to it.
	Flag int
	// Perm is the mode of files made by O_CREATE.
	Perm fs.FileMode
	// Open opens what a table names; nil means [OpenFile].
	Open OpenFunc
	// Targets are the engines by target name; nil means [Builtin].
	Targets Registry
	// Key returns the payload of a kernel keyring key for a table's key word
	// such as ":32:logon:name"; [ParseKeyID] takes it apart. The slice stays
	// the caller's. nil: such tables fail with ErrNoKey.
	Key func(id string) ([]byte, error)
}

// writable says whether the volume is opened for writing.
func (o Options) writable() bool { return o.Flag&os.O_RDWR != 0 }

// check refuses flags that make no sense for a mapped device.
func (o Options) check() error {
	switch {
	case o.Flag&os.O_WRONLY != 0:
		return fmt.Errorf("O_WRONLY: a mapped device must be read too, use O_RDWR: %w", fs.ErrInvalid)
	case o.Flag&os.O_TRUNC != 0:
		return fmt.Errorf("O_TRUNC would empty the backing devices: %w", fs.ErrInvalid)
	case o.Flag&os.O_APPEND != 0:
		return fmt.Errorf("O_APPEND would move what is written: %w", fs.ErrInvalid)
	case o.Flag&os.O_CREATE != 0 && !o.writable():
		return fmt.Errorf("O_CREATE without O_RDWR: %w", fs.ErrInvalid)
	}
	return nil
}

// OpenUserspaceVolume opens the volume that the tables describe, without the
// kernel: [Open] under the name of the well-known Go API. flag and perm are
// those of os.OpenFile, within the limits told at [Options].
func OpenUserspaceVolume(flag int, perm fs.FileMode, ts ...tables.Table) (Volume, error) {
	m, err := Open(Options{Flag: flag, Perm: perm}, ts...)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Open opens the volume that the tables describe, given in any order. Nothing
// is read but what the engines need to start; what the kernel refuses at load
// time is refused here: gaps and overlaps (tables.ErrOverlap), tables longer
// than their devices (ErrDeviceTooSmall), blocks cut in two (ErrUnaligned),
// read-only targets opened for writing (ErrReadOnly). When Open fails,
// everything it opened is closed again. Closing the volume closes its devices.
func Open(o Options, ts ...tables.Table) (*Mapped, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("volume: opening: %w", err)
	}
	pool := NewPool(o)
	m, err := OpenIn(pool, o, ts...)
	if err != nil {
		return nil, errors.Join(err, pool.Abandon())
	}
	m.devices = pool
	return m, nil
}

// OpenIn is [Open] with devices and keys from env instead of o.Open, o.Perm
// and o.Key. The devices stay env's: closing the volume leaves them open.
func OpenIn(env Env, o Options, ts ...tables.Table) (*Mapped, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("volume: opening: %w", err)
	}
	sorted, err := inOrder(ts)
	if err != nil {
		return nil, err
	}
	registry := o.Targets
	if registry == nil {
		registry = Builtin()
	}
	m := &Mapped{writable: o.writable(), uses: make(map[string]Backend)}
	for _, t := range sorted {
		if err := m.add(registry, using{env, m}, t); err != nil {
			return nil, errors.Join(err, m.closeEngines())
		}
	}
	if err := m.settle(); err != nil {
		return nil, errors.Join(err, m.closeEngines())
	}
	return m, nil
}

// inOrder returns the tables by their start, after checking that together they
// make a device.
func inOrder(ts []tables.Table) ([]tables.Table, error) {
	sorted := make([]tables.Table, len(ts))
	for i, t := range ts {
		if t == nil {
			return nil, fmt.Errorf("volume: opening: table %d is nil: %w", i+1, fs.ErrInvalid)
		}
		sorted[i] = tables.Unwrap(t)
	}
	slices.SortStableFunc(sorted, func(a, b tables.Table) int {
		sa, _ := tables.Extent(a)
		sb, _ := tables.Extent(b)
		return cmp.Compare(sa, sb)
	})
	if err := tables.Validate(sorted...); err != nil {
		return nil, fmt.Errorf("volume: opening: %w", err)
	}
	return sorted, nil
}
