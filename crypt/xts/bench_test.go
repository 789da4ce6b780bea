package xts

import (
	"fmt"
	"testing"
)

// BenchmarkSectors works on what stays in the first caches, with 256-bit and
// 128-bit keys.
func BenchmarkSectors(b *testing.B) {
	const total = 64 << 10
	for _, i := range available() {
		for _, keySize := range []int{64, 32} {
			c, err := newCipher(make([]byte, keySize), i)
			if err != nil {
				b.Fatal(err)
			}
			for _, size := range []int{512, 4096} {
				for way, call := range map[string]func(dst, src []byte, r Run){"encrypt": c.Encrypt, "decrypt": c.Decrypt} {
					b.Run(fmt.Sprintf("impl=%s/key=%d/%s/size=%d", i, 4*keySize, way, size), func(b *testing.B) {
						dst, src := make([]byte, total), make([]byte, total)
						b.SetBytes(total)
						b.ReportAllocs()
						for b.Loop() {
							call(dst, src, Run{SectorSize: size, Step: uint64(size / 512)})
						}
					})
				}
			}
		}
	}
}
