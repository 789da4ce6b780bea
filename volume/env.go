package volume

import (
	"fmt"
	"math"
)

// Env is what a target may ask for while it is opened.
type Env interface {
	// Backend returns the device that a table calls name. It is opened once
	// however many tables name it, and belongs to the Env: an engine must not
	// close it.
	Backend(name string) (Backend, error)
	// Key returns the payload of the kernel keyring key that a table's key
	// word names, such as ":32:logon:name". ErrNoKey when nobody gave it. The
	// slice is the giver's: an engine copies what it keeps.
	Key(id string) ([]byte, error)
}

// area returns the device that a table calls name, after making sure that the
// length bytes at offset lie inside it and are whole blocks of it, as the
// kernel does when it loads a table. A file that this open made is made long
// enough instead.
func area(e Env, name string, offset, length uint64) (Backend, error) {
	b, err := e.Backend(name)
	if err != nil {
		return nil, err
	}
	end := offset + length
	if end < offset || end > math.MaxInt64 {
		return nil, fmt.Errorf("device %q: %d bytes at %d: %w", name, length, offset, ErrDeviceTooSmall)
	}
	size, err := sizeFor(b, int64(end))
	if err != nil {
		return nil, fmt.Errorf("device %q: %w", name, err)
	}
	if size < int64(end) {
		return nil, fmt.Errorf("device %q: the table needs %d bytes of it, it has %d: %w", name, end, size, ErrDeviceTooSmall)
	}
	if block := uint64(limitsOf(b).block); offset%block != 0 || length%block != 0 {
		return nil, fmt.Errorf("device %q has blocks of %d bytes: %d bytes at %d: %w", name, block, length, offset, ErrUnaligned)
	}
	return b, nil
}

// sizeFor returns the size of a device, after growing it if it is a file that
// this open made and is too short.
func sizeFor(b Backend, need int64) (int64, error) {
	size, err := b.Size()
	if err != nil {
		return 0, err
	}
	c, ok := b.(created)
	if !ok || size >= need {
		return size, nil
	}
	return need, c.grow(need)
}
