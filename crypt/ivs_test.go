package crypt

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// countingKey is the bytes 0, 1, …, the key of the vectors in this file.
func countingKey(n int) []byte {
	key := make([]byte, n)
	for i := range key {
		key[i] = byte(i)
	}
	return key
}

// sectorIV finds the IV of a sector from outside: the first block of a sector of
// zeros in cbc is the encrypted IV.
func sectorIV(t *testing.T, config Config, sector uint64) []byte {
	t.Helper()
	c, err := NewCipher(config)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, max(config.SectorSize, 512))
	c.EncryptSectors(p, p, sector)
	b, err := aes.NewCipher(config.Key)
	if err != nil {
		t.Fatal(err)
	}
	b.Decrypt(p[:16], p[:16])
	return p[:16]
}

// TestIVs has the IVs of sectors at which counters change shape. Those of essiv
// were made with openssl enc, by encrypting the plain64 IV under the digest of
// the key, those of eboiv by encrypting the byte offset under the key; the others
// follow from the definition by hand.
func TestIVs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		iv     string
		sector uint64
		want   string
	}{
		{"plain", 0, "00000000000000000000000000000000"},
		{"plain", 1, "01000000000000000000000000000000"},
		{"plain", 1<<32 - 1, "ffffffff000000000000000000000000"},
		{"plain", 1 << 32, "00000000000000000000000000000000"},
		{"plain", 1<<32 + 0x0102, "02010000000000000000000000000000"},
		{"plain64", 0, "00000000000000000000000000000000"},
		{"plain64", 1, "01000000000000000000000000000000"},
		{"plain64", 1 << 32, "00000000010000000000000000000000"},
		{"plain64", 0x0102030405060708, "08070605040302010000000000000000"},
		{"plain64", 1<<64 - 1, "ffffffffffffffff0000000000000000"},
		{"plain64be", 0, "00000000000000000000000000000000"},
		{"plain64be", 1, "00000000000000000000000000000001"},
		{"plain64be", 1 << 32, "00000000000000000000000100000000"},
		{"plain64be", 0x0102030405060708, "00000000000000000102030405060708"},
		{"essiv:sha256", 0, "a73d5fb0e4041090ca6dc1b820cdaf51"},
		{"essiv:sha256", 1, "59a0803f448bdf6d3d3de63feaccd58a"},
		{"essiv:sha256", 1 << 32, "b5c8f18211c5b554088a6a33ad5137c0"},
		{"essiv:sha256", 1<<64 - 1, "634e1dda60aa08bd83ea5510720e58c0"},
		{"essiv:md5", 0, "85f8ca91a9e16289ca96ca487f8adb94"},
		{"essiv:md5", 1 << 32, "0c3a7387f2787e634233691ba7079682"},
		{"benbi", 0, "00000000000000000000000000000001"},
		{"benbi", 1, "00000000000000000000000000000021"},
		{"benbi", 1 << 32, "00000000000000000000002000000001"},
		{"benbi", 1<<64 - 1, "0000000000000000ffffffffffffffe1"},
		{"eboiv", 0, "f29000b62a499fd0a9f39a6add2e7780"},
		{"eboiv", 1, "4c8e276c12f709bb95af22c72f0eb1e5"},
		{"eboiv", 1 << 32, "ec64ab0d7b36c1ef3849c14d83f8c8d0"},
		{"eboiv", 1<<55 + 1, "4c8e276c12f709bb95af22c72f0eb1e5"},
		{"null", 0, "00000000000000000000000000000000"},
		{"null", 1, "00000000000000000000000000000000"},
		{"null", 1 << 32, "00000000000000000000000000000000"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s/%d", test.iv, test.sector), func(t *testing.T) {
			t.Parallel()
			for _, form := range []string{"aes-cbc-", "capi:cbc(aes)-"} {
				config := Config{Spec: form + test.iv, Key: countingKey(32)}
				if got := hex.EncodeToString(sectorIV(t, config, test.sector)); got != test.want {
					t.Errorf("IV of %s = %s, want %s", config.Spec, got, test.want)
				}
				// The same number, but most of it from the IV offset.
				config.IVOffset = test.sector - 5
				if got := hex.EncodeToString(sectorIV(t, config, 5)); got != test.want {
					t.Errorf("IV of %s with an iv offset = %s, want %s", config.Spec, got, test.want)
				}
			}
		})
	}
}

