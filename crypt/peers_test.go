package crypt

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
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

// run runs a program and returns its output. What fails because the machine is
// too busy for a time measurement of qemu-img is tried again.
func run(t *testing.T, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	for attempt := 1; ; attempt++ {
		cmd := exec.Command(name, args...)
		cmd.Stdin = bytes.NewReader(stdin)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err == nil {
			return out
		}
		if attempt == 10 || !strings.Contains(stderr.String(), "Unable to get accurate CPU usage") {
			t.Fatalf("%s %s: %v: %s", filepath.Base(name), args[0], err, stderr.Bytes())
		}
	}
}

// TestQEMUVolumes has qemu-img encrypt a file into a LUKS volume and cryptsetup
// tell its volume key, then decrypts the payload, and encrypts it again. It has
// the combinations that no kernel-made volume of the corpora has.
func TestQEMUVolumes(t *testing.T) {
	t.Parallel()
	qemu, cryptsetup := requireTool(t, "qemu-img"), requireTool(t, "cryptsetup")
	for _, test := range []struct{ options, spec string }{
		{"cipher-alg=aes-256,cipher-mode=xts,ivgen-alg=essiv,ivgen-hash-alg=sha256", "aes-xts-essiv:sha256"},
		{"cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=md5", "aes-cbc-essiv:md5"},
	} {
		t.Run(test.spec, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			raw, passphrase, image := filepath.Join(dir, "raw"), filepath.Join(dir, "passphrase"), filepath.Join(dir, "luks")
			plain := patterned(300 << 10)
			for path, content := range map[string][]byte{raw: plain, passphrase: []byte("a passphrase")} {
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			run(t, nil, qemu, "convert", "--object", "secret,id=s,file="+passphrase, "-f", "raw", "-O", "luks",
				"-o", "key-secret=s,iter-time=10,"+test.options, raw, image)
			dump := run(t, nil, cryptsetup, "luksDump", "--dump-volume-key", "--batch-mode", "--key-file", passphrase, image)
			checkLUKS1Payload(t, test.spec, dump, image, plain)
		})
	}
}

var payloadOffset = regexp.MustCompile(`Payload offset:\s*(\d+)`)

// checkLUKS1Payload compares the payload of image with plain, with the offset and
// the key that cryptsetup luksDump printed.
func checkLUKS1Payload(t *testing.T, spec string, dump []byte, image string, plain []byte) {
	t.Helper()
	match := payloadOffset.FindSubmatch(dump)
	_, key, found := strings.Cut(string(dump), "MK dump:")
	if match == nil || !found {
		t.Fatal("luksDump printed no payload offset or no key")
	}
	sectors, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Spec: spec, Key: decodeHex(t, strings.Join(strings.Fields(key), ""))}
	d, err := NewDevice(memory(content), int64(sectors)*512, config)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(plain))
	if n, err := d.ReadAt(got, 0); n != len(got) || err != nil {
		t.Fatalf("ReadAt = %d, %v", n, err)
	}
	if at := firstDifference(got, plain); at >= 0 {
		t.Errorf("%s: byte %d differs from what qemu-img encrypted", spec, at)
	}
	want := bytes.Clone(content)
	clear(content[sectors*512:][:len(plain)])
	if n, err := d.WriteAt(plain, 0); n != len(plain) || err != nil {
		t.Fatalf("WriteAt = %d, %v", n, err)
	}
	if at := firstDifference(content, want); at >= 0 {
		t.Errorf("%s: byte %d differs from what qemu-img wrote", spec, at)
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
