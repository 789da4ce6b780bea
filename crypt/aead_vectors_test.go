package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/dmimg/dmimg/crypt/internal/aegis"
)

// messageVector is a line of testdata/aead.txt.
type messageVector struct {
	mode                                 string
	valid                                bool
	key, nonce, ad, message, sealed, tag []byte
}

func readMessageVectors(t *testing.T) []messageVector {
	t.Helper()
	data, err := os.ReadFile("testdata/aead.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []messageVector
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		w := strings.Fields(line)
		v := messageVector{mode: w[0], valid: w[1] == "valid"}
		for i, field := range []*[]byte{&v.key, &v.nonce, &v.ad, &v.message, &v.sealed, &v.tag} {
			if w[2+i] != "-" {
				*field = decodeHex(t, w[2+i])
			}
		}
		list = append(list, v)
	}
	return list
}

// keyMessage makes the primitive that a vector is for.
func keyMessage(t *testing.T, v messageVector) messageAEAD {
	t.Helper()
	switch v.mode {
	case "aegis128":
		return aegisMessage{aegis.New(v.key)}
	case "ccm":
		block, err := aes.NewCipher(v.key)
		if err != nil {
			t.Fatal(err)
		}
		return ccm{block, len(v.tag)}
	case "gcm":
		m, err := newGCM(&aesCipher, v.key, len(v.tag))
		if err != nil {
			t.Fatal(err)
		}
		return m
	case "chacha20":
		m, err := newRFC7539(v.key)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	t.Fatalf("unknown mode %q", v.mode)
	return nil
}

// TestMessageVectors seals and opens every vector, apart and in place.
func TestMessageVectors(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for i, v := range readMessageVectors(t) {
		if v.mode == "cmac" || len(v.message) > maxUnit {
			continue
		}
		seen[v.mode]++
		m := keyMessage(t, v)
		p := bytes.Clone(v.sealed)
		if ok := m.open(p, p, v.tag, v.nonce, v.ad); ok != v.valid {
			t.Errorf("vector %d (%s): opens: %v, want %v", i, v.mode, ok, v.valid)
		} else if want := v.message; ok && !bytes.Equal(p, want) {
			t.Errorf("vector %d (%s): opened %x, want %x", i, v.mode, p, want)
		} else if !ok && !bytes.Equal(p, make([]byte, len(p))) {
			t.Errorf("vector %d (%s): plaintext is left behind a wrong tag", i, v.mode)
		}
		if !v.valid {
			continue
		}
		dst, tag := make([]byte, len(v.message)), make([]byte, len(v.tag))
		m.seal(dst, v.message, tag, v.nonce, v.ad)
		if !bytes.Equal(dst, v.sealed) || !bytes.Equal(tag, v.tag) {
			t.Errorf("vector %d (%s): sealed %x %x, want %x %x", i, v.mode, dst, tag, v.sealed, v.tag)
		}
	}
	for _, mode := range []string{"aegis128", "ccm", "gcm", "chacha20"} {
		if seen[mode] < 15 {
			t.Errorf("%s: %d vectors, want at least 15", mode, seen[mode])
		}
	}
}

// TestCutGCM compares with the standard library's own cut tags where it has
// them, and cuts the vectors' tags where it has not.
func TestCutGCM(t *testing.T) {
	t.Parallel()
	for _, v := range readMessageVectors(t) {
		if v.mode != "gcm" || !v.valid {
			continue
		}
		for _, size := range []int{4, 8, 12, 13, 14, 15} {
			m, err := newGCM(&aesCipher, v.key, size)
			if err != nil {
				t.Fatal(err)
			}
			dst, tag := make([]byte, len(v.message)), make([]byte, size)
			m.seal(dst, v.message, tag, v.nonce, v.ad)
			if !bytes.Equal(dst, v.sealed) || !bytes.Equal(tag, v.tag[:size]) {
				t.Errorf("tags of %d: sealed %x %x, want %x %x", size, dst, tag, v.sealed, v.tag[:size])
			}
			if !m.open(dst, dst, tag, v.nonce, v.ad) || !bytes.Equal(dst, v.message) {
				t.Errorf("tags of %d: opened %x, want %x", size, dst, v.message)
			}
			copy(dst, v.sealed)
			tag[size-1] ^= 1
			if m.open(dst, dst, tag, v.nonce, v.ad) || !bytes.Equal(dst, make([]byte, len(dst))) {
				t.Errorf("tags of %d: a wrong one opens, or leaves plaintext", size)
			}
		}
	}
}

func TestCMACVectors(t *testing.T) {
	t.Parallel()
	seen := 0
	for i, v := range readMessageVectors(t) {
		if v.mode != "cmac" {
			continue
		}
		seen++
		block, err := aes.NewCipher(v.key)
		if err != nil {
			t.Fatal(err)
		}
		h := newCMAC(block)
		for piece := 1; piece <= 33; piece += 8 {
			h.Reset()
			for p := v.message; len(p) > 0; p = p[min(piece, len(p)):] {
				h.Write(p[:min(piece, len(p))])
			}
			if got := bytes.Equal(h.Sum(nil), v.tag); got != v.valid {
				t.Errorf("vector %d, in pieces of %d: MAC is right: %v, want %v", i, piece, got, v.valid)
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d vectors, want at least 20", seen)
	}
}

// FuzzMessageAEAD: what is sealed opens, in place too, and nothing else does; the
// lengths are any.
func FuzzMessageAEAD(f *testing.F) {
	f.Add([]byte("key of 16 bytes."), []byte("nonce of 12 "), []byte("sector"), []byte("message"), uint8(3))
	f.Add(make([]byte, 16), make([]byte, 16), []byte{}, make([]byte, 512), uint8(0))
	f.Fuzz(func(t *testing.T, key, nonce, ad, message []byte, flip uint8) {
		if len(key) < 16 || len(nonce) < 12 || len(message) > maxUnit || len(ad) > 1<<10 {
			return
		}
		for _, m := range fuzzMessages(t, key[:16]) {
			n := nonce[:12]
			if _, ok := m.(aegisMessage); ok {
				n = append(bytes.Clone(n), n...)[:16]
			}
			sealed, tag := make([]byte, len(message)), make([]byte, 16)
			m.seal(sealed, message, tag, n, ad)
			p := bytes.Clone(message)
			m.seal(p, p, tag, n, ad)
			if !bytes.Equal(p, sealed) {
				t.Fatalf("%T: in place it seals to something else", m)
			}
			if !m.open(p, p, tag, n, ad) || !bytes.Equal(p, message) {
				t.Fatalf("%T: what is sealed does not open", m)
			}
			copy(p, sealed)
			tag[flip%16] ^= 1 << (flip / 32)
			if m.open(p, p, tag, n, ad) {
				t.Fatalf("%T: a wrong tag opens", m)
			}
		}
	})
}

func fuzzMessages(t *testing.T, key []byte) []messageAEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	chacha, err := chacha20poly1305.New(append(bytes.Clone(key), key...))
	if err != nil {
		t.Fatal(err)
	}
	return []messageAEAD{aegisMessage{aegis.New(key)}, ccm{block, 16}, stdMessage{gcm}, cutMessage{gcm, 16}, stdMessage{chacha}}
}
