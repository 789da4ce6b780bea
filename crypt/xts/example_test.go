package xts_test

import (
	"bytes"
	"crypto/aes"
	"crypto/subtle"
	"fmt"

	slow "golang.org/x/crypto/xts"

	"github.com/dmimg/dmimg/crypt/xts"
)

// Sectors 1000 to 1015 of 4096 bytes, encrypted as dm-crypt does with
// aes-xts-plain64 and sector_size:4096: the IV counts 512-byte units.
func Example() {
	key := bytes.Repeat([]byte{1, 2, 3, 4}, 16) // 64 bytes: AES-256
	c, err := xts.New(key)
	if err != nil {
		panic(err)
	}
	run := xts.Run{SectorSize: 4096, First: 1000 * 8, Step: 8}

	disk := make([]byte, 16*4096)
	c.Encrypt(disk, disk, run)
	fmt.Printf("%x\n", disk[:16])

	c.Decrypt(disk, disk, run)
	fmt.Printf("%x\n", disk[:16])
	// Output:
	// dffaf7fda459cd3817582bfcba461ad6
	// 00000000000000000000000000000000
}

// IVs of any other kind are given one by one.
func ExampleCipher_EncryptIVs() {
	c, err := xts.New(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	sectors := make([]byte, 2*512)
	ivs := make([]byte, 2*xts.BlockSize)
	copy(ivs[15:], []byte{1}) // big-endian 1 and 2
	copy(ivs[31:], []byte{2})
	c.EncryptIVs(sectors, sectors, ivs, 512)
	fmt.Printf("%x %x\n", sectors[:8], sectors[512:520])
	// Output:
	// 1a8bbf023c9ea34d 8c7777fa01ad48be
}

// A program that calls golang.org/x/crypto/xts for one sector after the other makes
// the same of them in one call; sectorNum of the first is First.
func ExampleCipher_Encrypt() {
	key := bytes.Repeat([]byte{1, 2, 3, 4}, 16)
	const sectorSize, sectors = 512, 1000
	disk := make([]byte, sectors*sectorSize)

	c, err := xts.New(key)
	if err != nil {
		panic(err)
	}
	c.Encrypt(disk, disk, xts.Run{SectorSize: sectorSize, First: 42})

	old, err := slow.NewCipher(aes.NewCipher, key)
	if err != nil {
		panic(err)
	}
	same := true
	for i := range sectors {
		want := make([]byte, sectorSize)
		old.Encrypt(want, want, 42+uint64(i))
		same = same && bytes.Equal(want, disk[i*sectorSize:(i+1)*sectorSize])
	}
	fmt.Println(same)
	// Output:
	// true
}

// CBC decryption of a sector, of which all blocks go through the cipher at once.
func ExampleBlocks() {
	b, err := xts.NewBlocks(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	iv := make([]byte, xts.BlockSize)
	sealed := bytes.Repeat([]byte("sixteen bytes, a"), 32)

	sector := make([]byte, len(sealed))
	b.Decrypt(sector, sealed)
	subtle.XORBytes(sector[xts.BlockSize:], sector[xts.BlockSize:], sealed)
	subtle.XORBytes(sector, sector, iv)
	fmt.Printf("%x\n", sector[:8])
	fmt.Println(bytes.Equal(sector[16:32], sector[32:48]))
	// Output:
	// 077fc3f71d7c9fda
	// true
}
