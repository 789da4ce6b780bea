package cast

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/crypto/cast5" //lint:ignore SA1019 the judge
)

// TestVectors5 runs the examples of RFC 2144, appendix B.1.
func TestVectors5(t *testing.T) {
	t.Parallel()
	const plain = "0123456789abcdef"
	for _, v := range []struct{ key, want string }{
		{"0123456712345678234567893456789a", "238b4fe5847e44b2"},
		{"01234567123456782345", "eb6a711a2c02271b"},
		{"0123456712", "7ac816d16e9b302e"},
	} {
		key, err := hex.DecodeString(v.key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := New5(key)
		if err != nil {
			t.Fatal(err)
		}
		p, err := hex.DecodeString(plain)
		if err != nil {
			t.Fatal(err)
		}
		if c.Encrypt(p, p); hex.EncodeToString(p) != v.want {
			t.Errorf("%d-byte key: Encrypt = %x, want %s", len(key), p, v.want)
		}
		if c.Decrypt(p, p); hex.EncodeToString(p) != plain {
			t.Errorf("%d-byte key: Decrypt = %x, want %s", len(key), p, plain)
		}
	}
}

// TestIsXCryptos compares with x/crypto, which takes keys of 16 bytes only.
func TestIsXCryptos(t *testing.T) {
	t.Parallel()
	random := rand.NewChaCha8([32]byte{5})
	for range 200 {
		key, plain, got, want := make([]byte, 16), make([]byte, 8), make([]byte, 8), make([]byte, 8)
		random.Read(key)
		random.Read(plain)
		c, err := New5(key)
		if err != nil {
			t.Fatal(err)
		}
		judge, err := cast5.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		c.Encrypt(got, plain)
		judge.Encrypt(want, plain)
		if !bytes.Equal(got, want) {
			t.Fatalf("Encrypt = %x, want %x", got, want)
		}
	}
}

func TestKeySizes5(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 4, 17} {
		if _, err := New5(make([]byte, size)); err == nil || !strings.HasPrefix(err.Error(), "cast5: key of ") {
			t.Errorf("New5 with %d bytes = %v, want an error", size, err)
		}
	}
}

func TestWipe5(t *testing.T) {
	t.Parallel()
	c, err := New5([]byte("a key"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Wipe(); *c != (Cipher5{}) {
		t.Error("Wipe leaves round keys")
	}
}
