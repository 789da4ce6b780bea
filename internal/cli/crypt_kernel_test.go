package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// TestCryptConvertsKernelVolumes decrypts and encrypts volumes that a real kernel
// made, file to file and through pipes, and compares every byte.
func TestCryptConvertsKernelVolumes(t *testing.T) {
	t.Parallel()
	done := 0
	for _, corpus := range []string{"kernel-samples", "kernel-hard"} {
		for _, c := range volumetest.Cases(t, corpus) {
			table, ok := lengthPreserving(t, c)
			if !ok {
				continue
			}
			done++
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				dir := c.Unpack(t)
				run := cryptRun{
					dir: dir, image: filepath.Join(dir, c.Map[table.BackendDevice]), offset: int(table.BackendOffset),
					plain: readFile(t, filepath.Join(dir, c.Expects[0].Content)), flags: cryptFlagsOf(t, dir, table),
				}
				run.check(t)
			})
		}
	}
	if done < 8 {
		t.Errorf("%d cases, want 8 or more", done)
	}
}

// lengthPreserving picks the cases of one crypt table with a cipher that is supported.
func lengthPreserving(t *testing.T, c volumetest.Case) (table tables.CryptTable, ok bool) {
	if len(c.Tables) != 1 || len(c.Expects) != 1 || len(c.Expects[0].EIO) != 0 || c.Verdict.Errno != "" {
		return table, false
	}
	for _, lines := range c.Tables {
		ts, err := tables.Parse(bytes.NewReader([]byte(lines[0] + "\n")))
		if err != nil || len(lines) != 1 {
			return table, false
		}
		table, ok = tables.Unwrap(ts[0]).(tables.CryptTable)
	}
	if !ok || table.Integrity != "" || table.KeyID != "" {
		return table, false
	}
	return table, supported(t, table)
}

// supported asks the program for its ciphers.
func supported(t *testing.T, table tables.CryptTable) bool {
	var list struct{ Ciphers []struct{ Name string } }
	if err := json.Unmarshal([]byte(mustRun(t, "crypt", "ciphers", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, c := range list.Ciphers {
		for _, iv := range []string{"-plain", "-plain64", "-plain64be", "-essiv:sha256", "-benbi", "-null", ""} {
			if table.Encryption == c.Name+iv {
				return true
			}
		}
	}
	return false
}

func cryptFlagsOf(t *testing.T, dir string, table tables.CryptTable) []string {
	key := writeFile(t, filepath.Join(dir, "volume.key"), table.Key)
	flags := []string{"--cipher", table.Encryption, "--volume-key-file", key, "--iv-offset", strconv.FormatUint(table.IVTweak, 10)}
	if table.SectorSize > 512 {
		flags = append(flags, "--sector-size", strconv.FormatUint(table.SectorSize, 10))
	}
	if table.HasFlag(tables.CryptFlagIVLargeSectors) {
		flags = append(flags, "--iv-large-sectors")
	}
	return flags
}

// cryptRun is an encrypted image with its plaintext.
type cryptRun struct {
	dir, image string
	offset     int
	plain      []byte
	flags      []string
}

func (c cryptRun) run(t *testing.T, stdin []byte, args ...string) string {
	t.Helper()
	args = append(append([]string{"crypt"}, args...), c.flags...)
	r := dmimgWith(t, bytes.NewReader(stdin), args...)
	if r.code != 0 {
		t.Fatalf("dmimg %q: exit status %d\n%s", args, r.code, r.stderr)
	}
	return r.stdout
}

func (c cryptRun) check(t *testing.T) {
	image := readFile(t, c.image)
	place := fmt.Sprintf("--offset=%d", c.offset)
	length := fmt.Sprintf("--length=%d", len(c.plain))
	area := image[c.offset : c.offset+len(c.plain)]
	same := func(what string, got, want []byte) {
		t.Helper()
		if !bytes.Equal(got, want) {
			t.Errorf("%s with %q: other bytes than the kernel's", what, c.flags)
		}
	}
	out, again := filepath.Join(c.dir, "out"), filepath.Join(c.dir, "again")
	c.run(t, nil, "decrypt", c.image, out, place, length)
	same("decrypt", readFile(t, out), c.plain)
	same("decrypt to a pipe", []byte(c.run(t, nil, "decrypt", c.image, "-", place, length)), c.plain)
	same("decrypt from pipe to pipe", []byte(c.run(t, image, "decrypt", "-", "-", place, length, "--jobs", "3")), c.plain)
	c.run(t, nil, "encrypt", out, again)
	same("encrypt", readFile(t, again), area)
	same("encrypt from pipe to pipe", []byte(c.run(t, c.plain, "encrypt", "-", "-")), area)
	c.run(t, c.plain, "encrypt", "-", again, "--offset", "8K", "--force")
	same("encrypt into the middle", readFile(t, again)[8192:], area)
	half := len(c.plain) / 2 &^ 4095
	c.run(t, nil, "decrypt", c.image, out, place, fmt.Sprintf("--length=%d", half), "--force", "--jobs=1")
	same("decrypt a part", readFile(t, out), c.plain[:half])
}

// TestCryptPlainModeOpensARealVolume derives the key of a volume that cryptsetup made
// in plain mode and compares the whole plaintext.
func TestCryptPlainModeOpensARealVolume(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "..", "shared", "testdata", "stacks", "crypt-plain-0")
	packed, err := os.Open(filepath.Join(folder, "disk0.img.xz"))
	if err != nil {
		t.Skip("the collection of disk images is not beside the checkout")
	}
	defer packed.Close()
	z, err := xz.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	disk, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Pass    []struct{ Pass string }
		Devices []struct{ SHA256 string }
	}
	if err := json.Unmarshal(readFile(t, filepath.Join(folder, "manifest.json")), &manifest); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	image := writeFile(t, filepath.Join(dir, "disk"), disk)
	pass := writeFile(t, filepath.Join(dir, "pass"), []byte(manifest.Pass[0].Pass+"\n"))
	out := filepath.Join(dir, "out")
	mustRun(t, "crypt", "decrypt", image, out, "--type", "plain", "--cipher", "aes-cbc-essiv:sha256",
		"--key-size", "256", "--hash", "ripemd160", "--passphrase-file", pass)
	if got := digestOf(readFile(t, out)); got != manifest.Devices[0].SHA256 {
		t.Errorf("plaintext has sha256 %s, the kernel read %s", got, manifest.Devices[0].SHA256)
	}
}
