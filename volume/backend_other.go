//go:build !linux

package volume

import (
	"fmt"
	"os"
)

// exclusive: only Linux gives O_EXCL a meaning for block devices.
const exclusive = 0

// fileExtents calls everything data: holes are asked for on Linux only.
func fileExtents(_ *os.File, off, length int64) ([]Extent, error) {
	return whole(off, length), nil
}

// punchHole is for Linux only.
func punchHole(f *os.File, _, _ int64) error {
	return fmt.Errorf("volume: discard on %q: %w on this system", f.Name(), ErrUnsupported)
}
