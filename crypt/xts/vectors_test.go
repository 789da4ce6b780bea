package xts

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

type vector struct{ key, iv, plain, cipher []byte }

// readVectors reads the known answers; testdata/vectors.txt says where they are
// from.
func readVectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		var v vector
		words := strings.Fields(line)
		for i, p := range []*[]byte{&v.key, &v.iv, &v.plain, &v.cipher} {
			if *p, err = hex.DecodeString(words[i]); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
		vectors = append(vectors, v)
	}
	return vectors
}

func TestKnownAnswers(t *testing.T) {
	t.Parallel()
	vectors := readVectors(t)
	if len(vectors) < 75 {
		t.Fatalf("%d vectors read, want at least 75", len(vectors))
	}
	forEachImpl(t, func(t *testing.T, i impl) {
		for n, v := range vectors {
			c, err := newCipher(v.key, i)
			if err != nil {
				t.Fatalf("vector %d: %v", n, err)
			}
			got := make([]byte, len(v.plain))
			c.EncryptIVs(got, v.plain, v.iv, len(v.plain))
			if !bytes.Equal(got, v.cipher) {
				t.Errorf("vector %d: EncryptIVs = %x, want %x", n, got, v.cipher)
			}
			c.DecryptIVs(got, v.cipher, v.iv, len(v.plain))
			if !bytes.Equal(got, v.plain) {
				t.Errorf("vector %d: DecryptIVs = %x, want %x", n, got, v.plain)
			}
			if binary.LittleEndian.Uint64(v.iv[8:]) != 0 {
				continue
			}
			run := Run{SectorSize: len(v.plain), First: binary.LittleEndian.Uint64(v.iv)}
			c.Encrypt(got, v.plain, run)
			if !bytes.Equal(got, v.cipher) {
				t.Errorf("vector %d: Encrypt = %x, want %x", n, got, v.cipher)
			}
			c.Decrypt(got, v.cipher, run)
			if !bytes.Equal(got, v.plain) {
				t.Errorf("vector %d: Decrypt = %x, want %x", n, got, v.plain)
			}
		}
	})
}

// forEachImpl runs f as a parallel subtest for each implementation.
func forEachImpl(t *testing.T, f func(t *testing.T, i impl)) {
	for _, i := range available() {
		t.Run(i.String(), func(t *testing.T) {
			t.Parallel()
			f(t, i)
		})
	}
}
