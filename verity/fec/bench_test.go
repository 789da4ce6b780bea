package fec

import (
	"bytes"
	"context"
	"fmt"
	"testing"
)

// discard is a parity area that keeps nothing.
type discard struct{}

func (discard) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// BenchmarkEncode encodes a cached image of 128 MiB.
func BenchmarkEncode(b *testing.B) {
	const blockSize = 4096
	image := make([]byte, 128<<20)
	for i := range image {
		image[i] = byte(i * 31 >> 3)
	}
	for _, jobs := range []int{1, 0} {
		for _, roots := range []int{2, 8, 24} {
			b.Run(fmt.Sprintf("roots=%d/jobs=%d", roots, jobs), func(b *testing.B) {
				p := Params{Roots: roots, BlockSize: blockSize, Blocks: uint64(len(image) / blockSize), Jobs: jobs}
				b.SetBytes(int64(len(image)))
				b.ReportAllocs()
				for b.Loop() {
					if err := Encode(context.Background(), bytes.NewReader(image), discard{}, 0, p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkRecover recovers one block, with one block damaged at an unknown
// place, and with as many known to be damaged as there are roots.
func BenchmarkRecover(b *testing.B) {
	for _, roots := range []int{2, 24} {
		for _, known := range []bool{false, true} {
			b.Run(fmt.Sprintf("roots=%d/known=%v", roots, known), func(b *testing.B) {
				p := Params{Roots: roots, BlockSize: 4096, Blocks: 2000}
				m := newImage(b, p, 1)
				blocks, bad := m.round(3)[:1], BadFunc(nil)
				if known {
					blocks, bad = m.round(3)[:roots], m.bad
				}
				for _, block := range blocks {
					m.hurt(block)
				}
				d := m.decoder(b)
				out := make([]byte, p.BlockSize)
				b.ReportAllocs()
				for b.Loop() {
					if err := d.Recover(out, blocks[0], bad); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
