package serpent

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
)

// tables are the S-boxes as the specification prints them.
var tables = [8][16]uint64{
	{3, 8, 15, 1, 10, 6, 5, 11, 14, 13, 4, 2, 7, 0, 9, 12},
	{15, 12, 2, 7, 9, 0, 5, 10, 1, 11, 14, 8, 6, 13, 3, 4},
	{8, 6, 7, 9, 3, 12, 10, 15, 13, 1, 14, 4, 0, 11, 5, 2},
	{0, 15, 11, 8, 12, 9, 6, 3, 13, 1, 2, 4, 10, 7, 5, 14},
	{1, 15, 8, 3, 12, 0, 11, 6, 2, 5, 4, 10, 9, 14, 7, 13},
	{15, 5, 2, 11, 4, 10, 9, 12, 0, 3, 14, 8, 13, 6, 7, 1},
	{7, 2, 12, 5, 8, 4, 6, 11, 14, 9, 1, 15, 13, 3, 10, 0},
	{1, 13, 15, 0, 14, 8, 2, 11, 7, 4, 12, 10, 9, 3, 5, 6},
}

func TestSBoxes(t *testing.T) {
	t.Parallel()
	type box func(a, b, c, d uint64) (w, x, y, z uint64)
	boxes := [8]box{sbox0, sbox1, sbox2, sbox3, sbox4, sbox5, sbox6, sbox7}
	inverses := [8]box{inverse0, inverse1, inverse2, inverse3, inverse4, inverse5, inverse6, inverse7}
	apply := func(f box, v uint64) uint64 {
		w, x, y, z := f(v&1, v>>1&1, v>>2&1, v>>3&1)
		return w&1 | x&1<<1 | y&1<<2 | z&1<<3
	}
	for i, table := range tables {
		for in, want := range table {
			if got := apply(boxes[i], uint64(in)); got != want {
				t.Errorf("S%d(%d) = %d, want %d", i, in, got, want)
			}
			if got := apply(inverses[i], want); got != uint64(in) {
				t.Errorf("inverse of S%d(%d) = %d, want %d", i, want, got, in)
			}
		}
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	for block := range 2 {
		for bit := range 64 {
			in := [2]uint64{}
			in[block] = 1 << bit
			var want [2]uint64
			want[bit/32] = 1 << (2*(bit%32) + block)
			low, high := spread(in[0], in[1])
			if got := [2]uint64{low, high}; got != want {
				t.Errorf("spread of bit %d of block %d = %x, want %x", bit, block, got, want)
			}
			first, second := gather(low, high)
			if got := [2]uint64{first, second}; got != in {
				t.Errorf("gather does not undo spread of bit %d of block %d: %x", bit, block, got)
			}
		}
	}
}

func TestVectors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]int{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		w := strings.Fields(line)
		key, plain, want := decode(t, w[0]), decode(t, w[1]), decode(t, w[2])
		seen[len(key)]++
		c, err := New(key)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, BlockSize)
		if c.Encrypt(got, plain); !bytes.Equal(got, want) {
			t.Errorf("%d-byte key: Encrypt(%x) = %x, want %x", len(key), plain, got, want)
		}
		if c.Decrypt(got, got); !bytes.Equal(got, plain) {
			t.Errorf("%d-byte key: Decrypt(%x) = %x, want %x", len(key), want, got, plain)
		}
	}
	if seen[16] < 8 || seen[24] < 8 || seen[32] < 8 {
		t.Errorf("vectors of each key size: %v, want at least 8 of 16, 24 and 32", seen)
	}
}

// TestBlocksAreIndependent compares runs of every length up to three strides, apart
// and in place, with single blocks, and looks at the bytes behind them.
func TestBlocksAreIndependent(t *testing.T) {
	t.Parallel()
	c, err := New([]byte("a key of nineteen b"))
	if err != nil {
		t.Fatal(err)
	}
	plain := make([]byte, 3*stride)
	for i := range plain {
		plain[i] = byte(i * 7)
	}
	want := make([]byte, len(plain))
	for i := 0; i < len(plain); i += BlockSize {
		c.Encrypt(want[i:], plain[i:])
	}
	for n := 0; n <= len(plain); n += BlockSize {
		got := bytes.Repeat([]byte{0xa5}, len(plain)+1)
		c.EncryptBlocks(got[:n], plain[:n])
		if !bytes.Equal(got[:n], want[:n]) || !bytes.Equal(got[n:], bytes.Repeat([]byte{0xa5}, len(got)-n)) {
			t.Errorf("EncryptBlocks of %d bytes differs from single blocks, or wrote more", n)
		}
		c.DecryptBlocks(got[:n], got[:n])
		if !bytes.Equal(got[:n], plain[:n]) || !bytes.Equal(got[n:], bytes.Repeat([]byte{0xa5}, len(got)-n)) {
			t.Errorf("DecryptBlocks of %d bytes in place is not the inverse, or wrote more", n)
		}
	}
}

// TestShortKeys: a key stands for itself, a bit and zeros.
func TestShortKeys(t *testing.T) {
	t.Parallel()
	full := []byte("0123456789abcdefghijklmnopqrstuv")
	for n := range MaxKeySize {
		padded := make([]byte, MaxKeySize)
		padded[copy(padded, full[:n])] = 1
		short, err := New(full[:n])
		if err != nil {
			t.Fatal(err)
		}
		long, err := New(padded)
		if err != nil {
			t.Fatal(err)
		}
		if *short != *long {
			t.Errorf("key of %d bytes: round keys are not those of the padded key", n)
		}
	}
	if _, err := New(make([]byte, MaxKeySize+1)); err == nil || !strings.Contains(err.Error(), "33 bytes") {
		t.Errorf("New with 33 bytes = %v, want an error with the size", err)
	}
}

func TestWrongLengthsPanic(t *testing.T) {
	t.Parallel()
	c, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, lengths := range [][2]int{{15, 15}, {16, 32}, {80, 65}} {
		for name, call := range map[string]func(dst, src []byte){"EncryptBlocks": c.EncryptBlocks, "DecryptBlocks": c.DecryptBlocks} {
			func() {
				defer func() {
					if s := fmt.Sprint(recover()); !strings.HasPrefix(s, "serpent: ") {
						t.Errorf("%s with %v bytes: panic %q, want one of serpent", name, lengths, s)
					}
				}()
				call(make([]byte, lengths[0]), make([]byte, lengths[1]))
			}()
		}
	}
}

func TestWipe(t *testing.T) {
	t.Parallel()
	c, err := New([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Wipe(); *c != (Cipher{}) {
		t.Error("Wipe leaves round keys")
	}
}

func BenchmarkBlocks(b *testing.B) {
	c, err := New(make([]byte, MaxKeySize))
	if err != nil {
		b.Fatal(err)
	}
	p := make([]byte, 4096)
	for name, call := range map[string]func(dst, src []byte){"encrypt": c.EncryptBlocks, "decrypt": c.DecryptBlocks} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				call(p, p)
			}
		})
	}
}

func decode(t *testing.T, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
