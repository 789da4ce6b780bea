package journal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"encoding/binary"
	"testing"

	"golang.org/x/crypto/chacha20"
)

// cipherKey is the key of all tests here.
var cipherKey = []byte("no bytes of these are any secret")

func newTestCipher(t *testing.T, name string) (sectionCipher, geometry) {
	t.Helper()
	g, err := newGeometry(Config{Sections: 300, TagSize: 4})
	if err != nil {
		t.Fatal(err)
	}
	key := cipherKey
	if name == "ctr(des3_ede)" {
		key = key[:24]
	}
	c, err := newSectionCipher(Algorithm{name, key}, g)
	if err != nil {
		t.Fatal(err)
	}
	return c, g
}

// TestStreams compares with the stream that begins at the first section, made by
// the standard library, in the middle of the journal too.
func TestStreams(t *testing.T) {
	t.Parallel()
	aesBlock, err := aes.NewCipher(cipherKey)
	if err != nil {
		t.Fatal(err)
	}
	desBlock, err := des.NewTripleDESCipher(cipherKey[:24])
	if err != nil {
		t.Fatal(err)
	}
	chacha, err := chacha20.NewUnauthenticatedCipher(cipherKey, make([]byte, chacha20.NonceSize))
	if err != nil {
		t.Fatal(err)
	}
	for name, stream := range map[string]cipher.Stream{
		"ctr(aes)":      cipher.NewCTR(aesBlock, make([]byte, 16)),
		"ctr(des3_ede)": cipher.NewCTR(desBlock, make([]byte, 8)),
		"chacha20":      chacha,
	} {
		c, g := newTestCipher(t, name)
		size := g.sectionSize()
		want := make([]byte, 4*size)
		stream.XORKeyStream(want, want)
		for number := range uint32(4) {
			got := make([]byte, size)
			c.encrypt(got, number)
			if !bytes.Equal(got, want[int(number)*size:][:size]) {
				t.Errorf("%s: section %d is not encrypted with the stream", name, number)
			}
			c.decrypt(got[9*SectorSize:], nil, number, 9)
			if !bytes.Equal(got[9*SectorSize:], make([]byte, size-9*SectorSize)) {
				t.Errorf("%s: a part of section %d is not decrypted", name, number)
			}
		}
	}
}

// TestChains compares with each section as one message, and decrypts parts.
func TestChains(t *testing.T) {
	t.Parallel()
	block, err := aes.NewCipher(cipherKey)
	if err != nil {
		t.Fatal(err)
	}
	c, g := newTestCipher(t, "cbc(aes)")
	for _, number := range []uint32{0, 1, 299} {
		iv := make([]byte, 16)
		binary.LittleEndian.PutUint32(iv, number)
		block.Encrypt(iv, iv)
		plain := make([]byte, g.sectionSize())
		for i := range plain {
			plain[i] = byte(i>>9) ^ byte(i*11)
		}
		want, got := bytes.Clone(plain), bytes.Clone(plain)
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(want, want)
		c.encrypt(got, number)
		if !bytes.Equal(got, want) {
			t.Errorf("section %d is not encrypted as one message", number)
		}
		for _, first := range []int{0, 1, 8, 100, 175} {
			part := bytes.Clone(want[first*SectorSize:])
			var before []byte
			if first > 0 {
				before = want[(first-1)*SectorSize : first*SectorSize]
			}
			c.decrypt(part, before, number, first)
			if !bytes.Equal(part, plain[first*SectorSize:]) {
				t.Errorf("section %d from sector %d on is not decrypted", number, first)
			}
		}
	}
}

// TestEqualIDs has streams that make commit ids equal: they are told apart.
func TestEqualIDs(t *testing.T) {
	t.Parallel()
	plain := plainIDs()
	stream := make([]byte, 32)
	for i, want := range []uint64{5, 5, 6, 5} {
		binary.LittleEndian.PutUint64(stream[8*i:], plain[i]^want)
	}
	if got, want := idsUnder(stream), (commitIDs{5, 6, 7, 8}); got != want {
		t.Errorf("ids %d, want %d", got, want)
	}
}
