package xts

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	peer "golang.org/x/crypto/xts"
)

// random returns n bytes that depend on seed only.
func random(seed uint64, n int) []byte {
	p := make([]byte, n)
	var s [32]byte
	binary.LittleEndian.PutUint64(s[:], seed)
	rand.NewChaCha8(s).Read(p)
	return p
}

// peerEncrypt is golang.org/x/crypto/xts on each sector.
func peerEncrypt(t testing.TB, key, src []byte, r Run) []byte {
	t.Helper()
	c, err := peer.NewCipher(aes.NewCipher, key)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, len(src))
	number := r.First
	for i := 0; i < len(src); i += r.SectorSize {
		c.Encrypt(dst[i:i+r.SectorSize], src[i:i+r.SectorSize], number)
		number += max(r.Step, 1)
	}
	return dst
}

// TestAgainstPeer compares runs of sectors of many sizes with x/crypto, in both
// directions, apart and in place.
func TestAgainstPeer(t *testing.T) {
	t.Parallel()
	var runs []Run
	for size := BlockSize; size <= 4096+2*BlockSize; size += BlockSize {
		runs = append(runs, Run{SectorSize: size, First: uint64(size) << 29, Step: uint64(size % 9)})
	}
	for _, size := range []int{8192, maskSize*3 + 48, maxCall, maxCall + 16, 3*maxCall - 32, 3 * maxCall} {
		runs = append(runs, Run{SectorSize: size, First: ^uint64(0), Step: 8})
	}
	forEachImpl(t, func(t *testing.T, i impl) {
		for n, r := range runs {
			key := random(uint64(n), KeySizes()[n%3])
			c, err := newCipher(key, i)
			if err != nil {
				t.Fatal(err)
			}
			plain := random(uint64(n), r.SectorSize*(1+n%5))
			want := peerEncrypt(t, key, plain, r)
			checkRoundTrip(t, c, r, plain, want)
		}
	})
}

// TestLongRuns covers more sectors than go into one batch, around its edges.
func TestLongRuns(t *testing.T) {
	t.Parallel()
	forEachImpl(t, func(t *testing.T, i impl) {
		for _, size := range []int{16, 512, 4096} {
			batch := min(maxBatch, maxCall/size)
			for _, sectors := range []int{batch - 1, batch, batch + 1, 3*batch + 1} {
				key := random(3, 64)
				c, err := newCipher(key, i)
				if err != nil {
					t.Fatal(err)
				}
				r := Run{SectorSize: size, First: -(uint64(sectors) / 2)}
				plain := random(4, sectors*size)
				checkRoundTrip(t, c, r, plain, peerEncrypt(t, key, plain, r))
			}
		}
	})
}

// checkRoundTrip runs all four methods between plain and sealed, apart and in
// place, unaligned, with guard bytes around dst, and demands that src is left
// alone.
func checkRoundTrip(t *testing.T, c *Cipher, r Run, plain, sealed []byte) {
	t.Helper()
	ivs := make([]byte, len(plain)/r.SectorSize*BlockSize)
	for i, number := 0, r.First; i < len(ivs); i, number = i+BlockSize, number+max(r.Step, 1) {
		binary.LittleEndian.PutUint64(ivs[i:], number)
	}
	keptIVs := bytes.Clone(ivs)
	methods := []struct {
		name    string
		in, out []byte
		call    func(dst, src []byte)
	}{
		{"Encrypt", plain, sealed, func(dst, src []byte) { c.Encrypt(dst, src, r) }},
		{"Decrypt", sealed, plain, func(dst, src []byte) { c.Decrypt(dst, src, r) }},
		{"EncryptIVs", plain, sealed, func(dst, src []byte) { c.EncryptIVs(dst, src, ivs, r.SectorSize) }},
		{"DecryptIVs", sealed, plain, func(dst, src []byte) { c.DecryptIVs(dst, src, ivs, r.SectorSize) }},
	}
	for i, m := range methods {
		const guard = 32
		shift := (i*5 + len(plain)/BlockSize) % BlockSize
		room := bytes.Repeat([]byte{0xa5}, guard+shift+len(plain)+guard)
		dst := room[guard+shift:][:len(plain)]
		src := append(make([]byte, shift), m.in...)[shift:]

		m.call(dst, src)
		if !bytes.Equal(dst, m.out) {
			t.Errorf("%s of %d bytes, %+v: wrong output", m.name, len(plain), r)
		}
		if !bytes.Equal(src, m.in) {
			t.Errorf("%s of %d bytes, %+v: changed its input", m.name, len(plain), r)
		}
		around := append(bytes.Clone(room[:guard+shift]), room[guard+shift+len(plain):]...)
		if !bytes.Equal(around, bytes.Repeat([]byte{0xa5}, len(around))) {
			t.Errorf("%s of %d bytes, %+v: wrote around its output", m.name, len(plain), r)
		}
		copy(dst, m.in)
		m.call(dst, dst)
		if !bytes.Equal(dst, m.out) {
			t.Errorf("%s of %d bytes in place, %+v: wrong output", m.name, len(plain), r)
		}
	}
	if !bytes.Equal(ivs, keptIVs) {
		t.Errorf("%+v: changed the IVs of the caller", r)
	}
}

