package crypt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
)

// TestNewCipherRefuses lists what is wrong with a config and what the error has
// to be and to say.
func TestNewCipherRefuses(t *testing.T) {
	t.Parallel()
	key := func(n int) []byte { return make([]byte, n) }
	tests := []struct {
		config Config
		want   error
		text   string
	}{
		{Config{Spec: "anubis-xts-plain64", Key: key(64)}, ErrUnsupported, `"anubis"`},
		{Config{Spec: "aes-cts-plain64", Key: key(32)}, ErrUnsupported, `"cts"`},
		{Config{Spec: "aes-ctr-eboiv", Key: key(32)}, ErrUnsupported, "eboiv"},
		{Config{Spec: "blowfish-cbc-plain", Key: key(57)}, ErrKeySize, "takes 4 to 56 bytes"},
		{Config{Spec: "aes-ecb-essiv:sha256", Key: key(32)}, ErrUnsupported, "essiv"},
		{Config{Spec: "xchacha12,twofish-adiantum-plain64", Key: key(32)}, ErrUnsupported, "xchacha12"},
		{Config{Spec: "xchacha12,rot13-adiantum-plain64", Key: key(32)}, ErrUnknownCipher, `"rot13"`},
		{Config{Spec: "xchacha12,aes-adiantum-plain64", Key: key(16)}, ErrKeySize, "takes 32 bytes"},
		{Config{Spec: "xchacha12,aes-adiantum-eboiv", Key: key(32)}, ErrUnsupported, "ivs of 32 bytes"},
		{Config{Spec: "xchacha12,aes-adiantum-essiv:sha256", Key: key(32)}, ErrUnsupported, "ivs of 32 bytes"},
		{Config{Spec: "xchacha12,aes-adiantum-tcw", Key: key(80)}, ErrUnsupported, "ivs of 32 bytes"},
		{Config{Spec: "aes-ctr-elephant", Key: key(64)}, ErrUnsupported, "elephant"},
		{Config{Spec: "aes-cbc-elephant", Key: key(40)}, ErrKeySize, "key of 40 bytes, of which elephant takes 20, aes-cbc takes 16, 24 or 32"},
		{Config{Spec: "blowfish-cbc-elephant", Key: key(66)}, ErrKeySize, "sector key of 33 bytes"},
		{Config{Spec: "aes-cbc-tcw", Key: key(32)}, ErrKeySize, "key of 32 bytes, of which tcw takes 32, aes-cbc takes 16"},
		{Config{Spec: "aes-cbc-tcw", Key: key(31)}, ErrKeySize, "of which tcw takes 32"},
		{Config{Spec: "aes-cbc-tcw", Key: nil}, ErrKeySize, "key of 0 bytes"},
		{Config{Spec: "aes-cbc-tcw", Key: key(64), SectorSize: 1024}, ErrSectorSize, "tcw: sector size of 1024 bytes, want 512"},
		{Config{Spec: "aes-cbc-lmk", Key: key(32), SectorSize: 4096, IVLargeSectors: true}, ErrSectorSize, "lmk: sector size of 4096 bytes, want 512"},
		{Config{Spec: "aes-xts-lmk", Key: key(64)}, ErrUnsupported, "cbc only"},
		{Config{Spec: "capi:essiv(cbc(aes),sha256)-lmk", Key: key(1024)}, ErrUnsupported, "cbc only"},
		{Config{Spec: "aes:64-cbc-lmk", Key: key(100)}, ErrKeySize, "of which lmk takes 1, aes-cbc takes 16, 24 or 32 bytes for each of 64 keys"},
		{Config{Spec: "capi:cbc(aes)-lmk", Key: key(16)}, ErrKeySize, "for each of 64 keys"},
		{Config{Spec: "capi:cbc(aes)-lmk", Key: key(16), KeyCount: 1}, ErrSpec, "has 64 here"},
		{Config{Spec: "blowfish:2-cbc-lmk", Key: key(15)}, ErrKeySize, "seed of 5 bytes"},
		{Config{Spec: "aes:1073741824-cbc-lmk", Key: key(16)}, ErrKeySize, "key of 16 bytes"},
		{Config{Spec: "cipher_null-ctr-plain"}, ErrUnsupported, `"ctr(cipher_null)"`},
		{Config{Spec: "capi:gcm(aes)-random", Key: key(32)}, ErrUnsupported, `"gcm"`},
		{Config{Spec: "capi:authenc(hmac(sha256),xts(aes))-random", Key: key(96)}, ErrUnsupported, `"authenc"`},
		{Config{Spec: "capi:rfc7539(chacha20,poly1305)-random", Key: key(32)}, ErrUnsupported, `"rfc7539"`},
		{Config{Spec: "capi:aegis128-random", Key: key(16)}, ErrUnsupported, `"aegis128"`},
		{Config{Spec: "capi:essiv(ecb(aes),sha256)", Key: key(32)}, ErrUnsupported, "essiv"},
		{Config{Spec: "aes-cbc-essiv:sha256", Key: key(32), Integrity: "32:aead"}, ErrUnsupported, `"32:aead"`},
		{Config{Spec: "rot13-cbc-plain", Key: key(16)}, ErrUnknownCipher, `"rot13"`},
		{Config{Spec: "aes-zigzag-plain", Key: key(16)}, ErrUnknownCipher, `"zigzag"`},
		{Config{Spec: "serpent-zigzag-plain", Key: key(16)}, ErrUnknownCipher, `"zigzag"`},
		{Config{Spec: "AES-xts-plain64", Key: key(64)}, ErrUnknownCipher, `"AES"`},
		{Config{Spec: "capi:xts(rot13)-plain64", Key: key(64)}, ErrUnknownCipher, `"rot13"`},
		{Config{Spec: "aes-cbc-plain63", Key: key(16)}, ErrUnknownIV, `"plain63"`},
		{Config{Spec: "aes-cbc-Plain64", Key: key(16)}, ErrUnknownIV, `"Plain64"`},
		{Config{Spec: "aes-xts-random", Key: key(64)}, ErrUnsupported, `"random"`},
		{Config{Spec: "capi:xts(aes)", Key: key(64)}, ErrSpec, "needs an iv mode"},
		{Config{Spec: "aes-cbc-essiv", Key: key(32)}, ErrSpec, "no hash given"},
		{Config{Spec: "aes-cbc-essiv:sha255", Key: key(32)}, hashes.ErrUnknown, "sha255"},
		{Config{Spec: "aes-cbc-essiv:sha1", Key: key(32)}, ErrKeySize, "sha1 gives 20 bytes, aes takes 16, 24 or 32 bytes"},
		{Config{Spec: "aes-cbc-essiv:sha512", Key: key(32)}, ErrKeySize, "64 bytes"},
		{Config{Spec: "aes-xts-plain64", Key: key(16)}, ErrKeySize, "key of 16 bytes, aes-xts takes 32, 48 or 64 bytes"},
		{Config{Spec: "aes-cbc-plain", Key: nil}, ErrKeySize, "key of 0 bytes, aes-cbc takes 16, 24 or 32 bytes"},
		{Config{Spec: "aes:2-cbc-plain", Key: key(16)}, ErrKeySize, "16, 24 or 32 bytes for each of 2 keys"},
		{Config{Spec: "aes:4-cbc-plain", Key: key(63)}, ErrKeySize, "key of 63 bytes"},
		{Config{Spec: "aes:1073741824-cbc-plain", Key: key(32)}, ErrKeySize, "key of 32 bytes"},
		{Config{Spec: "cipher_null-ecb", Key: key(16)}, ErrKeySize, "takes 0 bytes"},
		{Config{Spec: "aes-cbc-plain", Key: key(48), KeyCount: 3}, ErrSpec, "power of two"},
		{Config{Spec: "aes-cbc-plain", Key: key(48), KeyCount: -1}, ErrSpec, "power of two"},
		{Config{Spec: "aes:2-cbc-plain", Key: key(64), KeyCount: 4}, ErrSpec, "says 2"},
		{Config{Spec: "capi:cbc(aes)-plain", Key: key(32), KeyCount: 2}, ErrSpec, "capi"},
		{Config{Spec: "aes-xts-plain64", Key: key(64), SectorSize: 513}, ErrSectorSize, "513 bytes"},
		{Config{Spec: "aes-xts-plain64", Key: key(64), SectorSize: 8192}, ErrSectorSize, "8192 bytes"},
		{Config{Spec: "aes-xts-plain64", Key: key(64), SectorSize: -512}, ErrSectorSize, "-512 bytes"},
		{Config{Spec: "aes-xts-plain64", Key: key(64), SectorSize: 4096, IVOffset: 4}, ErrUnaligned, "multiple of the 8 sectors"},
		{Config{Spec: "aes-xts-plain64", Key: key(64), SectorSize: 1024, IVOffset: 1, IVLargeSectors: true}, ErrUnaligned, "iv offset 1"},
		{Config{Spec: "aes-xts-plain64", Key: key(64), Implementation: "abacus"}, ErrUnsupported, `"abacus"`},
		{Config{Spec: "aes-cbc-plain64", Key: key(32), Implementation: "abacus"}, ErrUnsupported, "generic"},
	}
	for i, test := range tests {
		t.Run(fmt.Sprintf("%d %s", i, test.config.Spec), func(t *testing.T) {
			t.Parallel()
			_, err := NewCipher(test.config)
			if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.text) {
				t.Errorf("NewCipher(%q, %d-byte key) = %v, want %v with %q", test.config.Spec, len(test.config.Key), err, test.want, test.text)
			}
			if _, err := NewDevice(memory(nil), 0, test.config); !errors.Is(err, test.want) {
				t.Errorf("NewDevice(%q, %d-byte key) = %v, want %v", test.config.Spec, len(test.config.Key), err, test.want)
			}
			if !strings.HasPrefix(fmt.Sprint(err), "crypt: ") {
				t.Errorf("error %q does not begin with the package", err)
			}
		})
	}
}

