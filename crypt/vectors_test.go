package crypt

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// modeVector is a known answer of a chaining mode of AES.
type modeVector struct {
	chain                  string
	key, iv, plain, cipher []byte
}

// TestKnownAnswers runs the vectors of NIST SP 800-38A.
func TestKnownAnswers(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/sp800-38a.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for line := range strings.Lines(string(data)) {
		w := strings.Fields(line)
		if len(w) == 0 || w[0] == "#" {
			continue
		}
		v := modeVector{chain: w[0], key: decodeHex(t, w[1]), plain: decodeHex(t, w[3]), cipher: decodeHex(t, w[4])}
		if w[2] != "-" {
			v.iv = decodeHex(t, w[2])
		}
		seen[v.chain]++
		checkModeVector(t, v)
	}
	for _, chain := range []string{"ecb", "cbc", "ctr"} {
		if seen[chain] != 3 {
			t.Errorf("%d vectors for %s, want 3", seen[chain], chain)
		}
	}
}

// TestOpenSSLVectors runs the AES part of OpenSSL's own test file.
func TestOpenSSLVectors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(sharedPath(t, "crypto-vectors", "openssl_aes_cbc_ecb.txt"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for stanza := range strings.SplitSeq(string(data), "\n\n") {
		fields := map[string]string{}
		for line := range strings.Lines(stanza) {
			if name, value, ok := strings.Cut(line, "="); ok && line[0] != '#' {
				fields[strings.TrimSpace(name)] = strings.TrimSpace(value)
			}
		}
		words := strings.Split(strings.ToLower(fields["Cipher"]), "-")
		if len(words) != 3 || words[0] != "aes" || fields["Padding"] != "" || fields["Result"] != "" {
			continue
		}
		v := modeVector{
			chain: words[2], key: decodeHex(t, fields["Key"]), iv: decodeHex(t, fields["IV"]),
			plain: decodeHex(t, fields["Plaintext"]), cipher: decodeHex(t, fields["Ciphertext"]),
		}
		if len(v.plain) == 0 || len(v.plain) != len(v.cipher) || len(v.plain)%16 != 0 {
			continue
		}
		seen++
		checkModeVector(t, v)
	}
	if seen < 20 {
		t.Errorf("%d vectors found, want at least 20", seen)
	}
}

// checkModeVector runs a vector through the mode, and through NewCipher where
// the mode's IV can be given that way.
func checkModeVector(t *testing.T, v modeVector) {
	t.Helper()
	m, err := lookupCipher(apiName{name: v.chain, args: []apiName{{name: "aes"}}})
	if err != nil {
		t.Fatal(err)
	}
	mode, err := m.new(v.key, "")
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(v.plain))
	mode.encrypt(got, v.plain, v.iv, len(v.plain))
	if !bytes.Equal(got, v.cipher) {
		t.Errorf("aes-%s, %d-byte key: encrypt = %x, want %x", v.chain, len(v.key), got, v.cipher)
	}
	mode.decrypt(got, v.cipher, v.iv, len(v.plain))
	if !bytes.Equal(got, v.plain) {
		t.Errorf("aes-%s, %d-byte key: decrypt = %x, want %x", v.chain, len(v.key), got, v.plain)
	}
	if v.chain == "ctr" {
		return
	}
	// In cbc the IV is XORed into the first block, which a caller can do too.
	c, err := NewCipher(Config{Spec: "aes-" + v.chain + "-null", Key: v.key})
	if err != nil {
		t.Fatal(err)
	}
	sector := make([]byte, 512)
	copy(sector, v.plain)
	for i, b := range v.iv {
		sector[i] ^= b
	}
	want := bytes.Clone(sector)
	c.EncryptSectors(sector, sector, 0)
	if !bytes.HasPrefix(sector, v.cipher) {
		t.Errorf("aes-%s-null, %d-byte key: EncryptSectors = %x…, want %x", v.chain, len(v.key), sector[:len(v.cipher)], v.cipher)
	}
	c.DecryptSectors(sector, sector, 0)
	if !bytes.Equal(sector, want) {
		t.Errorf("aes-%s-null, %d-byte key: DecryptSectors is not the inverse", v.chain, len(v.key))
	}
}

func decodeHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("decoding %d hex digits: %v", len(s), err)
	}
	return b
}

// TestCTRCarries: the counter is one number of 128 bits, so that a low half of
// all ones carries into the high half.
func TestCTRCarries(t *testing.T) {
	t.Parallel()
	p := make([]byte, 48)
	countUp(p, decodeHex(t, "00000000000000ffffffffffffffffff"))
	if got, want := hex.EncodeToString(p), "00000000000000ffffffffffffffffff"+
		"00000000000001000000000000000000"+"00000000000001000000000000000001"; got != want {
		t.Errorf("countUp = %s, want %s", got, want)
	}
	countUp(p[:32], decodeHex(t, "ffffffffffffffffffffffffffffffff"))
	if got, want := hex.EncodeToString(p[16:32]), "00000000000000000000000000000000"; got != want {
		t.Errorf("countUp after all ones = %s, want %s", got, want)
	}
}
