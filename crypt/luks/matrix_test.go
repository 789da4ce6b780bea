package luks_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/hashes"
)

// tool finds a real tool to compare with.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
			t.Fatalf("%s is required: %v", name, err)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// TestMatrix opens what cryptsetup makes. Without device-mapper it can only make slots
// and digests for AES; the volume key that it was given has to come back.
func TestMatrix(t *testing.T) {
	t.Parallel()
	tool(t, "cryptsetup")
	argon := []string{"--pbkdf-force-iterations", "4", "--pbkdf-memory", "64", "--pbkdf-parallel"}
	kdfs := [][]string{
		{"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"},
		append([]string{"--pbkdf", "argon2i"}, append(argon, "1")...),
		append([]string{"--pbkdf", "argon2id"}, append(argon, "4")...),
	}
	ciphers := []struct {
		spec string
		bits int
	}{{"aes-xts-plain64", 512}, {"aes-xts-plain", 256}, {"aes-cbc-essiv:sha256", 256}, {"aes-cbc-plain64", 128}}
	n := 0
	add := func(name string, bits int, args ...string) {
		n++
		t.Run(fmt.Sprintf("%d %s", n, name), func(t *testing.T) {
			t.Parallel()
			compare(t, bits, args)
		})
	}
	for i, c := range ciphers {
		bits := fmt.Sprint(c.bits)
		add("luks1 "+c.spec, c.bits, "--type", "luks1", "--cipher", c.spec, "-s", bits, "--pbkdf-force-iterations", "1000")
		for j, kdf := range kdfs {
			sector := []string{"512", "1024", "2048", "4096"}[(i+j)%4]
			add("luks2 "+kdf[1]+" "+c.spec+" "+sector, c.bits,
				append([]string{"--type", "luks2", "--cipher", c.spec, "-s", bits, "--sector-size", sector}, kdf...)...)
		}
	}
	for _, hash := range []string{"sha1", "sha384", "sha512", "ripemd160", "whirlpool", "sha3-256", "blake2b-512", "blake2s-256", "sm3"} {
		if _, err := hashes.Lookup(hash); err != nil {
			t.Fatal(err)
		}
		add("luks1 "+hash, 512, "--type", "luks1", "--hash", hash, "--pbkdf-force-iterations", "1000", "-s", "512")
		add("luks2 "+hash, 512, append([]string{"--type", "luks2", "--hash", hash, "-s", "512"}, kdfs[0]...)...)
	}
	add("luks2 detached", 512, append([]string{"--type", "luks2", "--header", "header", "-s", "512"}, kdfs[0]...)...)
	add("luks1 detached", 512, "--type", "luks1", "--header", "header", "--pbkdf-force-iterations", "1000", "-s", "512")
	add("luks2 metadata", 512, append([]string{"--type", "luks2", "--luks2-metadata-size", "128k", "--luks2-keyslots-size", "512k", "-s", "512"}, kdfs[0]...)...)
	add("luks2 keyslot cipher", 512, append([]string{"--type", "luks2", "--keyslot-cipher", "aes-cbc-plain64", "--keyslot-key-size", "128", "-s", "512"}, kdfs[0]...)...)
}

// compare formats an image with a given volume key and opens it.
func compare(t *testing.T, bits int, args []string) {
	dir := t.TempDir()
	key := make([]byte, bits/8)
	for i := range key {
		key[i] = byte(i*7 + 1)
	}
	write(t, dir, "key", key)
	write(t, dir, "pass", []byte("pass\x00word\n"))
	write(t, dir, "image", nil)
	write(t, dir, "header", nil)
	header := "image"
	for _, a := range args {
		if a == "--header" {
			header = "header"
		}
	}
	if err := os.Truncate(filepath.Join(dir, "image"), 17<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, header), 17<<20); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("cryptsetup", append(append([]string{"luksFormat", "-q", "--volume-key-file", "key"}, args...), "image", "pass")...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		if bytes.Contains(out, []byte("hash")) { // this build of its crypto library does not have it
			t.Skipf("cryptsetup does not do this here: %s", out)
		}
		t.Fatalf("luksFormat: %v\n%s", err, out)
	}
	f, err := os.Open(filepath.Join(dir, header))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := luks.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.Unlock(t.Context(), []byte("pass\x00word\n"), luks.UnlockOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Wipe()
	if !bytes.Equal(got.Bytes(), key) {
		t.Errorf("another volume key")
	}
	if _, err := h.Unlock(t.Context(), []byte("pass\x00word"), luks.UnlockOptions{}); err == nil {
		t.Error("a wrong passphrase opens it")
	}
	devices, err := h.Devices(got, luks.DeviceOptions{Device: "image", DeviceSize: 17 << 20})
	if err != nil || len(devices) != 1 {
		t.Errorf("devices: %v", err)
	}
	luks.WipeTables(devices)
}

func write(t *testing.T, dir, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestQEMU reads what qemu-img encrypted, with the ciphers that cryptsetup leaves to the
// kernel too.
func TestQEMU(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds for each image")
	}
	tool(t, "qemu-img")
	plain := make([]byte, 128<<10)
	for i := range plain {
		plain[i] = byte(i>>9 ^ i)
	}
	want := sha256.Sum256(plain)
	// qemu-img takes seconds for each to measure PBKDF2. Its 192-bit keys end in a failed
	// assertion.
	options := []string{
		"cipher-alg=serpent-256,cipher-mode=xts,ivgen-alg=plain64,hash-alg=sha256",
		"cipher-alg=twofish-256,cipher-mode=xts,ivgen-alg=plain64,hash-alg=sha512",
		"cipher-alg=aes-256,cipher-mode=xts,ivgen-alg=plain64,hash-alg=sha256",
		"cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256,hash-alg=sha1",
		"cipher-alg=aes-256,cipher-mode=cbc,ivgen-alg=plain,hash-alg=sha512",
		"cipher-alg=aes-256,cipher-mode=ecb,hash-alg=sha256",
		"cipher-alg=serpent-128,cipher-mode=cbc,ivgen-alg=plain64,hash-alg=ripemd160",
		"cipher-alg=twofish-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256,hash-alg=sha256",
	}
	if os.Getenv("DMIMG_TEST_COSTLY") == "" {
		options = options[:2]
	}
	for _, o := range options {
		t.Run(o, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "plain", plain)
			write(t, dir, "pass", []byte("qemu"))
			cmd := exec.Command("qemu-img", "convert", "-O", "luks", "--object", "secret,id=s,file=pass", "-o", "key-secret=s,iter-time=10,"+o, "plain", "image")
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				if bytes.Contains(out, []byte("not supported")) || bytes.Contains(out, []byte("nvalid parameter")) {
					t.Skipf("qemu-img does not do this here: %s", out)
				}
				t.Fatalf("%v\n%s", err, out)
			}
			data, err := os.ReadFile(filepath.Join(dir, "image"))
			if err != nil {
				t.Fatal(err)
			}
			h, err := luks.Read(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			key, err := h.Unlock(t.Context(), []byte("qemu"), luks.UnlockOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer key.Wipe()
			image{
				DataOffset: int64(h.V1.PayloadOffset) * luks.SectorSize, DataSize: int64(len(plain)), SHA256: hex.EncodeToString(want[:]),
			}.compare(t, h, key, data, false)
		})
	}
}
