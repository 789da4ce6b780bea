package luks

import (
	"bytes"
	stdpbkdf2 "crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
)

// TestPBKDF2 compares with the standard library, for keys of several blocks and a part.
func TestPBKDF2(t *testing.T) {
	t.Parallel()
	a, err := hashes.Lookup("sha256")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 20, 32, 33, 64, 100} {
		for _, iterations := range []int{1, 2, 1000, cancelEvery + 1} {
			want, err := stdpbkdf2.Key(sha256.New, "passphrase", []byte("salt"), iterations, size)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, size)
			if err := pbkdf2Test(t, a, got, iterations); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %d iterations: %x, %v, want %x", size, iterations, got, err, want)
			}
		}
	}
}

func pbkdf2Test(t *testing.T, a hashes.Algorithm, key []byte, iterations int) error {
	k := KDF{Type: kdfPBKDF2, Hash: a.Name, Salt: []byte("salt"), Iterations: int64(iterations)}
	return k.derive(t.Context(), []byte("passphrase"), key)
}

// TestArgon2 compares with test vectors of the reference implementation
// (phc-winner-argon2, src/test.c, CC0), version 0x13, password "password".
func TestArgon2(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kdf  KDF
		want string
	}{
		{
			KDF{Type: kdfArgon2id, Time: 2, Memory: 256, CPUs: 1},
			"9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe",
		},
		{
			KDF{Type: kdfArgon2id, Time: 2, Memory: 256, CPUs: 2},
			"6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037",
		},
		{
			KDF{Type: kdfArgon2i, Time: 2, Memory: 256, CPUs: 1},
			"89e9029f4637b295beb027056a7336c414fadd43f6b208645281cb214a56452f",
		},
	} {
		c.kdf.Salt = []byte("somesalt")
		key := make([]byte, 32)
		if err := c.kdf.derive(t.Context(), []byte("password"), key); err != nil || hex.EncodeToString(key) != c.want {
			t.Errorf("%s, %d lanes: %x, %v, want %s", c.kdf.Type, c.kdf.CPUs, key, err, c.want)
		}
	}
}

// spread is the inverse of mergeAF, with random stripes.
func spread(key []byte, n int, a hashes.Algorithm) []byte {
	out := make([]byte, n*len(key))
	_, _ = rand.Read(out[:(n-1)*len(key)])
	sum := make([]byte, len(key))
	mergeAF(sum, out, a) // with a last stripe of zeros: what is missing from the key
	last := out[(n-1)*len(key):]
	for i := range last {
		last[i] = key[i] ^ sum[i]
	}
	return out
}

// TestMergeAF merges what was split, with every hash that may be named.
func TestMergeAF(t *testing.T) {
	t.Parallel()
	for _, name := range hashes.Names() {
		a, err := lookupHash(name)
		if err != nil {
			continue
		}
		key := make([]byte, 61) // no multiple of any digest
		_, _ = rand.Read(key)
		got := make([]byte, len(key))
		if mergeAF(got, spread(key, 7, a), a); !bytes.Equal(got, key) {
			t.Errorf("%s: merged into another key", name)
		}
	}
}

// TestCosts refuses what is too costly before anything is computed.
func TestCosts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		kdf  KDF
		ok   bool
	}{
		{"cryptsetup's default", KDF{Type: kdfArgon2id, Time: 4, Memory: 1 << 20, CPUs: 4}, true},
		{"pbkdf2 of 2 s", KDF{Type: kdfPBKDF2, Hash: "sha256", Iterations: 3 << 20}, true},
		{"over 4 GiB", KDF{Type: kdfArgon2id, Time: 1, Memory: 4<<20 + 1, CPUs: 4}, false},
		{"all memory", KDF{Type: kdfArgon2i, Time: 1, Memory: math.MaxUint32, CPUs: 4}, false},
		{"many passes", KDF{Type: kdfArgon2id, Time: math.MaxUint32, Memory: 1 << 20, CPUs: 4}, false},
		{"many passes over little", KDF{Type: kdfArgon2id, Time: math.MaxUint32, Memory: 1 << 10, CPUs: 1}, false},
		{"many iterations", KDF{Type: kdfPBKDF2, Hash: "sha256", Iterations: math.MaxUint32}, false},
		{"many iterations of a slow hash", KDF{Type: kdfPBKDF2, Hash: "whirlpool", Iterations: math.MaxUint32}, false},
	} {
		if err := c.kdf.checkCost(64, false); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrCostly) {
			t.Errorf("%s: %v, want allowed: %t", c.name, err, c.ok)
		}
	}
}