// TestErrorsHideTheKey uses a key whose bytes would be seen in any notation.
func TestErrorsHideTheKey(t *testing.T) {
	t.Parallel()
	key := []byte("KEYKEYKEYKEYKEYK!")
	for _, spec := range []string{"aes-xts-plain64", "aes:2-cbc-plain", "cipher_null-ecb", "aes-cbc-essiv:sha1", "rot13-cbc-plain"} {
		_, err := NewCipher(Config{Spec: spec, Key: key})
		for _, leak := range []string{"KEY", "4b45", "4B45", "75 69"} {
			if err == nil || strings.Contains(err.Error(), leak) {
				t.Errorf("NewCipher(%q) = %v: no error, or one that shows the key", spec, err)
			}
		}
	}
}

// TestKeyBytesLeftOver: the kernel does not look at them.
func TestKeyBytesLeftOver(t *testing.T) {
	t.Parallel()
	a, b := make([]byte, 1024), make([]byte, 1024)
	for length, p := range map[int][]byte{32: a, 33: b} {
		c, err := NewCipher(Config{Spec: "aes:2-cbc-plain", Key: countingKey(length)})
		if err != nil {
			t.Fatal(err)
		}
		c.EncryptSectors(p, p, 0)
	}
	if at := firstDifference(a, b); at >= 0 {
		t.Errorf("aes:2-cbc-plain with keys of 32 and of 33 bytes: byte %d differs", at)
	}
}

