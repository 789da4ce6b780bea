package verity

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
)

// TestHasherEqualsPlainHash runs every hash through both hash types.
func TestHasherEqualsPlainHash(t *testing.T) {
	t.Parallel()
	const n = 19 // more than a group of any implementation that does many at once
	data := pattern(n*1024, 6)
	for _, name := range hashes.Names() {
		a, err := hashes.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, salt := range [][]byte{nil, {1}, data[:64], data[:256]} {
			for hashType := range 2 {
				h, err := NewHasher(Params{HashType: hashType, Algorithm: name, Salt: salt})
				if err != nil {
					t.Fatal(err)
				}
				if h.Size() != a.Size {
					t.Fatalf("%s: got size %d, want %d", name, h.Size(), a.Size)
				}
				got := bytes.Repeat([]byte{0xaa}, n*a.Size+1)
				h.SumBlocks(got, data, 1024)
				for i := range n {
					plain := a.New()
					block := data[i*1024:][:1024]
					input := append(bytes.Clone(salt), block...)
					if hashType == 0 {
						input = append(bytes.Clone(block), salt...)
					}
					plain.Write(input)
					if want := plain.Sum(nil); !bytes.Equal(got[i*a.Size:][:a.Size], want) {
						t.Errorf("%s, type %d, salt of %d, block %d: got %x, want %x", name, hashType, len(salt), i, got[i*a.Size:][:a.Size], want)
					}
				}
				if got[n*a.Size] != 0xaa {
					t.Errorf("%s: wrote past the digests", name)
				}
			}
		}
	}
}

func TestHasherRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		p    Params
		want error
	}{
		{Params{Algorithm: "nohash"}, ErrUnknownHash},
		{Params{Algorithm: "nohash"}, ErrBadParams},
		{Params{Algorithm: "sha256", HashType: 2}, ErrBadParams},
		{Params{Algorithm: "sha256", Salt: make([]byte, 257)}, ErrBadParams},
	} {
		if h, err := NewHasher(test.p); h != nil || !errors.Is(err, test.want) {
			t.Errorf("%+v: got %v, %v, want %v", test.p, h, err, test.want)
		}
	}
}

func TestSumBlocksPanicsOnMisuse(t *testing.T) {
	t.Parallel()
	for hashType := range 2 {
		h, err := NewHasher(Params{HashType: hashType, Algorithm: "sha256"})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range [][3]int{{32, 1000, 512}, {31, 512, 512}, {63, 1024, 512}, {32, 512, 0}} {
			panicked := func() (p bool) {
				defer func() { p = recover() != nil }()
				h.SumBlocks(make([]byte, n[0]), make([]byte, n[1]), n[2])
				return false
			}()
			if !panicked {
				t.Errorf("%d bytes of digests, %d of data, blocks of %d: no panic", n[0], n[1], n[2])
			}
		}
		h.SumBlocks(nil, nil, 512) // nothing is fine
	}
}

func TestIsZero(t *testing.T) {
	t.Parallel()
	for n := range 70 {
		b := make([]byte, n)
		if !isZero(b) {
			t.Errorf("%d zeros: got false", n)
		}
		for i := range b {
			b[i] = 1
			if isZero(b) {
				t.Errorf("%d bytes, number %d not zero: got true", n, i)
			}
			b[i] = 0
		}
	}
}

func TestDataHasherKnowsZeroBlocks(t *testing.T) {
	t.Parallel()
	p := Params{HashType: 1, Algorithm: "sha256", DataBlockSize: 512, Salt: []byte{3}}
	all, err := newDataHashers(p, 2)
	if err != nil {
		t.Fatal(err)
	}
	for mask := range 64 { // which of six blocks are not zero
		data := make([]byte, 6*512)
		for i := range 6 {
			if mask>>i&1 == 1 {
				data[i*512+(mask*37+i)%512] = 1
			}
		}
		got, want := make([]byte, 6*32), make([]byte, 6*32)
		all[mask%2].sum(got, data)
		all[0].SumBlocks(want, data, 512)
		if !bytes.Equal(got, want) {
			t.Errorf("blocks %06b: got %x, want %x", mask, got, want)
		}
	}
}

func BenchmarkSumBlocks(b *testing.B) {
	for _, name := range []string{"sha256", "sha512", "sha1", "blake2b-512"} {
		for _, size := range []int{512, 4096} {
			b.Run(fmt.Sprintf("hash=%s/size=%d", name, size), func(b *testing.B) {
				h, err := NewHasher(Params{HashType: 1, Algorithm: name, Salt: make([]byte, 32)})
				if err != nil {
					b.Fatal(err)
				}
				data := pattern(1<<18, 1)
				digests := make([]byte, len(data)/size*h.Size())
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					h.SumBlocks(digests, data, size)
				}
			})
		}
	}
}
