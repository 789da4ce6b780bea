package aegis

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
)

type vector struct {
	valid                                bool
	key, nonce, ad, message, sealed, tag []byte
}

func readVectors(t *testing.T) (list []vector) {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		w := strings.Fields(line)
		v := vector{valid: w[0] == "valid"}
		for i, field := range []*[]byte{&v.key, &v.nonce, &v.ad, &v.message, &v.sealed, &v.tag} {
			if w[1+i] == "-" {
				continue
			}
			if *field, err = hex.DecodeString(w[1+i]); err != nil {
				t.Fatal(err)
			}
		}
		list = append(list, v)
	}
	return list
}

// TestVectors seals and opens every vector in every implementation.
func TestVectors(t *testing.T) {
	t.Parallel()
	list := readVectors(t)
	if len(list) < 50 {
		t.Errorf("%d vectors, want at least 50", len(list))
	}
	for _, impl := range available() {
		for i, v := range list {
			c := newImpl(v.key, impl)
			p := bytes.Clone(v.sealed)
			switch ok := c.Open(p, p, v.tag, v.nonce, v.ad); {
			case ok != v.valid:
				t.Errorf("%v, vector %d: opens: %v, want %v", impl, i, ok, v.valid)
			case ok && !bytes.Equal(p, v.message):
				t.Errorf("%v, vector %d: opened %x, want %x", impl, i, p, v.message)
			case !ok && !bytes.Equal(p, make([]byte, len(p))):
				t.Errorf("%v, vector %d: plaintext is left behind a wrong tag", impl, i)
			}
			if !v.valid {
				continue
			}
			dst, tag := make([]byte, len(v.message)), make([]byte, TagSize)
			c.Seal(dst, v.message, tag, v.nonce, v.ad)
			if !bytes.Equal(dst, v.sealed) || !bytes.Equal(tag, v.tag) {
				t.Errorf("%v, vector %d: sealed %x %x, want %x %x", impl, i, dst, tag, v.sealed, v.tag)
			}
		}
	}
}

// compare seals and opens in both of two implementations, in place and apart, at a
// place with guard bytes around.
func compare(t *testing.T, a, b *Cipher, message, nonce, ad []byte, shift int) {
	t.Helper()
	const guard = 0xa5
	n := len(message)
	room := bytes.Repeat([]byte{guard}, n+64)
	dst := room[16+shift%16:][:n]
	want, wantTag := make([]byte, n), make([]byte, TagSize)
	b.Seal(want, message, wantTag, nonce, ad)
	tag := make([]byte, TagSize)
	check := func(what string, want []byte) {
		t.Helper()
		if !bytes.Equal(dst, want) || !bytes.Equal(tag, wantTag) {
			t.Fatalf("%v and %v: %s %d bytes at %d: they differ", a.impl, b.impl, what, n, shift%16)
		}
		for i, x := range room {
			if (i < 16+shift%16 || i >= 16+shift%16+n) && x != guard {
				t.Fatalf("%v: %s %d bytes: byte %d outside is overwritten", a.impl, what, n, i)
			}
		}
	}
	a.Seal(dst, message, tag, nonce, ad)
	check("sealing apart", want)
	copy(dst, message)
	a.Seal(dst, dst, tag, nonce, ad)
	check("sealing in place", want)
	if !a.Open(dst, dst, tag, nonce, ad) {
		t.Fatalf("%v: what is sealed does not open", a.impl)
	}
	check("opening in place", message)
	if !a.Open(dst, want, tag, nonce, ad) {
		t.Fatalf("%v: what %v sealed does not open", a.impl, b.impl)
	}
	check("opening apart", message)
	tag[n%TagSize] ^= 1 << (n % 8)
	if a.Open(dst, want, tag, nonce, ad) || !bytes.Equal(dst, make([]byte, n)) {
		t.Fatalf("%v: a wrong tag opens, or leaves plaintext", a.impl)
	}
}

// TestAgainstGeneric compares at all lengths of a few blocks, and at those around
// what one call of assembly takes.
func TestAgainstGeneric(t *testing.T) {
	t.Parallel()
	lengths := []int{512, 4095, 4096, maxCall - 1, maxCall, maxCall + 1, maxCall + 17, 2*maxCall + 16}
	for n := range 100 {
		lengths = append(lengths, n)
	}
	key := []byte("sixteen byte key")
	for _, impl := range available() {
		for _, n := range lengths {
			message := make([]byte, n)
			for i := range message {
				message[i] = byte(i * 31)
			}
			compare(t, newImpl(key, impl), newImpl(key, implGeneric), message, []byte("and sixteen too."), message[:n%50], n)
		}
	}
}

func FuzzAgainstGeneric(f *testing.F) {
	f.Add(make([]byte, 16), make([]byte, 16), []byte("sector"), make([]byte, 512), uint8(3))
	f.Fuzz(func(t *testing.T, key, nonce, ad, message []byte, shift uint8) {
		if len(key) < KeySize || len(nonce) < NonceSize {
			return
		}
		for _, impl := range available() {
			compare(t, newImpl(key, impl), newImpl(key, implGeneric), message, nonce, ad, int(shift))
		}
	})
}

// TestCutTags: a tag may have fewer bytes.
func TestCutTags(t *testing.T) {
	t.Parallel()
	for _, impl := range available() {
		c := newImpl(make([]byte, KeySize), impl)
		full, p := make([]byte, TagSize), make([]byte, 40)
		c.Seal(p, make([]byte, 40), full, make([]byte, NonceSize), nil)
		for n := 8; n <= TagSize; n++ {
			dst := make([]byte, 40)
			if !c.Open(dst, p, full[:n], make([]byte, NonceSize), nil) {
				t.Errorf("%v: a tag of %d bytes does not open", impl, n)
			}
		}
	}
}

func TestWipe(t *testing.T) {
	t.Parallel()
	c := New([]byte("sixteen byte key"))
	c.Wipe()
	if c.key != (block{}) {
		t.Error("the key is still there")
	}
}

// TestRequiredImplementation fails if an implementation is missing that should be
// here: DMIMG_TEST_REQUIRE_IMPL=aesni. Names of other packages are left to them.
func TestRequiredImplementation(t *testing.T) {
	t.Parallel()
	for name := range strings.SplitSeq(os.Getenv("DMIMG_TEST_REQUIRE_IMPL"), ",") {
		if name == implNames[implAESNI] && available()[0] != implAESNI {
			t.Errorf("implementation %q is not here", name)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, impl := range available() {
		for _, size := range []int{512, 4096} {
			b.Run(fmt.Sprintf("impl=%v/size=%d", impl, size), func(b *testing.B) {
				c := newImpl(make([]byte, KeySize), impl)
				p, tag := make([]byte, size), make([]byte, TagSize)
				nonce, ad := make([]byte, NonceSize), make([]byte, 24)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					c.Seal(p, p, tag, nonce, ad)
				}
			})
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, impl := range available() {
		for _, size := range []int{512, 4096} {
			b.Run(fmt.Sprintf("impl=%v/size=%d", impl, size), func(b *testing.B) {
				c := newImpl(make([]byte, KeySize), impl)
				p, out, tag := make([]byte, size), make([]byte, size), make([]byte, TagSize)
				nonce, ad := make([]byte, NonceSize), make([]byte, 24)
				c.Seal(p, p, tag, nonce, ad)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					c.Open(out, p, tag, nonce, ad)
				}
			})
		}
	}
}
