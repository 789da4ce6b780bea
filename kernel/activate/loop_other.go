//go:build !linux

package activate

import (
	"fmt"

	"github.com/dmimg/dmimg/kernel"
)

// AttachLoop answers kernel.ErrNotSupported.
func AttachLoop(file string, _ LoopOptions) (*Loop, error) {
	return nil, fmt.Errorf("activate: making a loop device of %q: %w", file, kernel.ErrNotSupported)
}
