// Package verity makes, checks and reads dm-verity hash trees: the Merkle tree
// that lets a reader prove every block of an image against one root hash.
//
// It follows Documentation/admin-guide/device-mapper/verity.rst of the Linux
// kernel for the tree and the on-disk format text of the cryptsetup project
// for the superblock, and is byte-identical with veritysetup 2.6: trees,
// superblocks and root hashes. It works on io.ReaderAt and io.WriterAt, so the
// images may be files, memory or anything else, on any operating system.
//
//	p := verity.Params{HashType: 1, Algorithm: "sha256", DataBlockSize: 4096, HashBlockSize: 4096,
//		DataBlocks: 1 << 18, HashStartBlock: 1, Salt: salt}
//	root, err := verity.Build(ctx, data, hash, p)                 // make the tree
//	report, err := verity.Check(ctx, data, hash, p, root)         // every damaged range
//	dev, err := verity.NewDevice(data, hash, p, root)             // reads prove what they return
//	n, err := dev.ReadAt(buf, 12345)                              // errors.Is(err, verity.ErrCorrupt)
//
// [NewWriter] hashes a stream in one pass, [Update] brings a tree up to date with
// changed blocks, [ReadSuperblock] and [WriteSuperblock] handle the header,
// [NewLayout] knows every size and offset.
//
// Levels are counted from the data: level 0 holds the digests of data blocks,
// the highest level is a single block whose digest is the root hash. On the
// hash device the highest level comes first. An image of one block has no tree
// at all; its root hash is the digest of that block.
//
// The package does not open files, repair with forward error correction (see
// verity/fec) or check root hash signatures.
package verity