// TestSlotRules asks for slots that are not there, need asking for, or cannot be read.
func TestSlotRules(t *testing.T) {
	t.Parallel()
	image := unpack(t, 8<<20, "luks", "l2-multi.img.xz")
	read := func(changes ...string) *Header {
		h, err := Read(bytes.NewReader(image))
		if err != nil {
			t.Fatal(err)
		}
		doc := h.V2.JSON
		for _, c := range changes {
			doc = apply(t, doc, c)
		}
		changed := bytes.Clone(image)
		twoCopies(t, changed, h.V2, doc)
		if h, err = Read(bytes.NewReader(changed)); err != nil {
			t.Fatal(err)
		}
		return h
	}
	const first = "correct horse" // of slot 0
	for _, c := range []struct {
		name    string
		h       *Header
		o       UnlockOptions
		want    error
		message string
	}{
		{name: "any slot", h: read()},
		{name: "one of two", h: read(), o: UnlockOptions{Slots: []int{31, 0}}},
		{name: "one core", h: read(), o: UnlockOptions{Jobs: 1}},
		{name: "another slot", h: read(), o: UnlockOptions{Slots: []int{31}}, want: ErrWrongKey, message: "key slot 31 does not open"},
		{name: "slot that is not there", h: read(), o: UnlockOptions{Slots: []int{1}}, want: ErrNoKeyslot, message: "key slot 1 is not in use"},
		{name: "on request only", h: read("keyslots.0.priority=0"), want: ErrWrongKey},
		{name: "on request", h: read("keyslots.0.priority=0"), o: UnlockOptions{Slots: []int{0}}},
		{name: "costly", h: read("keyslots.0.kdf.iterations=4294967295"), want: ErrCostly, message: "key slot 0: pbkdf2 would take"},
		{name: "a costly one beside", h: read("keyslots.3.kdf.memory=4294967295")},
		{name: "cipher", h: read(`keyslots.0.area.encryption="rot13-xts-plain64"`), want: ErrUnsupported, message: "rot13"},
		{name: "null cipher", h: read(`keyslots.0.area.encryption="cipher_null-ecb"`), want: ErrWrongKey},
		{name: "hash", h: read(`keyslots.0.kdf.hash="rot13"`), want: ErrUnsupported, message: "rot13"},
		{name: "checksum as hash", h: read(`keyslots.0.af.hash="crc32"`), want: ErrUnsupported, message: "crc32"},
		{name: "derivation", h: read(`keyslots.0.kdf.type="scrypt"`), want: ErrUnsupported, message: "scrypt"},
		{name: "kind of slot", h: read(`keyslots.0.type="quantum"`), o: UnlockOptions{Slots: []int{0}}, want: ErrUnsupported, message: "quantum"},
		{name: "stripes", h: read(`keyslots.0.af.stripes=4001`), want: ErrHeader, message: "4001"},
		{name: "area too small", h: read(`keyslots.0.area.size="4096"`), want: ErrHeader, message: "does not fit"},
		{name: "key too long", h: read(`keyslots.0.area.key_size=4096`), want: ErrHeader},
		{name: "digest of no bytes", h: read(`digests.0.digest=""`), want: ErrHeader, message: "digest of 0 bytes"},
		{name: "short digest", h: read(`digests.0.digest="AAAA"`), want: ErrHeader, message: "digest of 3 bytes"},
		{name: "kind of digest", h: read(`digests.0.type="quantum"`), want: ErrUnsupported, message: "quantum"},
		{name: "no slots", h: read("keyslots={}", "digests.0.keyslots=[]"), want: ErrNoKeyslot, message: "volume key is needed"},
		{name: "unbound", h: read("segments.0.type=\"linear\"", "digests.0.segments=[]"), want: ErrNoKeyslot, message: "on request"},
		{name: "unbound, asked for", h: read("segments.0.type=\"linear\"", "digests.0.segments=[]"), o: UnlockOptions{Unbound: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			key, err := c.h.Unlock(t.Context(), []byte(first), c.o)
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.message) {
				t.Fatalf("error %v, want %v with %q", err, c.want, c.message)
			}
			if err != nil {
				return
			}
			if text := fmt.Sprintf("%v %+v %#v %s", key, *key, key, key); strings.Contains(text, hex.EncodeToString(key.Bytes()[:4])) || key.Slot != 0 {
				t.Errorf("slot %d, or the key is printed: %s", key.Slot, text)
			}
			key.Wipe()
			if !bytes.Equal(key.Bytes(), make([]byte, 64)) {
				t.Error("the key is not wiped")
			}
		})
	}
	cut := &Header{Version: 2, V2: read().V2, source: bytes.NewReader(image[:100000])}
	if _, err := cut.Unlock(t.Context(), []byte(first), UnlockOptions{Slots: []int{0}}); !errors.Is(err, ErrHeader) {
		t.Errorf("key material past the end: %v", err)
	}
}

// FuzzMergeAF merges anything without a panic, always to the same.
func FuzzMergeAF(f *testing.F) {
	f.Add(make([]byte, 4000), 16, 3)
	f.Add([]byte("abc"), 1, 11)
	names := hashes.Names()
	f.Fuzz(func(t *testing.T, material []byte, size, hash int) {
		a, err := lookupHash(names[uint(hash)%uint(len(names))])
		if err != nil || size < 1 || size > 512 || len(material) == 0 || len(material)%size != 0 {
			return
		}
		one, two := make([]byte, size), bytes.Repeat([]byte{1}, size)
		mergeAF(one, material, a)
		mergeAF(two, material, a)
		if !bytes.Equal(one, two) {
			t.Errorf("two results: %x, %x", one, two)
		}
	})
}
