package dmioctl

// Mkdev makes a device number as the kernel writes it (huge_encode_dev): bits 0 to 7
// minor, 8 to 19 major, the rest of the minor from 20 on.
func Mkdev(major, minor uint32) uint64 {
	return uint64(minor&0xff) | uint64(major&0xfff)<<8 | uint64(minor&^0xff)<<12
}

// Split gives the parts of a device number.
func Split(dev uint64) (major, minor uint32) {
	return uint32(dev>>8) & 0xfff, uint32(dev&0xff) | uint32(dev>>12)&^0xff
}