// TestManyEmptyKeys: the number of keys of a cipher without one costs nothing.
func TestManyEmptyKeys(t *testing.T) {
	t.Parallel()
	e, err := newEngine(Config{Spec: "cipher_null:1073741824-ecb"})
	if err != nil || len(e.keys) != 1 {
		t.Errorf("cipher_null:1073741824-ecb: error %v and %d keys, want one", err, len(e.keys))
	}
}

// TestEqualHalves: the kernel takes XTS keys of two equal halves.
func TestEqualHalves(t *testing.T) {
	t.Parallel()
	if _, err := NewCipher(Config{Spec: "aes-xts-plain64", Key: make([]byte, 64)}); err != nil {
		t.Errorf("aes-xts-plain64 with equal halves: %v", err)
	}
}

// TestIgnoredIVWords: as in the kernel, only essiv reads the options, and a mode
// that takes no IV reads nothing.
func TestIgnoredIVWords(t *testing.T) {
	t.Parallel()
	for spec, size := range map[string]int{"aes-xts-plain64:sha256": 64, "aes-ecb-foo": 32, "aes-ecb-tcw": 32} {
		if _, err := NewCipher(Config{Spec: spec, Key: make([]byte, size), SectorSize: 1024}); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

// TestListsMatchNewCipher builds every cipher and IV that the lists promise, with
// every key size and implementation.
func TestListsMatchNewCipher(t *testing.T) {
	t.Parallel()
	ivs := IVs()
	for _, want := range []string{"plain", "plain64", "plain64be", "essiv", "benbi", "null", "eboiv", "elephant", "lmk", "tcw"} {
		if !slices.Contains(ivs, want) {
			t.Errorf("IVs() = %q, lacks %q", ivs, want)
		}
	}
	for _, c := range combinations() {
		info := c.info
		if info.Note == "" || len(info.KeySizes) == 0 || len(info.Implementations) == 0 || info.BlockSize == 0 {
			t.Errorf("Ciphers(): incomplete %+v", info)
		}
		for i, size := range c.sizes {
			if i > 2 && i < len(c.sizes)-1 {
				continue // blowfish takes every length
			}
			for _, impl := range append(info.Implementations, "") {
				for _, spec := range []string{c.spec, c.capi} {
					if _, err := NewCipher(Config{Spec: spec, Key: c.key(spec, size, 1), Implementation: impl}); err != nil {
						t.Errorf("NewCipher(%q, key size %d, %q): %v", spec, size, impl, err)
					}
				}
			}
		}
	}
}

// TestEveryHashForESSIV: essiv takes exactly the hashes whose digest is a key.
func TestEveryHashForESSIV(t *testing.T) {
	t.Parallel()
	taken := 0
	for _, name := range hashes.Names() {
		algorithm, err := hashes.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = NewCipher(Config{Spec: "aes-cbc-essiv:" + name, Key: make([]byte, 32)})
		fits := slices.Contains([]int{16, 24, 32}, algorithm.Size)
		if fits {
			taken++
		}
		if fits != (err == nil) || (err != nil && !errors.Is(err, ErrKeySize)) {
			t.Errorf("aes-cbc-essiv:%s, digest of %d bytes: %v", name, algorithm.Size, err)
		}
	}
	if taken < 3 {
		t.Errorf("only %d hashes taken", taken)
	}
}
