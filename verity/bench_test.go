package verity

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
)

// dense is data without a zero block.
func dense(n int) []byte {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(rng.Uint32()) | 1
	}
	return b
}

func BenchmarkBuild(b *testing.B) {
	data := &memory{b: dense(64 << 20)}
	for _, size := range []int{512, 4096} {
		for _, jobs := range []int{1, 0} {
			b.Run(fmt.Sprintf("size=%d/jobs=%d", size, jobs), func(b *testing.B) {
				p := Params{HashType: 1, Algorithm: "sha256", DataBlockSize: size, HashBlockSize: size, DataBlocks: uint64(len(data.b) / size), Jobs: jobs}
				hash := &memory{b: make([]byte, 8<<20)}
				b.SetBytes(int64(len(data.b)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Build(context.Background(), data, hash, p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	i := &image{p: params(16384), data: &memory{b: dense(64 << 20)}, hash: new(memory)}
	var err error
	if i.root, err = Build(context.Background(), i.data, i.hash, i.p); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(i.data.b)))
	b.ReportAllocs()
	for b.Loop() {
		if r, err := Check(context.Background(), i.data, i.hash, i.p, i.root); err != nil || !r.OK() {
			b.Fatal(r, err)
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	data := dense(64 << 20)
	hash := &memory{b: make([]byte, 8<<20)}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		w, err := NewWriter(hash, params(0))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			b.Fatal(err)
		}
		if _, _, err := w.Finish(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDevice(b *testing.B) {
	i := &image{p: params(16384), data: &memory{b: dense(64 << 20)}, hash: new(memory)}
	var err error
	if i.root, err = Build(context.Background(), i.data, i.hash, i.p); err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{4096, 1 << 20} {
		b.Run(fmt.Sprintf("random/size=%d", size), func(b *testing.B) {
			d := i.device(b, DeviceOptions{})
			buf := make([]byte, size)
			rng := rand.New(rand.NewPCG(3, 4))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.ReadAt(buf, rng.Int64N((64<<20-int64(size))/4096)*4096); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
