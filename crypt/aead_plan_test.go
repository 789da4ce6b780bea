package crypt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
)

// TestAEADRefusals gives what does not fit and wants the right sentinel and the
// culprit by name.
func TestAEADRefusals(t *testing.T) {
	t.Parallel()
	const hmacXTS = "capi:authenc(hmac(sha256),xts(aes))-random"
	key := func(n int) []byte { return make([]byte, n) }
	for _, c := range []struct {
		config Config
		want   error
		text   string
	}{
		{Config{Spec: hmacXTS, Key: key(96)}, ErrSpec, "no integrity option"},
		{Config{Spec: "capi:", Key: key(96), Integrity: "48:aead"}, ErrSpec, `"capi:"`},
		{Config{Spec: hmacXTS, Key: key(96), Integrity: "aead"}, ErrSpec, `"aead"`},
		{Config{Spec: hmacXTS, Key: key(96), Integrity: "48"}, ErrSpec, `"48"`},
		{Config{Spec: hmacXTS, Key: key(96), Integrity: "0:aead"}, ErrSpec, `"0:aead"`},
		{Config{Spec: hmacXTS, Key: key(96), Integrity: "481:aead"}, ErrSpec, `"481:aead"`},
		{Config{Spec: hmacXTS, Key: key(96), Integrity: "+48:aead"}, ErrSpec, `"+48:aead"`},
		{Config{Spec: hmacXTS, Key: key(96), Integrity: "99999999999999999999:aead"}, ErrSpec, "1 to 480"},
		{Config{Spec: hmacXTS, Key: key(96), Integrity: "48:poly1305"}, ErrSpec, `"poly1305"`},
		{Config{Spec: hmacXTS, Key: key(96), Integrity: "65:aead"}, ErrTagSize, "only 64 bytes"},
		{Config{Spec: hmacXTS, Key: key(96), Integrity: "49:aead"}, ErrTagSize, "tag of 33 bytes"},
		{Config{Spec: hmacXTS, Key: key(96), Integrity: "16:aead"}, ErrTagSize, "iv of 16 bytes"},
		{Config{Spec: hmacXTS, Key: key(96), Integrity: "9:aead"}, ErrTagSize, "iv of 16 bytes"},
		{Config{Spec: hmacXTS, Key: key(95), Integrity: "48:aead"}, ErrKeySize, "32, 48 or 64 bytes and 32 for the MAC"},
		{Config{Spec: hmacXTS, Key: nil, Integrity: "48:aead"}, ErrKeySize, "key of 0 bytes"},
		{Config{Spec: hmacXTS, Key: key(96), IntegrityKeySize: 33, Integrity: "48:aead"}, ErrKeySize, "33 for the MAC"},
		{Config{Spec: hmacXTS, Key: key(96), IntegrityKeySize: -1, Integrity: "48:aead"}, ErrKeySize, "key"},
		{Config{Spec: hmacXTS, Key: key(96), SectorSize: 4096, Integrity: "48:aead"}, ErrSectorSize, "a tag for each 512"},
		{Config{Spec: hmacXTS, Key: key(96), SectorSize: 700, Integrity: "48:aead"}, ErrSectorSize, "700"},
		{Config{Spec: hmacXTS, Key: key(96), KeyCount: 2, Integrity: "48:aead"}, ErrSpec, "key count 2"},
		{Config{Spec: hmacXTS, Key: key(96), Implementation: "sparc", Integrity: "48:aead"}, ErrUnsupported, `"sparc"`},
		{Config{Spec: "aes-gcm-random", Key: key(32), Integrity: "28:aead"}, ErrSpec, "capi:gcm(aes)-random"},
		{Config{Spec: "aes-xts-plain64", Key: key(64), Integrity: "16:aead"}, ErrSpec, "capi: form only"},
		{Config{Spec: "capi:xts(aes)-random", Key: key(64), Integrity: "16:aead"}, ErrSpec, "it makes no tags"},
		{Config{Spec: "capi:gcm(aes)", Key: key(32), Integrity: "16:aead"}, ErrSpec, "needs an iv mode"},
		{Config{Spec: "capi:gcm(aes)-random", Key: key(33), Integrity: "28:aead"}, ErrKeySize, "16, 24 or 32 bytes"},
		{Config{Spec: "capi:gcm(aes)-random", Key: key(32), IntegrityKeySize: 16, Integrity: "28:aead"}, ErrKeySize, "no key of a MAC"},
		{Config{Spec: "capi:gcm(aes)-random", Key: key(32), Integrity: "17:aead"}, ErrTagSize, "tag of 5 bytes"},
		{Config{Spec: "capi:gcm(aes)-nonsense", Key: key(32), Integrity: "28:aead"}, ErrUnknownIV, `"nonsense"`},
		{Config{Spec: "capi:gcm(aes)-eboiv", Key: key(32), Integrity: "16:aead"}, ErrUnsupported, "eboiv"},
		{Config{Spec: "capi:gcm(aes)-lmk", Key: key(32), Integrity: "16:aead"}, ErrUnsupported, "lmk"},
		{Config{Spec: "capi:gcm(aes)-essiv:sha256", Key: key(32), Integrity: "16:aead"}, ErrUnsupported, "essiv around gcm(aes)"},
		{Config{Spec: "capi:gcm(blowfish)-random", Key: key(32), Integrity: "28:aead"}, ErrUnsupported, "gcm"},
		{Config{Spec: "capi:gcm(nosuch)-random", Key: key(32), Integrity: "28:aead"}, ErrUnknownCipher, `"nosuch"`},
		{Config{Spec: "capi:rfc4309(ccm(aes))-random", Key: key(32), Integrity: "24:aead"}, ErrKeySize, "a salt of 3"},
		{Config{Spec: "capi:ccm(aes)-random", Key: key(32), Integrity: "32:aead"}, ErrUnsupported, `"ccm"`},
		{Config{Spec: "capi:rfc7539(chacha20,poly1305)-random", Key: key(32), Integrity: "27:aead"}, ErrTagSize, "tag of 15 bytes"},
		{Config{Spec: "capi:aegis256-random", Key: key(32), Integrity: "32:aead"}, ErrUnsupported, `"aegis256"`},
		{Config{Spec: "capi:authenc(hmac(sha256))-random", Key: key(32), Integrity: "32:aead"}, ErrSpec, "a MAC and a cipher"},
		{Config{Spec: "capi:authenc(hmac(nosuch),xts(aes))-random", Key: key(96), Integrity: "48:aead"}, hashes.ErrUnknown, `"nosuch"`},
		{Config{Spec: "capi:authenc(hmac(crc32c),xts(aes))-random", Key: key(68), Integrity: "20:aead"}, ErrSpec, "hmac(crc32c)"},
		{Config{Spec: "capi:authenc(hmac(sha256,sha1),xts(aes))-random", Key: key(96), Integrity: "48:aead"}, ErrSpec, "want one hash"},
		{Config{Spec: "capi:authenc(sha256,xts(aes))-random", Key: key(96), Integrity: "48:aead"}, ErrUnsupported, `"sha256"`},
		{Config{Spec: "capi:authenc(nosuch(aes),xts(aes))-random", Key: key(96), Integrity: "48:aead"}, ErrUnknownCipher, `"nosuch(aes)"`},
		{Config{Spec: "capi:authenc(cmac(aes),xts(aes))-random", Key: key(64 + 15), IntegrityKeySize: 15, Integrity: "32:aead"}, ErrKeySize, "aes"},
		{Config{Spec: "capi:authenc(hmac(sha256),gcm(aes))-random", Key: key(64), Integrity: "48:aead"}, ErrUnsupported, "gcm"},
		{Config{Spec: "capi:authenc(hmac(sha256),cbc(aes))-essiv", Key: key(64), Integrity: "32:aead"}, ErrSpec, "no hash given"},
		{Config{Spec: "capi:authenc(hmac(sha256),cbc(aes))-essiv:sha1", Key: key(64), Integrity: "32:aead"}, ErrKeySize, "sha1"},
		{Config{Spec: "capi:essiv(authenc(hmac(sha256),cbc(aes)),sha256)-plain64", Key: key(64), Integrity: "32:aead"}, ErrSpec, "capi:authenc(hmac(sha256),cbc(aes))-essiv:sha256"},
		{Config{Spec: "capi:authenc(hmac(sha256),ecb(cipher_null))", Key: key(32), Integrity: "32:aead"}, ErrUnsupported, "a cipher without iv"},
		{Config{Spec: "capi:authenc(xcbc(aes),xts(aes))-random", Key: key(80), Integrity: "32:aead"}, ErrUnsupported, `"xcbc(aes)"`},
		{Config{Spec: "aes-xts-random", Key: key(64), Integrity: "15:none"}, ErrTagSize, "take 16 bytes"},
		{Config{Spec: "aes-xts-random", Key: key(63), Integrity: "16:none"}, ErrKeySize, "63"},
		{Config{Spec: "capi:gcm(aes)-random", Key: key(32), Integrity: "28:none"}, ErrUnsupported, "gcm(aes) makes tags"},
		{Config{Spec: "aes:64-cbc-random", Key: key(64*16 - 64), Integrity: "16:none"}, ErrKeySize, "64 keys"},
	} {
		_, err := NewAEADDevice(newTagMemory(1, 512, 64), c.config)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("NewAEADDevice(%q, %d-byte key, integrity %q): %v\nwant %v with %q",
				c.config.Spec, len(c.config.Key), c.config.Integrity, err, c.want, c.text)
		}
	}
}

