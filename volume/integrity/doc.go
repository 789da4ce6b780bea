// Package integrity reads and writes dm-integrity devices without the kernel
// (Linux, Documentation/admin-guide/device-mapper/dm-integrity.rst): a tag is
// kept for every block of data, and a block that does not fit its tag is an
// error, never data.
//
//	sb, err := integrity.ReadSuperblock(image, 0)
//	layout, err := integrity.NewLayout(sb.Geometry(0), size, 0)
//
// What the package does not do: the inline layout (mode I), whose tags are
// metadata of a disk's own sectors and so not in an image.
package integrity