func TestNewFromBlocks(t *testing.T) {
	t.Parallel()
	key := random(9, 64)
	data, _ := aes.NewCipher(key[:32])
	tweak, _ := aes.NewCipher(key[32:])
	c, err := NewFromBlocks(data, tweak)
	if err != nil {
		t.Fatal(err)
	}
	r := Run{SectorSize: 512, First: 77}
	plain := random(10, 5*512)
	checkRoundTrip(t, c, r, plain, peerEncrypt(t, key, plain, r))

	small, _ := des.NewTripleDESCipher(key[:24])
	for _, pair := range [][]cipher.Block{{data, small}, {small, tweak}} {
		if _, err := NewFromBlocks(pair[0], pair[1]); err == nil {
			t.Errorf("NewFromBlocks of blocks of %d and %d bytes: no error", pair[0].BlockSize(), pair[1].BlockSize())
		}
	}
}

func TestNewKeySizes(t *testing.T) {
	t.Parallel()
	for size := range 130 {
		_, err := New(make([]byte, size))
		want := slices.Contains(KeySizes(), size)
		if want != (err == nil) || (err != nil && !errors.Is(err, ErrKeySize)) {
			t.Errorf("New of a %d-byte key = %v, want ok %v or ErrKeySize", size, err, want)
		}
	}
}

// TestKeyIsNotKept changes the caller's key after New.
func TestKeyIsNotKept(t *testing.T) {
	t.Parallel()
	v := readVectors(t)[1]
	c, err := New(v.key)
	if err != nil {
		t.Fatal(err)
	}
	clear(v.key)
	got := make([]byte, len(v.plain))
	c.EncryptIVs(got, v.plain, v.iv, len(v.plain))
	if !bytes.Equal(got, v.cipher) {
		t.Error("clearing the key after New changed the cipher")
	}
}

func TestWipe(t *testing.T) {
	t.Parallel()
	c, err := New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	c.Wipe()
	defer func() {
		if recover() == nil {
			t.Error("Encrypt after Wipe did not panic")
		}
	}()
	c.Encrypt(make([]byte, 16), make([]byte, 16), Run{SectorSize: 16})
}

// TestWipeClearsRoundKeys looks at what implementations in assembly work with.
func TestWipeClearsRoundKeys(t *testing.T) {
	t.Parallel()
	for _, i := range available() {
		c, err := newCipher(random(11, 64), i)
		if err != nil {
			t.Fatal(err)
		}
		if filled := c.keys != (roundKeys{}); filled != (i != implGeneric) {
			t.Errorf("%v: round keys of its own: %v", i, filled)
		}
		c.Wipe()
		if c.keys != (roundKeys{}) || c.data != nil || c.tweak != nil {
			t.Errorf("%v: round keys are left after Wipe", i)
		}
	}
}

// TestRequiredImplementations turns the absence of an implementation into a failure
// on a machine that should have it: DMIMG_TEST_REQUIRE_IMPL=vaes512,… Names of other
// packages' implementations are passed over.
func TestRequiredImplementations(t *testing.T) {
	t.Parallel()
	for name := range strings.SplitSeq(os.Getenv("DMIMG_TEST_REQUIRE_IMPL"), ",") {
		if slices.Contains(implNames[:], name) && !slices.Contains(Implementations(), name) {
			t.Errorf("implementation %q is required, here are %q", name, Implementations())
		}
	}
}

