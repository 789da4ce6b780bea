package crypt

import (
	"bytes"
	"crypto/cipher"
	"strings"
	"testing"
)

// oneByOne hides that a cipher takes many blocks at once.
type oneByOne struct{ cipher.Block }

// bulkCiphers are the listed ciphers that take many blocks at once.
func bulkCiphers(t *testing.T) map[string]blockCipher {
	t.Helper()
	bulk := map[string]blockCipher{}
	for i := range ciphers {
		b := ciphers[i].cipher
		if b.new == nil {
			continue
		}
		block, err := b.new(make([]byte, b.keySizes[len(b.keySizes)-1]))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := block.(bulkCipher); ok {
			bulk[b.name] = b
		}
	}
	if len(bulk) == 0 {
		t.Error("no cipher takes many blocks at once")
	}
	return bulk
}

// TestBulkModesAreThePlainOnes compares the modes for ciphers that take many blocks
// at once with the modes that call the cipher block by block, in sectors of every
// size that an IV mode can ask for.
func TestBulkModesAreThePlainOnes(t *testing.T) {
	t.Parallel()
	for _, b := range bulkCiphers(t) {
		slow := b
		slow.new = func(key []byte) (cipher.Block, error) {
			block, err := b.new(key)
			return oneByOne{block}, err
		}
		for _, pair := range []struct{ fast, slow cipherMode }{
			{bulkXTSOf(b), xtsOf(slow)},
			{bulkCBCOf(b), cbcOf(slow)},
			{bulkCTROf(b), ctrOf(slow)},
			{ecbOf(b), ecbOf(slow)},
			{lrwOf(b), lrwOf(slow)},
			{pcbcOf(b), pcbcOf(slow)},
			{ctsOf(bulkCBCOf(b)), ctsOf(cbcOf(slow))},
		} {
			t.Run(pair.fast.apiName(), func(t *testing.T) {
				t.Parallel()
				checkSameMode(t, pair.fast, pair.slow)
			})
		}
	}
}

func checkSameMode(t *testing.T, fast, slow cipherMode) {
	key := patterned(fast.keySizes[len(fast.keySizes)-1])
	got, err := fast.new(key, "")
	if err != nil {
		t.Fatal(err)
	}
	want, err := slow.new(key, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{16, 512, 4096} {
		const sectors = bulkLanes + 3
		plain, ivs := patterned(sectors*size), patterned(sectors*fast.ivSize)
		image, expected := make([]byte, len(plain)), make([]byte, len(plain))
		got.encrypt(image, plain, bytes.Clone(ivs), size)
		want.encrypt(expected, plain, bytes.Clone(ivs), size)
		if at := firstDifference(image, expected); at >= 0 {
			t.Errorf("sectors of %d bytes: encrypt differs from block by block at byte %d", size, at)
		}
		got.decrypt(image, image, bytes.Clone(ivs), size)
		if at := firstDifference(image, plain); at >= 0 {
			t.Errorf("sectors of %d bytes: decrypt in place is not the inverse at byte %d", size, at)
		}
	}
}

// wipeRecorder is a cipher that counts how many of its kind were wiped.
type wipeRecorder struct {
	bulkCipher
	wiped *int
}

func (w wipeRecorder) Wipe() { *w.wiped++ }

// TestModesWipe: wiping a mode wipes every block cipher in it.
func TestModesWipe(t *testing.T) {
	t.Parallel()
	made, wiped := 0, 0
	b := serpentCipher
	b.name, b.keySizes = "recorder", []int{16}
	b.new = func(key []byte) (cipher.Block, error) {
		block, err := serpentCipher.new(key)
		made++
		return wipeRecorder{block.(bulkCipher), &wiped}, err
	}
	modes := append(bulkModes(b), cbcOf(b), ctrOf(b), ctsOf(cbcOf(b)))
	for _, m := range modes {
		made, wiped = 0, 0
		mode, err := m.new(make([]byte, m.keySizes[0]), "")
		if err != nil {
			t.Fatal(err)
		}
		w, ok := mode.(wiper)
		if !ok {
			t.Errorf("%s cannot be wiped", m.chain)
			continue
		}
		if w.wipe(); made == 0 || wiped != made {
			t.Errorf("%s: %d of %d block ciphers wiped", m.chain, wiped, made)
		}
	}
}

// BenchmarkSectors is every cipher of the list in runs of 512 and 4096 bytes.
func BenchmarkSectors(b *testing.B) {
	for _, c := range combinations() {
		if c.iv != "plain64" || strings.Contains(c.spec, "null") {
			continue
		}
		for name, size := range map[string]int{"512": 512, "4096": 4096} {
			e, err := NewCipher(Config{Spec: c.spec, Key: c.key(c.spec, c.keySize, 1), SectorSize: size})
			if err != nil {
				b.Fatal(err)
			}
			p := make([]byte, 64<<10)
			for way, call := range map[string]func(dst, src []byte, sector uint64){"encrypt": e.EncryptSectors, "decrypt": e.DecryptSectors} {
				b.Run("cipher="+c.info.Name+"/way="+way+"/sector="+name, func(b *testing.B) {
					b.SetBytes(int64(len(p)))
					b.ReportAllocs()
					for b.Loop() {
						call(p, p, 8)
					}
				})
			}
		}
	}
}
