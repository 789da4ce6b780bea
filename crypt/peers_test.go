package crypt

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// requireTool returns the path of a program, or skips the test without it.
func requireTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// run runs a program and returns its output.
func run(t *testing.T, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", filepath.Base(name), args[0], err, stderr.Bytes())
	}
	return out
}

// TestQEMUVolumes has cryptsetup make a LUKS header for a known volume key and
// qemu-img encrypt into the volume, then decrypts the payload and encrypts it
// again.
func TestQEMUVolumes(t *testing.T) {
	t.Parallel()
	qemu, cryptsetup := requireTool(t, "qemu-img"), requireTool(t, "cryptsetup")
	for _, test := range []struct {
		spec    string
		keySize int
	}{
		{"aes-xts-plain64", 64},
		{"aes-xts-plain", 32},
		{"aes-xts-essiv:sha256", 64},
		{"aes-cbc-essiv:sha256", 32},
		{"aes-cbc-essiv:md5", 16},
		{"aes-cbc-plain64", 32},
		{"aes-cbc-plain", 16},
	} {
		t.Run(test.spec, func(t *testing.T) {
			t.Parallel()
			key, plain := patterned(test.keySize), patterned(300<<10)
			dir := t.TempDir()
			write := func(name string, content []byte) string {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			}
			volumeKey, passphrase := write("key", key), write("passphrase", []byte("a passphrase"))
			raw, image := write("raw", plain), write("image", make([]byte, 3<<20))
			run(t, nil, cryptsetup, "luksFormat", "--batch-mode", "--type", "luks1", "--pbkdf-force-iterations", "1000",
				"--cipher", test.spec, "--key-size", strconv.Itoa(8*test.keySize), "--volume-key-file", volumeKey,
				"--key-file", passphrase, image)
			run(t, nil, qemu, "convert", "-n", "--object", "secret,id=s,file="+passphrase, "-f", "raw", raw,
				"--target-image-opts", "driver=luks,key-secret=s,file.filename="+image)
			checkLUKS1Payload(t, Config{Spec: test.spec, Key: key}, image, plain)
		})
	}
}

// checkLUKS1Payload compares the payload of image with plain. The header tells
// at byte 104 where the payload starts, in sectors.
func checkLUKS1Payload(t *testing.T, config Config, image string, plain []byte) {
	t.Helper()
	content, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	offset := int64(binary.BigEndian.Uint32(content[104:])) * 512
	d, err := NewDevice(memory(content), offset, config)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(plain))
	if n, err := d.ReadAt(got, 0); n != len(got) || err != nil {
		t.Fatalf("ReadAt = %d, %v", n, err)
	}
	if at := firstDifference(got, plain); at >= 0 {
		t.Errorf("%s: byte %d differs from what qemu-img encrypted", config.Spec, at)
	}
	want := bytes.Clone(content)
	clear(content[offset:][:len(plain)])
	if n, err := d.WriteAt(plain, 0); n != len(plain) || err != nil {
		t.Fatalf("WriteAt = %d, %v", n, err)
	}
	if at := firstDifference(content, want); at >= 0 {
		t.Errorf("%s: byte %d differs from what qemu-img wrote", config.Spec, at)
	}
}

// TestOpenSSLPeer encrypts a sector with openssl enc under the IV that the
// generator gives, for random keys.
func TestOpenSSLPeer(t *testing.T) {
	t.Parallel()
	openssl := requireTool(t, "openssl")
	for i, size := range []int{16, 24, 32} {
		key := patterned(size + i)[i:]
		plain := patterned(4096)
		hexKey := hex.EncodeToString(key)
		for _, test := range []struct{ spec, cipher, iv string }{
			{"aes-cbc-plain64", "cbc", "08070605040302010000000000000000"},
			{"aes-cbc-plain64be", "cbc", "00000000000000000102030405060708"},
			{"aes-ctr-plain64", "ctr", "08070605040302010000000000000000"},
			{"aes-ctr-null", "ctr", "00000000000000000000000000000000"},
		} {
			args := []string{"enc", "-aes-" + strconv.Itoa(8*size) + "-" + test.cipher, "-nopad", "-K", hexKey, "-iv", test.iv}
			want := run(t, plain, openssl, args...)
			c, err := NewCipher(Config{Spec: test.spec, Key: key, SectorSize: 4096})
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(plain))
			c.EncryptSectors(got, plain, 0x0102030405060708)
			if at := firstDifference(got, want); at >= 0 {
				t.Errorf("%s, %d-byte key: byte %d differs from openssl", test.spec, size, at)
			}
		}
	}
}