func TestImplementations(t *testing.T) {
	t.Parallel()
	names := Implementations()
	if names[len(names)-1] != "generic" {
		t.Errorf("Implementations() = %q, want generic last", names)
	}
	for _, name := range names {
		c, err := NewImpl(make([]byte, 64), name)
		if err != nil || c.Implementation() != name {
			t.Errorf("NewImpl(%q) = %v, %v", name, c, err)
		}
	}
	if _, err := NewImpl(make([]byte, 64), "abacus"); err == nil || !strings.Contains(err.Error(), `"abacus"`) {
		t.Errorf("NewImpl of an unknown name = %v, want an error with the name", err)
	}
	c, err := New(make([]byte, 64))
	if err != nil || c.Implementation() != names[0] {
		t.Errorf("New chose %v, want %q", c, names[0])
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	c, err := New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		dst, src int
		ivs      int // -1: call the method without IVs
		size     int
	}{
		{"sector size 0", 16, 16, -1, 0},
		{"sector size negative", 16, 16, -1, -16},
		{"sector size 8", 16, 16, -1, 8},
		{"sector size 520", 520, 520, -1, 520},
		{"sector too large", 32, 32, -1, MaxSectorSize + BlockSize},
		{"half a sector", 16, 16, -1, 32},
		{"output too short", 32, 48, -1, 16},
		{"too few ivs", 32, 32, 16, 16},
		{"too many ivs", 32, 32, 48, 16},
		{"part of an iv", 32, 32, 31, 16},
	}
	for _, test := range tests {
		for _, encrypt := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/encrypt=%v", test.name, encrypt), func(t *testing.T) {
				t.Parallel()
				defer func() {
					if s, _ := recover().(string); !strings.HasPrefix(s, "xts: ") {
						t.Errorf("panic %q, want one that begins with xts:", s)
					}
				}()
				dst, src := make([]byte, test.dst), make([]byte, test.src)
				r := Run{SectorSize: test.size}
				switch {
				case test.ivs < 0 && encrypt:
					c.Encrypt(dst, src, r)
				case test.ivs < 0:
					c.Decrypt(dst, src, r)
				case encrypt:
					c.EncryptIVs(dst, src, make([]byte, test.ivs), test.size)
				default:
					c.DecryptIVs(dst, src, make([]byte, test.ivs), test.size)
				}
			})
		}
	}
}

func TestNothingIsAllocated(t *testing.T) { // not parallel: it counts allocations
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool allocate")
	}
	for _, i := range available() {
		c, err := newCipher(make([]byte, 64), i)
		if err != nil {
			t.Fatal(err)
		}
		for _, sectors := range []int{1, 300} {
			p := make([]byte, sectors*512)
			ivs := make([]byte, sectors*BlockSize)
			allocs := testing.AllocsPerRun(100, func() {
				c.Encrypt(p, p, Run{SectorSize: 512})
				c.Decrypt(p, p, Run{SectorSize: 512})
				c.EncryptIVs(p, p, ivs, 512)
				c.DecryptIVs(p, p, ivs, 512)
			})
			if allocs != 0 {
				t.Errorf("%v, %d sectors: %v allocations, want 0", i, sectors, allocs)
			}
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	key := random(1, 64)
	c, err := New(key)
	if err != nil {
		t.Fatal(err)
	}
	r := Run{SectorSize: 512, First: 5}
	plain := random(2, 200*512)
	want := peerEncrypt(t, key, plain, r)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got := make([]byte, len(plain))
			for range 10 {
				c.Encrypt(got, plain, r)
				if !bytes.Equal(got, want) {
					t.Error("concurrent Encrypt: wrong output")
				}
				c.Decrypt(got, got, r)
				if !bytes.Equal(got, plain) {
					t.Error("concurrent Decrypt: wrong output")
				}
			}
		})
	}
	wg.Wait()
}

func FuzzAgainstPeer(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789ABCDEF"), []byte("a sector of 32 bytes, all of it."), uint64(1), uint64(8), uint8(2))
	f.Add(make([]byte, 64), make([]byte, 5000), ^uint64(0), uint64(1), uint8(32))
	f.Add(make([]byte, 48), make([]byte, 9000), uint64(1)<<32, uint64(0), uint8(255))
	f.Fuzz(func(t *testing.T, key, data []byte, first, step uint64, blocks uint8) {
		r := Run{SectorSize: max(int(blocks), 1) * BlockSize, First: first, Step: step}
		data = data[:len(data)-len(data)%r.SectorSize]
		for _, i := range available() {
			c, err := newCipher(key, i)
			if err != nil {
				t.Skip()
			}
			got := make([]byte, len(data))
			c.Encrypt(got, data, r)
			if want := peerEncrypt(t, key, data, r); !bytes.Equal(got, want) {
				t.Fatalf("%v: Encrypt of %d bytes, %+v: differs from x/crypto", i, len(data), r)
			}
			c.Decrypt(got, got, r)
			if !bytes.Equal(got, data) {
				t.Fatalf("%v: Decrypt of %d bytes, %+v: not the inverse", i, len(data), r)
			}
		}
	})
}

// TestSound demands that every implementation of this machine is taken for sound, and
// that one which computes something else is not: the keys of nothing stand for it.
func TestSound(t *testing.T) {
	t.Parallel()
	for _, i := range available() {
		if !sound(i) {
			t.Errorf("%v is not sound", i)
		}
	}
	key, text := make([]byte, 64), make([]byte, 99*BlockSize)
	right, wrong := trial(implGeneric, key, text, 33*BlockSize), trial(implGeneric, key[:32], text, 33*BlockSize)
	if len(right) != 4*len(text) || bytes.Equal(right, wrong) {
		t.Error("a trial does not tell results apart")
	}
}
