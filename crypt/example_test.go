package crypt_test

import (
	"bytes"
	"fmt"
	"io"

	"github.com/dmimg/dmimg/crypt"
)

// disk is storage in memory.
type disk []byte

func (d disk) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(d).ReadAt(p, off)
}

func (d disk) WriteAt(p []byte, off int64) (int, error) {
	if n := copy(d[off:], p); n < len(p) {
		return n, io.ErrShortWrite
	}
	return len(p), nil
}

// The table line "0 8 crypt aes-cbc-essiv:sha256 <key> 0 /dev/sda 8".
func ExampleNewDevice() {
	image := make(disk, 8192)
	key := bytes.Repeat([]byte{7}, 32)
	d, err := crypt.NewDevice(image, 8*512, crypt.Config{Spec: "aes-cbc-essiv:sha256", Key: key})
	if err != nil {
		panic(err)
	}
	defer d.Close()

	sector := make([]byte, 512)
	copy(sector, "attack at dawn")
	if _, err := d.WriteAt(sector, 512); err != nil {
		panic(err)
	}
	fmt.Printf("stored: %x…\n", image[9*512:][:14])

	got := make([]byte, 512)
	if _, err := d.ReadAt(got, 512); err != nil {
		panic(err)
	}
	fmt.Printf("read:   %s\n", got[:14])
	// Output:
	// stored: 2b3efa6978283afeb6b76c15ac94…
	// read:   attack at dawn
}

func ExampleParseSpec() {
	for _, s := range []string{"aes", "aes-xts-plain64", "capi:cbc(aes)-essiv:sha256"} {
		spec, err := crypt.ParseSpec(s)
		if err != nil {
			panic(err)
		}
		iv, options := spec.IVMode()
		fmt.Printf("%s: %s, iv %s, hash %q\n", spec, spec.APIName(), iv, options)
	}
	// Output:
	// aes: cbc(aes), iv plain, hash ""
	// aes-xts-plain64: xts(aes), iv plain64, hash ""
	// capi:cbc(aes)-essiv:sha256: cbc(aes), iv essiv, hash "sha256"
}
