package fec

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
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

// BenchmarkCorrector locates errors in single codewords.
func BenchmarkCorrector(b *testing.B) {
	for _, n := range []struct{ roots, erased, unknown int }{{2, 0, 1}, {8, 0, 4}, {24, 0, 12}, {24, 10, 7}, {24, 24, 0}} {
		b.Run(fmt.Sprintf("roots=%d/erased=%d/unknown=%d", n.roots, n.erased, n.unknown), func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			places := random.Perm(codewordLen)[:n.erased+n.unknown]
			errors := map[int]byte{}
			for _, p := range places {
				errors[p] = byte(1 + random.IntN(255))
			}
			c, diff := newCorrector(n.roots), difference(n.roots, errors)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := c.solve(diff, places[:n.erased]); !ok {
					b.Fatal("not solved")
				}
			}
		})
	}
}

// BenchmarkRepairRound repairs one round with as many damaged blocks as there
// are roots but four, and with two bytes of parity damaged in every codeword.
func BenchmarkRepairRound(b *testing.B) {
	p := Params{Roots: 24, BlockSize: 4096, Blocks: 231}
	m := newImage(b, p, 1)
	var damaged []Range
	for _, block := range m.round(0)[:p.Roots-4] {
		m.hurt(block)
		damaged = append(damaged, Range{block, block})
	}
	for c := range p.ShardBytes() {
		for _, j := range m.random.Perm(p.Roots)[:2] {
			m.parity[c*int64(p.Roots)+int64(j)] ^= byte(1 + m.random.IntN(255))
		}
	}
	d := m.decoder(b)
	for b.Loop() {
		got, err := d.Repair(b.Context(), discard{}, damaged, m.bad)
		if err != nil || len(got.Lost) > 0 {
			b.Fatalf("lost %v, %v", got.Lost, err)
		}
	}
}
