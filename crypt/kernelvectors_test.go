package crypt

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "remake testdata/kernel.txt from the corpora beside the repository")

const kernelVectors = "testdata/kernel.txt"

const kernelVectorsHead = `# Encryption sectors of volumes that Linux 6.1 and 6.12 wrote with dm-crypt: the
# last sector of each volume. Made for this project. One vector a line: volume,
# cipher, key (- for none), iv offset and sector size as on the table line, number
# of the sector in units of 512 bytes, ciphertext, SHA-256 of the plaintext that
# the kernel read. Remade with: go test -run KernelVectors -update
`

// TestKernelVectors is the core of TestKernelVolumes for machines that do not
// have the corpora: one sector of each volume.
func TestKernelVectors(t *testing.T) {
	t.Parallel()
	if *update {
		writeKernelVectors(t)
	}
	data, err := os.ReadFile(kernelVectors)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(data)) {
		w := strings.Fields(line)
		if len(w) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		seen++
		t.Run(w[0], func(t *testing.T) {
			t.Parallel()
			checkKernelVector(t, w)
		})
	}
	if seen < 20 {
		t.Errorf("%d vectors read, want at least 20", seen)
	}
}

func checkKernelVector(t *testing.T, w []string) {
	number := func(s string) uint64 {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	config := Config{Spec: w[1], IVOffset: number(w[3]), SectorSize: int(number(w[4]))}
	if w[2] != "-" {
		config.Key = decodeHex(t, w[2])
	}
	sector, image := number(w[5]), decodeHex(t, w[6])
	c, err := NewCipher(config)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(image))
	c.DecryptSectors(got, image, sector)
	if sum := sha256.Sum256(got); hex.EncodeToString(sum[:]) != w[7] {
		t.Errorf("%s, sector %d: plaintext is not what the kernel read", config.Spec, sector)
	}
	c.EncryptSectors(got, got, sector)
	if !bytes.Equal(got, image) {
		t.Errorf("%s, sector %d: ciphertext is not what the kernel wrote", config.Spec, sector)
	}
}

// writeKernelVectors takes the last sector of every volume that is supported.
func writeKernelVectors(t *testing.T) {
	var out bytes.Buffer
	b := bufio.NewWriter(&out)
	fmt.Fprint(b, kernelVectorsHead)
	for _, dir := range []string{"kernel-samples", "kernel-hard"} {
		for _, c := range readKernelIndex(t, dir) {
			for _, expect := range c.Expects {
				for i, line := range c.Tables[expect.Device] {
					row, ok := parseCryptRow(t, c, line)
					if !ok {
						continue
					}
					files := unpackKernelCase(t, dir, c.Name)
					row.takeKey(t, c.Name, files)
					unit := int64(max(row.config.SectorSize, 512))
					last := row.length - unit
					plain := sha256.Sum256(files[expect.Content][row.start+last:][:unit])
					key := hex.EncodeToString(row.config.Key)
					if key == "" {
						key = "-"
					}
					fmt.Fprintf(b, "%s/%d %s %s %d %d %d %x %x\n", c.Name, i, row.config.Spec, key, row.config.IVOffset,
						unit, last/512, files[row.image][row.offset+last:][:unit], plain)
				}
			}
		}
	}
	b.Flush()
	if err := os.WriteFile(kernelVectors, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
