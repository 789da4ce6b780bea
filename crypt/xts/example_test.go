package xts_test

import (
	"bytes"
	"fmt"

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
