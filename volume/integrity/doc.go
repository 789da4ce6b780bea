// Package integrity reads, writes, makes and checks dm-integrity devices without
// the kernel (Linux, Documentation/admin-guide/device-mapper/dm-integrity.rst): a
// tag is kept for every block of data, and a block that does not fit its tag is
// an error, never data.
//
//	d, err := integrity.Open(ctx, file, nil, integrity.Config{
//		Mode: integrity.ModeJournal, InternalHash: integrity.Algorithm{Name: "crc32c"},
//	})
//	defer d.Close()
//	_, err = d.ReadAt(block, 0) // errors.Is(err, integrity.ErrCorrupt)
//
// A crash costs what it costs with the kernel: with a journal nothing that was
// synced, and every block fits its tag; with a bitmap the regions that were
// written to are not checked until a kernel has computed their tags anew.
//
// What the package does not do: the inline layout (mode I), whose tags are
// metadata of a disk's own sectors and so not in an image, and computing tags
// anew.
package integrity