// TestESSIVTemplate: essiv as a template of the crypto API is essiv as an IV
// mode, and wraps the other IV modes too.
func TestESSIVTemplate(t *testing.T) {
	t.Parallel()
	key := countingKey(32)
	for _, test := range []struct{ spec, want string }{
		{"capi:essiv(cbc(aes),sha256)-plain64", "59a0803f448bdf6d3d3de63feaccd58a"},
		{"capi:essiv(cbc(aes),md5)-plain64", "ad15a8550bc2f871bdede0888d21b679"},
		{"capi:essiv(cbc(aes),sha256)-null", "a73d5fb0e4041090ca6dc1b820cdaf51"},
	} {
		if got := hex.EncodeToString(sectorIV(t, Config{Spec: test.spec, Key: key}, 1)); got != test.want {
			t.Errorf("IV of sector 1 with %s = %s, want %s", test.spec, got, test.want)
		}
	}
}

// TestEBOIVSectorSize: the offset is the IV number times the sector size, which
// without iv_large_sectors is not the offset in the volume. The IVs were made
// with openssl enc.
func TestEBOIVSectorSize(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		large bool
		want  string
	}{
		{false, "ca09024ac6aae3c0eb73418633b81875"}, // of 8 × 4096
		{true, "15aa0a393a8a6099a58759e05e5ea4bd"},  // of 1 × 4096
	} {
		config := Config{Spec: "aes-cbc-eboiv", Key: countingKey(32), SectorSize: 4096, IVLargeSectors: test.large}
		if got := hex.EncodeToString(sectorIV(t, config, 8)); got != test.want {
			t.Errorf("eboiv of sector 8, iv_large_sectors %v = %s, want %s", test.large, got, test.want)
		}
	}
}

// TestIVNumbers checks how sector, IV offset and sector size make the number in
// the IV: without iv_large_sectors it counts 512 bytes whatever the sector size.
func TestIVNumbers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		offset uint64
		size   int
		large  bool
		sector uint64
		want   string // plain64
	}{
		{0, 512, false, 8, "0800000000000000"},
		{7, 512, false, 8, "0f00000000000000"},
		{1<<64 - 1, 512, false, 1, "0000000000000000"},
		{0, 1024, false, 2, "0200000000000000"},
		{0, 4096, false, 8, "0800000000000000"},
		{16, 4096, false, 8, "1800000000000000"},
		{0, 512, true, 8, "0800000000000000"},
		{0, 1024, true, 2, "0100000000000000"},
		{0, 2048, true, 8, "0200000000000000"},
		{0, 4096, true, 8, "0100000000000000"},
		{16, 4096, true, 8, "0300000000000000"},
		{0, 4096, true, 1 << 35, "0000000001000000"},
		{1<<64 - 8, 4096, true, 0, "ffffffffffffff1f"},
		{1<<64 - 8, 4096, true, 8, "0000000000000000"},
	}
	for _, test := range tests {
		config := Config{
			Spec: "aes-cbc-plain64", Key: countingKey(16),
			IVOffset: test.offset, SectorSize: test.size, IVLargeSectors: test.large,
		}
		got := sectorIV(t, config, test.sector)
		if want := test.want + "0000000000000000"; hex.EncodeToString(got) != want {
			t.Errorf("IV with offset %d, %d-byte sectors, large %v, sector %d = %x, want %s",
				test.offset, test.size, test.large, test.sector, got, want)
		}
	}
}

// TestRunsEqualSingleSectors: a run of sectors is each sector by itself, for every
// cipher, IV, sector size and number of keys, apart and in place, across the
// number of lanes, the size of a batch and the wrap-around of the sector number.
func TestRunsEqualSingleSectors(t *testing.T) {
	t.Parallel()
	shapes := []Config{
		{},
		{SectorSize: 4096, IVLargeSectors: true, IVOffset: 1<<64 - 64},
		{KeyCount: 2, IVOffset: 3},
		{SectorSize: 1024, IVLargeSectors: true, IVOffset: 2},
		{SectorSize: 2048, IVOffset: 1<<64 - 16},
		{KeyCount: 4, SectorSize: 1024, IVOffset: 6},
		{KeyCount: 16, SectorSize: 4096, IVOffset: 8},
	}
	for _, combination := range combinations() {
		for i, config := range shapes {
			if config.KeyCount > 1 && strings.HasPrefix(combination.spec, "capi:") {
				continue // takes one key
			}
			if i > 2 && !strings.HasPrefix(combination.spec, "aes-") {
				break // the shapes are no matter of the cipher, and some are slow
			}
			config.Spec, config.SectorSize = combination.spec, combination.sectorSize(config.SectorSize)
			size := combination.keySize
			if config.KeyCount > 1 {
				size = combination.sizes[0]
			}
			config.Key = combination.key(config.Spec, size, max(config.KeyCount, 1))
			if config.Key == nil {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", config.Spec, i), func(t *testing.T) {
				t.Parallel()
				checkRun(t, config)
			})
		}
	}
}

