// Package loop makes block devices of files: loop devices (loop(4)), by
// LOOP_CTL_GET_FREE and LOOP_CONFIGURE, which Linux has since 5.8.
//
//	device, err := loop.Attach("/tmp/image", loop.Options{BlockSize: 4096})
//	defer device.Detach()
//	fmt.Println(device.Path()) // /dev/loop0
//
// It is for tests inside the lab, where they are root and alone. Elsewhere than on
// Linux it answers errors.ErrUnsupported.
package loop

// Options of a device; the zero value is the whole file, in blocks of 512 bytes.
type Options struct {
	// Offset in the file where the device begins, in bytes.
	Offset uint64
	// Size of the device in bytes, 0 means up to the end of the file. What does not
	// fill a sector of 512 bytes is cut off.
	Size uint64
	// BlockSize is the logical block size in bytes: 0 or 512, 1024, 2048, 4096.
	BlockSize uint32
	// ReadOnly refuses writes.
	ReadOnly bool
}

// Device is a file that is attached. Its methods may not be called concurrently.
type Device struct {
	path string
}

// Path returns the path of the block device.
func (d *Device) Path() string { return d.path }