// TestTagsNeedTheirStorage: without storage for tags nothing that has some is
// opened.
func TestTagsNeedTheirStorage(t *testing.T) {
	t.Parallel()
	for _, config := range aeadConfigs() {
		if _, err := NewDevice(memory(nil), 0, config); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), config.Integrity) {
			t.Errorf("NewDevice(%q, integrity %q): %v, want ErrUnsupported", config.Spec, config.Integrity, err)
		}
	}
	for _, size := range []int{-1, maxStride + 1} {
		m := newTagMemory(0, 512, 0)
		m.tag = size
		if _, err := NewAEADDevice(m, Config{Spec: "aes-xts-random", Key: make([]byte, 64), Integrity: "16:none"}); !errors.Is(err, ErrTagSize) {
			t.Errorf("storage with tags of %d bytes: %v, want ErrTagSize", size, err)
		}
	}
}

// TestAEADs: what is listed can be made, with every key and tag size, and with
// no other.
func TestAEADs(t *testing.T) {
	t.Parallel()
	for _, info := range AEADs() {
		for tag := range 66 {
			for _, size := range append(slices.Clone(info.KeySizes), 1) {
				config := Config{Spec: info.Name + "-null", Key: make([]byte, size+info.SaltSize+info.MACKeySize)}
				config.Integrity = fmt.Sprintf("%d:aead", max(tag, 1))
				_, err := NewAEADDevice(newTagMemory(1, 512, 80), config)
				want := tag >= 1 && slices.Contains(info.TagSizes, tag) && size > 1
				if tag > 0 && (err == nil) != want {
					t.Errorf("%s, key of %d, tag of %d: %v", info.Name, size, tag, err)
				}
			}
		}
		if info.IVSize == 0 || info.Note == "" {
			t.Errorf("%s: %+v", info.Name, info)
		}
	}
}

// FuzzNewAEADDevice: any words and key are taken or refused, without a panic, and
// what is taken round-trips.
func FuzzNewAEADDevice(f *testing.F) {
	for _, c := range aeadConfigs() {
		f.Add(c.Spec, c.Integrity, uint16(len(c.Key)), uint8(c.IntegrityKeySize), uint8(0))
	}
	f.Fuzz(func(t *testing.T, spec, integrity string, keySize uint16, macKey, unit uint8) {
		c := Config{
			Spec: spec, Integrity: integrity, Key: make([]byte, keySize%(1<<12)),
			IntegrityKeySize: int(macKey), SectorSize: 512 << (unit % 4),
		}
		d, err := NewAEADDevice(newTagMemory(3, c.SectorSize, 70), c)
		if err != nil {
			return
		}
		p := noise(1, 3*c.SectorSize)
		if _, err := d.WriteAt(p, 0); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(p))
		if n, err := d.ReadAt(got, 0); err != nil || string(got) != string(p) {
			t.Fatalf("%q, integrity %q: reads differently: %d, %v", spec, integrity, n, err)
		}
	})
}
