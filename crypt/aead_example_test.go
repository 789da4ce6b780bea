package crypt_test

import (
	"errors"
	"fmt"
	"io"

	"github.com/dmimg/dmimg/crypt"
)

// besides is a TaggedStorage in memory; package volume/integrity is one on disk.
type besides struct {
	sectors [8][512]byte
	tags    [8][28]byte
}

func (b *besides) TagSize() int { return 28 }

func (b *besides) ReadTagged(p, tags []byte, off int64) error {
	for i := range len(p) / 512 {
		n := int(off)/512 + i
		if n >= len(b.sectors) {
			return io.EOF
		}
		copy(p[512*i:], b.sectors[n][:])
		copy(tags[28*i:], b.tags[n][:])
	}
	return nil
}

func (b *besides) WriteTagged(p, tags []byte, off int64) error {
	for i := range len(p) / 512 {
		n := int(off)/512 + i
		if n >= len(b.sectors) {
			return io.ErrShortWrite
		}
		copy(b.sectors[n][:], p[512*i:])
		copy(b.tags[n][:], tags[28*i:])
	}
	return nil
}

// What is changed, or was never written, is not read.
func ExampleNewAEADDevice() {
	storage := new(besides)
	d, err := crypt.NewAEADDevice(storage, crypt.Config{
		Spec: "capi:gcm(aes)-random", Key: make([]byte, 32), Integrity: "28:aead",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	sectors := make([]byte, 3*512)
	if _, err := d.WriteAt(sectors, 0); err != nil {
		fmt.Println(err)
	}
	storage.sectors[2][100] ^= 1

	n, err := d.ReadAt(sectors, 0)
	fmt.Println(n, errors.Is(err, crypt.ErrIntegrity))
	var failed *crypt.IntegrityError
	if errors.As(err, &failed) {
		fmt.Println(failed.Length, "bytes at", failed.Offset)
	}
	_, err = d.ReadAt(sectors[:512], 7*512)
	fmt.Println(errors.Is(err, crypt.ErrIntegrity))
	// Output:
	// 1024 true
	// 512 bytes at 1024
	// true
}
