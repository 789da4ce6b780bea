package xts

import (
	"bytes"
	"crypto/aes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestBlocks compares all lengths up to more than a call of assembly with
// crypto/aes, apart, in place and unaligned, with bytes around that must stay.
func TestBlocks(t *testing.T) {
	t.Parallel()
	var lengths []int
	for n := 0; n <= 3*256+32; n += BlockSize {
		lengths = append(lengths, n)
	}
	lengths = append(lengths, 4096, maxCall-BlockSize, maxCall, maxCall+BlockSize, 3*maxCall+272)
	forEachImpl(t, func(t *testing.T, i impl) {
		for at, n := range lengths {
			key := random(uint64(n), []int{16, 24, 32}[at%3])
			judge, err := aes.NewCipher(key)
			if err != nil {
				t.Fatal(err)
			}
			b, err := newBlocks(key, i)
			if err != nil {
				t.Fatal(err)
			}
			plain := random(uint64(n)+1, n)
			sealed := bytes.Clone(plain)
			encryptBlocks(judge, sealed)
			checkBlocksCall(t, fmt.Sprintf("Encrypt of %d bytes", n), at, plain, sealed, b.Encrypt)
			checkBlocksCall(t, fmt.Sprintf("Decrypt of %d bytes", n), at, sealed, plain, b.Decrypt)
		}
	})
}

func checkBlocksCall(t *testing.T, name string, shift int, in, out []byte, call func(dst, src []byte)) {
	t.Helper()
	const guard = 64
	begin := guard + shift%BlockSize
	room := bytes.Repeat([]byte{0xa5}, begin+len(in)+guard)
	dst := room[begin:][:len(in)]
	src := bytes.Clone(in)
	call(dst, src)
	if !bytes.Equal(dst, out) || !bytes.Equal(src, in) {
		t.Errorf("%s: wrong output, or the input changed", name)
	}
	copy(dst, in)
	call(dst, dst)
	if !bytes.Equal(dst, out) {
		t.Errorf("%s in place: wrong output", name)
	}
	around := append(bytes.Clone(room[:begin]), room[begin+len(in):]...)
	if !bytes.Equal(around, bytes.Repeat([]byte{0xa5}, len(around))) {
		t.Errorf("%s: wrote around its output", name)
	}
}

func TestNewBlocks(t *testing.T) {
	t.Parallel()
	for size := range 70 {
		_, err := NewBlocks(make([]byte, size))
		want := slices.Contains([]int{16, 24, 32}, size)
		if want != (err == nil) || (err != nil && !errors.Is(err, ErrKeySize)) {
			t.Errorf("NewBlocks of a %d-byte key = %v, want ok %v or ErrKeySize", size, err, want)
		}
	}
	for _, name := range Implementations() {
		b, err := NewBlocksImpl(make([]byte, 16), name)
		if err != nil || b.Implementation() != name {
			t.Fatalf("NewBlocksImpl(%q) = %v, %v", name, b, err)
		}
		b.Wipe()
		if b.keys != (roundKeys{}) || b.block != nil {
			t.Errorf("%s: round keys are left after Wipe", name)
		}
	}
	if _, err := NewBlocksImpl(make([]byte, 16), "abacus"); err == nil || !strings.Contains(err.Error(), `"abacus"`) {
		t.Errorf("NewBlocksImpl of an unknown name = %v, want an error with the name", err)
	}
}

func TestBlocksMisuse(t *testing.T) {
	t.Parallel()
	b, err := NewBlocks(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	for _, sizes := range [][2]int{{15, 15}, {16, 17}, {16, 32}} {
		for name, call := range map[string]func(dst, src []byte){"Encrypt": b.Encrypt, "Decrypt": b.Decrypt} {
			func() {
				defer func() {
					if s, _ := recover().(string); !strings.HasPrefix(s, "xts: ") {
						t.Errorf("%s into %d bytes of %d: panic %q, want one that begins with xts:", name, sizes[0], sizes[1], s)
					}
				}()
				call(make([]byte, sizes[0]), make([]byte, sizes[1]))
			}()
		}
	}
}

func TestBlocksAllocateNothing(t *testing.T) { // not parallel: it counts allocations
	for _, i := range available() {
		b, err := newBlocks(make([]byte, 32), i)
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 4096+16)
		if allocs := testing.AllocsPerRun(100, func() { b.Encrypt(p, p); b.Decrypt(p, p) }); allocs != 0 {
			t.Errorf("%v: %v allocations, want 0", i, allocs)
		}
	}
}

func FuzzBlocks(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), []byte("one block of many"))
	f.Add(make([]byte, 24), make([]byte, 17*BlockSize))
	f.Add(bytes.Repeat([]byte{0xff}, 32), bytes.Repeat([]byte("sixteen bytes, a"), 40))
	f.Fuzz(func(t *testing.T, key, data []byte) {
		data = data[:len(data)/BlockSize*BlockSize]
		judge, err := aes.NewCipher(key)
		if err != nil {
			t.Skip()
		}
		sealed, opened := bytes.Clone(data), bytes.Clone(data)
		encryptBlocks(judge, sealed)
		decryptBlocks(judge, opened)
		for _, i := range available() {
			b, err := newBlocks(key, i)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(data))
			if b.Encrypt(got, data); !bytes.Equal(got, sealed) {
				t.Fatalf("%v: Encrypt of %d bytes differs from crypto/aes", i, len(data))
			}
			if b.Decrypt(got, data); !bytes.Equal(got, opened) {
				t.Fatalf("%v: Decrypt of %d bytes differs from crypto/aes", i, len(data))
			}
		}
	})
}
