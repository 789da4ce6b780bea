package kernel

import "github.com/dmimg/dmimg/kernel/internal/dmioctl"

// Device numbers are in the form of the kernel's interface: bits 0 to 7 minor, 8 to
// 19 major, from 20 on the rest of the minor (huge_encode_dev).
// It agrees with the C library's dev_t, and so with stat, for every number that the
// kernel can have.

// Mkdev makes a device number. major is below 4096, minor below 2^20.
func Mkdev(major, minor uint32) uint64 { return dmioctl.Mkdev(major, minor) }

// Major is the major part of a device number.
func Major(devno uint64) uint32 {
	major, _ := dmioctl.Split(devno)
	return major
}

// Minor is the minor part of a device number.
func Minor(devno uint64) uint32 {
	_, minor := dmioctl.Split(devno)
	return minor
}
