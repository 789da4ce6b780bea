package kernel

import (
	"fmt"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// What the interface can do depends on its minor number: commands and flags came one by
// one, and a kernel ignores flags that it does not know without saying so. Commands say
// themselves since when they are there ([dmioctl.Command.Minor]); this is the list of flags.
const (
	minorDeferredRemove = dmioctl.MinorDeferredRemove
	minorListEvents     = dmioctl.MinorListEvents
	minorMeasurement    = dmioctl.MinorIMAMeasurement
)

// need refuses what this kernel's interface is too old for.
func (c *Control) need(minor uint32, what string) error {
	if c.version.Minor >= minor {
		return nil
	}
	return fmt.Errorf("%w: %s needs version 4.%d of the device-mapper interface, this kernel has %v", ErrNotSupported, what, minor, c.version)
}
