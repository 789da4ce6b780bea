package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// aeadRow is a line of testdata/aeadlive.txt; the file explains the columns.
type aeadRow struct {
	verdict string
	config  Config
	storage int    // bytes beside each sector
	block   int    // bytes that they belong to
	beside  []byte // what the kernel wrote beside the last sector
	digest  string // of its ciphertext
}

// TestLiveKernelAEAD seals the last sector of what a kernel wrote with many table
// lines, odd ones too, with the IV that it drew, to the same tag and ciphertext,
// opens it, and refuses what the kernel refuses.
func TestLiveKernelAEAD(t *testing.T) {
	t.Parallel()
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	plain := make([]byte, 64*512)
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(plain, plain)

	seen := map[string]int{}
	for i, row := range readAEADRows(t) {
		seen[row.verdict]++
		t.Run(fmt.Sprintf("%d %s %s", i, row.config.Spec, row.config.Integrity), func(t *testing.T) {
			t.Parallel()
			checkAEADRow(t, row, plain)
		})
	}
	if seen["ok"] < 150 || seen["fail"] < 80 {
		t.Errorf("%d lines ok and %d fail, want at least 150 and 80", seen["ok"], seen["fail"])
	}
}

func checkAEADRow(t *testing.T, row aeadRow, plain []byte) {
	c := row.config
	m := newTagMemory(len(plain)/row.block, row.block, row.storage)
	d, err := NewAEADDevice(m, c)
	if row.verdict != "ok" { // refused, by the kernel or by us
		if err == nil {
			t.Errorf("NewAEADDevice(%q, %d-byte key, MAC key of %d, integrity %q, sectors of %d): no error, want a refusal",
				c.Spec, len(c.Key), c.IntegrityKeySize, c.Integrity, c.SectorSize)
		}
		return
	}
	if err != nil {
		t.Fatalf("NewAEADDevice(%q, %d-byte key, integrity %q): %v", c.Spec, len(c.Key), c.Integrity, err)
	}
	if e, ok := d.tagged.engine.(*aeadEngine); ok && e.random {
		iv := row.beside[e.tagSize:][:e.ivSize]
		fixed := *e
		fixed.random, fixed.iv = false, ivFunc(func(p []byte, _ uint64) { copy(p, iv) })
		d.tagged.engine = withIV{&fixed, iv}
		defer func() { d.tagged.engine = e }()
	}
	unit := c.SectorSize
	last := int64(len(plain) - unit)
	if _, err := d.WriteAt(plain[last:], last); err != nil {
		t.Fatal(err)
	}
	if got := m.tags[len(m.tags)-row.storage:]; !bytes.Equal(got, row.beside) {
		t.Errorf("%s, integrity %s: beside the sector is %x, the kernel wrote %x", c.Spec, c.Integrity, got, row.beside)
	}
	if sum := sha256.Sum256(m.data[last:]); hex.EncodeToString(sum[:8]) != row.digest {
		t.Errorf("%s, integrity %s: the ciphertext is not the kernel's", c.Spec, c.Integrity)
	}
	got := make([]byte, unit)
	if _, err := d.ReadAt(got, last); err != nil || !bytes.Equal(got, plain[last:]) {
		t.Errorf("%s, integrity %s: it reads differently: %v", c.Spec, c.Integrity, err)
	}
}

// withIV is an engine whose random IV is known.
type withIV struct {
	*aeadEngine
	iv []byte
}

func (e withIV) seal(dst, src, tags []byte, sector uint64) {
	e.aeadEngine.seal(dst, src, tags, sector)
	for i := 0; i < len(tags); i += e.stride {
		copy(tags[i+e.tagSize:], e.iv)
	}
}

func readAEADRows(t *testing.T) (rows []aeadRow) {
	t.Helper()
	data, err := os.ReadFile("testdata/aeadlive.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		w := strings.Fields(line)
		number := func(s string) int {
			n, err := strconv.Atoi(s)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			return n
		}
		ivOffset, err := strconv.ParseUint(w[3], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		row := aeadRow{
			verdict: w[0],
			config: Config{
				Spec: w[1], Key: liveKey(t, w[2]), IVOffset: ivOffset, SectorSize: number(w[4]), IVLargeSectors: w[5] == "large",
				Integrity: strings.TrimPrefix(w[6], "-"), IntegrityKeySize: number(w[7]),
			},
			storage: number(w[8]), block: number(w[9]), digest: w[11],
		}
		if w[10] != "-" {
			row.beside = decodeHex(t, w[10])
		}
		rows = append(rows, row)
	}
	return rows
}
