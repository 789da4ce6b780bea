// Package blocktest is the test suite of the block ciphers beside it that take many
// blocks in one call:
//
//	blocktest.Run(t, blocktest.Cipher{
//		Name: "camellia", BlockSize: 16, KeySizes: []int{16, 24, 32},
//		New: func(key []byte) (blocktest.Block, error) { return New(key) },
//	})
//
// Known answers are in testdata/vectors.txt of the package under test, a key, a
// plaintext and its ciphertext in hex on each line.
package blocktest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
)

// Block is a keyed cipher.
type Block interface {
	BlockSize() int
	Encrypt(dst, src []byte)
	Decrypt(dst, src []byte)
	EncryptBlocks(dst, src []byte)
	DecryptBlocks(dst, src []byte)
	Wipe()
}

// Cipher is what is tested.
type Cipher struct {
	Name      string // how its panics and errors begin
	BlockSize int    // bytes
	KeySizes  []int  // bytes
	Answers   []int  // sizes of keys for which there must be known answers; nil: all
	New       func(key []byte) (Block, error)
}

// Run tests c.
func Run(t *testing.T, c Cipher) {
	t.Helper()
	t.Run("vectors", func(t *testing.T) { t.Parallel(); c.checkVectors(t) })
	t.Run("runs", func(t *testing.T) { t.Parallel(); c.checkRuns(t) })
	t.Run("misuse", func(t *testing.T) { t.Parallel(); c.checkMisuse(t) })
	t.Run("wipe", func(t *testing.T) { t.Parallel(); c.checkWipe(t) })
}

// Benchmark measures runs of 4096 bytes for every key size.
func Benchmark(b *testing.B, c Cipher) {
	for _, size := range c.KeySizes {
		block, err := c.New(make([]byte, size))
		if err != nil {
			b.Fatal(err)
		}
		p := make([]byte, 4096)
		for way, call := range map[string]func(dst, src []byte){"encrypt": block.EncryptBlocks, "decrypt": block.DecryptBlocks} {
			b.Run(fmt.Sprintf("%s/key=%d", way, size), func(b *testing.B) {
				b.SetBytes(int64(len(p)))
				b.ReportAllocs()
				for b.Loop() {
					call(p, p)
				}
			})
		}
	}
}

func (c *Cipher) checkVectors(t *testing.T) {
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
		block := c.keyed(t, key)
		got := make([]byte, len(plain))
		if block.Encrypt(got, plain); !bytes.Equal(got, want) {
			t.Errorf("%d-byte key: Encrypt(%x) = %x, want %x", len(key), plain, got, want)
		}
		if block.Decrypt(got, got); !bytes.Equal(got, plain) {
			t.Errorf("%d-byte key: Decrypt(%x) = %x, want %x", len(key), want, got, plain)
		}
	}
	sizes := c.Answers
	if sizes == nil {
		sizes = c.KeySizes
	}
	for _, size := range sizes {
		if seen[size] == 0 {
			t.Errorf("no known answer for keys of %d bytes", size)
		}
	}
}

// checkRuns compares runs of many lengths, apart and in place, with single blocks,
// and looks at the bytes behind them.
func (c *Cipher) checkRuns(t *testing.T) {
	block := c.keyed(t, pattern(c.KeySizes[0], 3))
	plain := pattern(17*c.BlockSize, 7)
	want := make([]byte, len(plain))
	for i := 0; i < len(plain); i += c.BlockSize {
		block.Encrypt(want[i:], plain[i:])
	}
	for n := 0; n <= len(plain); n += c.BlockSize {
		guard := bytes.Repeat([]byte{0xa5}, len(plain)+1)
		got := bytes.Clone(guard)
		block.EncryptBlocks(got[:n], plain[:n])
		if !bytes.Equal(got[:n], want[:n]) || !bytes.Equal(got[n:], guard[n:]) {
			t.Errorf("EncryptBlocks of %d bytes differs from single blocks, or wrote more", n)
		}
		block.DecryptBlocks(got[:n], got[:n])
		if !bytes.Equal(got[:n], plain[:n]) || !bytes.Equal(got[n:], guard[n:]) {
			t.Errorf("DecryptBlocks of %d bytes in place is not the inverse, or wrote more", n)
		}
	}
}

func (c *Cipher) checkMisuse(t *testing.T) {
	known := map[int]bool{}
	for _, size := range c.KeySizes {
		known[size] = true
	}
	for size := range 70 {
		_, err := c.New(make([]byte, size))
		switch {
		case known[size] != (err == nil):
			t.Errorf("New with a key of %d bytes = %v", size, err)
		case err != nil && !strings.HasPrefix(err.Error(), c.Name+": key of "+fmt.Sprint(size)+" bytes"):
			t.Errorf("New with a key of %d bytes = %q, want one that says so", size, err)
		}
	}
	block, bs := c.keyed(t, make([]byte, c.KeySizes[0])), c.BlockSize
	if block.BlockSize() != bs {
		t.Errorf("BlockSize() = %d, want %d", block.BlockSize(), bs)
	}
	for _, lengths := range [][2]int{{bs - 1, bs - 1}, {bs, 2 * bs}, {5 * bs, 4*bs + 1}} {
		for name, call := range map[string]func(dst, src []byte){"EncryptBlocks": block.EncryptBlocks, "DecryptBlocks": block.DecryptBlocks} {
			func() {
				defer func() {
					if s := fmt.Sprint(recover()); !strings.HasPrefix(s, c.Name+": ") {
						t.Errorf("%s with %v bytes: panic %q, want one of %s", name, lengths, s, c.Name)
					}
				}()
				call(make([]byte, lengths[0]), make([]byte, lengths[1]))
			}()
		}
	}
}

// checkWipe: two ciphers with different keys are the same after Wipe.
func (c *Cipher) checkWipe(t *testing.T) {
	p, q := make([]byte, c.BlockSize), make([]byte, c.BlockSize)
	one, other := c.keyed(t, pattern(c.KeySizes[0], 1)), c.keyed(t, pattern(c.KeySizes[0], 5))
	one.Wipe()
	other.Wipe()
	one.Encrypt(p, p)
	other.Encrypt(q, q)
	if !bytes.Equal(p, q) {
		t.Error("Wipe leaves what depends on the key")
	}
}

func (c *Cipher) keyed(t *testing.T, key []byte) Block {
	t.Helper()
	block, err := c.New(key)
	if err != nil {
		t.Fatal(err)
	}
	return block
}

// pattern returns n bytes that count up by step.
func pattern(n, step int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i*step + step)
	}
	return p
}

func decode(t *testing.T, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
