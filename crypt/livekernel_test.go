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

// liveRow is a line of testdata/live.txt; the file explains the columns.
type liveRow struct {
	verdict string
	config  Config
	digest  string
}

// liveLength is how much was read, liveOffset where the volume starts in the
// pattern, both in bytes.
const (
	liveLength = 64 * 512
	liveOffset = 8 * 512
)

// TestLiveKernel compares with what a kernel read from a pattern with many table
// lines, odd ones too: with the bytes, and with the refusals.
func TestLiveKernel(t *testing.T) {
	t.Parallel()
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	pattern := make([]byte, 65536)
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(pattern, pattern)

	seen := map[string]int{}
	for i, row := range readLiveRows(t) {
		seen[row.verdict]++
		t.Run(fmt.Sprintf("%d %s", i, row.config.Spec), func(t *testing.T) {
			t.Parallel()
			checkLiveRow(t, row, pattern)
		})
	}
	if seen["ok"] < 200 || seen["fail"] < 50 {
		t.Errorf("%d lines ok and %d fail, want at least 200 and 50", seen["ok"], seen["fail"])
	}
}

func checkLiveRow(t *testing.T, row liveRow, pattern []byte) {
	d, err := NewDevice(memory(bytes.Clone(pattern)), liveOffset, row.config)
	if row.verdict != "ok" {
		if err == nil {
			t.Errorf("NewDevice(%q, %d-byte key, sectors of %d): no error, want a refusal",
				row.config.Spec, len(row.config.Key), row.config.SectorSize)
		}
		return
	}
	if err != nil {
		t.Fatalf("NewDevice(%q, %d-byte key): %v", row.config.Spec, len(row.config.Key), err)
	}
	p := make([]byte, liveLength)
	if _, err := d.ReadAt(p, 0); err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(p); hex.EncodeToString(sum[:8]) != row.digest {
		t.Errorf("%s, iv offset %d, sectors of %d: plaintext is not what the kernel read",
			row.config.Spec, row.config.IVOffset, row.config.SectorSize)
	}
	c, err := NewCipher(row.config)
	if err != nil {
		t.Fatal(err)
	}
	c.EncryptSectors(p, p, 0)
	if !bytes.Equal(p, pattern[liveOffset:liveOffset+liveLength]) {
		t.Errorf("%s, iv offset %d, sectors of %d: encrypting the plaintext does not give the pattern",
			row.config.Spec, row.config.IVOffset, row.config.SectorSize)
	}
}

func readLiveRows(t *testing.T) []liveRow {
	t.Helper()
	data, err := os.ReadFile("testdata/live.txt")
	if err != nil {
		t.Fatal(err)
	}
	var rows []liveRow
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		w := strings.Fields(line)
		ivOffset, err := strconv.ParseUint(w[3], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		size, err := strconv.Atoi(w[4])
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, liveRow{verdict: w[0], digest: w[6], config: Config{
			Spec: w[1], Key: liveKey(t, w[2]), IVOffset: ivOffset, SectorSize: size, IVLargeSectors: w[5] == "large",
		}})
	}
	return rows
}

// liveKey makes the key of a row.
func liveKey(t *testing.T, word string) []byte {
	t.Helper()
	if word == "-" {
		return nil
	}
	size, ok := strings.CutPrefix(word, "#")
	if !ok {
		return decodeHex(t, word)
	}
	n, err := strconv.Atoi(size)
	if err != nil {
		t.Fatal(err)
	}
	var key []byte
	for i := 0; len(key) < n; i++ {
		sum := sha256.Sum256([]byte("key" + strconv.Itoa(i)))
		key = append(key, sum[:]...)
	}
	return key[:n]
}
