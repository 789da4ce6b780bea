package verity

import "sync/atomic"

// DeviceStatus is what a [Device] has met so far.
type DeviceStatus struct {
	// Corrupted says that a block of data or tree was not what the root hash
	// demands, and was not recovered either: C instead of V in the kernel's
	// status. Blocks that IgnoreCorruption lets pass count too, blocks that could
	// not be read do not.
	Corrupted bool
	// Recovered counts the blocks that Recover has given, each time that they
	// were read.
	Recovered uint64
}

// deviceStatus is a DeviceStatus for concurrent use.
type deviceStatus struct {
	corrupted atomic.Bool
	recovered atomic.Uint64
}

// Status may be called at any time.
func (d *Device) Status() DeviceStatus {
	return DeviceStatus{Corrupted: d.status.corrupted.Load(), Recovered: d.status.recovered.Load()}
}
