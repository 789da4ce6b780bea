// Package crypt reads and writes volumes encrypted by the Linux kernel's dm-crypt
// target, without the kernel.
//
// It follows the kernel's document device-mapper/dm-crypt.rst for the words of a
// table line, and volumes that kernels wrote for the rest. A [Device] turns
// storage with ciphertext into plaintext and back:
//
//	d, err := crypt.NewDevice(file, 16<<20, crypt.Config{
//		Spec: "aes-xts-plain64", Key: key, SectorSize: 4096,
//	})
//	if err != nil {
//		return err
//	}
//	defer d.Close()
//	_, err = d.ReadAt(buf, 0) // whole sectors of 4096 bytes
//
// A [SectorCipher] from [NewCipher] does the same on memory, run by run.
//
// Sectors and IVs. The sector number that enters an IV counts units of 512 bytes
// from the start of the target, plus the IV offset, also when the encryption
// sector is larger: with 4096-byte sectors it advances by 8. Only
// iv_large_sectors makes it count encryption sectors.
//
// Tags. [NewAEADDevice] is for table lines with the integrity option: authenticated
// modes, whose sectors have a tag beside them on a [TaggedStorage], and ciphers
// whose IVs are stored there. Reading a sector whose tag is wrong gives
// [ErrIntegrity] and none of its bytes. A tag proves that sector and place are as
// somebody with the key wrote them; an older state of the sector, put back with
// its tag, is not found out, nor is it by the kernel.
//
// What it does not do: find keys and offsets (package crypt/luks reads LUKS
// headers), keep tags (package volume/integrity), unaligned access (package
// volume), and the ciphers that [Ciphers], [IVs] and [AEADs] do not list. Those that
// the kernel knows give [ErrUnsupported].
//
// Timing. AES takes constant time where the processor has instructions for it,
// Serpent always, ChaCha and the hashes of Adiantum and HCTR2 too. All other block
// ciphers look up tables at places that depend on key and data: twofish, camellia,
// aria, sm4, cast6, cast5, blowfish, des3_ede, des. Who runs on the same processor
// may learn about their keys. The Note of each [CipherInfo] says so.
//
// Keys. Key is not kept, nor is a copy of it, but for what lmk, tcw and Adiantum
// need of theirs, the keys of MACs and of AEGIS, and the round keys of the ciphers
// that are our own; Close wipes that. The round keys inside crypto/aes, crypto/des
// and x/crypto are out of reach; Close lets go of them.
package crypt