func checkRun(t *testing.T, config Config) {
	c, err := NewCipher(config)
	if err != nil {
		t.Fatal(err)
	}
	unit := max(config.SectorSize, 512)
	units := cbcLanes + 1
	if unit == 512 {
		units = batchUnits + 3
	}
	plain := patterned(units * unit)
	const first = 8 // 512-byte sectors
	want := make([]byte, len(plain))
	for i := 0; i < len(plain); i += unit {
		c.EncryptSectors(want[i:i+unit], plain[i:i+unit], first+uint64(i/512))
	}
	kept := bytes.Clone(plain)
	got := make([]byte, len(plain))
	c.EncryptSectors(got, plain, first)
	if at := firstDifference(got, want); at >= 0 {
		t.Errorf("EncryptSectors of a run differs from single sectors at byte %d", at)
	}
	c.DecryptSectors(plain, got, first)
	if at := firstDifference(plain, kept); at >= 0 {
		t.Errorf("DecryptSectors of a run is not the inverse at byte %d", at)
	}
	c.EncryptSectors(plain, plain, first)
	if at := firstDifference(plain, want); at >= 0 {
		t.Errorf("EncryptSectors in place differs at byte %d", at)
	}
	c.DecryptSectors(plain, plain, first)
	if at := firstDifference(plain, kept); at >= 0 {
		t.Errorf("DecryptSectors in place differs at byte %d", at)
	}
}

// patterned returns n bytes in which no two sectors are alike.
func patterned(n int) []byte {
	p := make([]byte, n)
	state := uint32(n) | 1
	for i := range p {
		state = state*1664525 + 1013904223
		p[i] = byte(state >> 24)
	}
	return p
}

// TestKeyRotation: with several keys, sector S uses key S mod count, where S
// counts 512 bytes and includes the IV offset.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	const count = 4
	keys := countingKey(16 * count)
	for _, test := range []struct {
		offset, sector uint64
		size           int
		key            int
	}{
		{0, 0, 512, 0},
		{0, 1, 512, 1},
		{0, 7, 512, 3},
		{2, 1, 512, 3},
		{3, 1, 512, 0},
		{0, 2, 1024, 2},
		{2, 2, 1024, 0},
		{8, 16, 4096, 0},
	} {
		c, err := NewCipher(Config{Spec: "aes:4-cbc-null", Key: keys, IVOffset: test.offset, SectorSize: test.size})
		if err != nil {
			t.Fatal(err)
		}
		one, err := NewCipher(Config{Spec: "aes-cbc-null", Key: keys[16*test.key : 16*test.key+16], SectorSize: test.size})
		if err != nil {
			t.Fatal(err)
		}
		got, want := make([]byte, test.size), make([]byte, test.size)
		c.EncryptSectors(got, got, test.sector)
		one.EncryptSectors(want, want, 0)
		if !bytes.Equal(got, want) {
			t.Errorf("sector %d, iv offset %d, %d bytes: not encrypted with key %d", test.sector, test.offset, test.size, test.key)
		}
	}
}

// TestKeyCountMayComeFromConfig: a count beside the spec means the same as one in it.
func TestKeyCountMayComeFromConfig(t *testing.T) {
	t.Parallel()
	a, err := NewCipher(Config{Spec: "aes:2-cbc-plain64", Key: countingKey(64), KeyCount: 2})
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewCipher(Config{Spec: "aes-cbc-plain64", Key: countingKey(64), KeyCount: 2})
	if err != nil {
		t.Fatal(err)
	}
	x, y := make([]byte, 2048), make([]byte, 2048)
	a.EncryptSectors(x, x, 9)
	b.EncryptSectors(y, y, 9)
	if !bytes.Equal(x, y) {
		t.Error("aes:2-cbc-plain64 and KeyCount 2 differ")
	}
}
