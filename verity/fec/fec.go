// Package fec makes and uses the forward error correction of dm-verity:
// Reed-Solomon parity from which damaged blocks are recovered, byte for byte
// what veritysetup writes and the kernel reads.
//
// The covered stream is the data blocks followed by blocks of the hash device
// ([Area] says which). It is cut into 255-Roots contiguous shards of Rounds
// blocks, the last ones filled up with zeros. Codeword c consists of byte c of
// every shard and of Roots parity bytes, which stand together at byte c×Roots
// of the parity area. So one codeword has one byte of any block, and a whole
// lost block costs each codeword a single byte. The code is over GF(2⁸) modulo
// 0x11d with generator 2, first root 2⁰; the first shard is the highest power.
//
//	area := fec.Area{BlockSize: 4096, Roots: 2, DataBlocks: 300, HashStart: 1, HashBlocks: 4, HashDeviceBytes: size}
//	p, err := area.Params()
//	if err != nil {
//		return err
//	}
//	err = fec.Encode(ctx, area.Stream(data, hash), parity, area.Offset, p)
//
// [Decoder] recovers single blocks on the fly as the kernel does and repairs
// whole images; [Check] compares the parity with what it covers; [Reencode] and
// [Adjust] bring it up to date when blocks have changed.
//
// The package knows nothing of hashes: parity alone does not prove anything,
// so callers pass a function that says whether a block is right. The format is
// described in the kernel's Documentation/admin-guide/device-mapper/verity.rst;
// what it leaves open was found with veritysetup 2.6.1.
package fec
