//go:build !linux

package loop

import (
	"errors"
	"fmt"
)

// Attach answers errors.ErrUnsupported.
func Attach(file string, _ Options) (*Device, error) {
	return nil, fmt.Errorf("loop: attaching %q: %w", file, errors.ErrUnsupported)
}

// Detach does nothing: there is no device.
func (d *Device) Detach() error { return nil }
