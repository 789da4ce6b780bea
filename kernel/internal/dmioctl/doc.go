// Package dmioctl reads and writes the buffers of the device-mapper ioctls: bytes in,
// bytes out. It makes no system call, so all of it is tested on any machine and for
// both byte orders.
//
// The layout is that of include/uapi/linux/dm-ioctl.h: a header of 312 bytes and, for some
// commands, data after it. Everything is in the byte order of the machine and laid out
// alike for 32 and 64 bits.
//
//	buf, err := dmioctl.Native.Encode(dmioctl.Header{Name: "root"}, nil, 0)
//	// … the kernel rewrites buf …
//	header, err := dmioctl.Native.Header(buf)
//	data, err := dmioctl.Data(buf, header)
//	specs, err := dmioctl.Native.Specs(data, int(header.TargetCount), dmioctl.FromFirst)
//
// Both directions of everything are here, because the fake kernel of package kerneltest is
// on the other side of the same buffers. Decoders take hostile bytes: whatever they accept
// lies inside the buffer.
package dmioctl
