package luks_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/crypt/luks"
)

// TestQEMUReads lets qemu-img decrypt images of LUKS1 that are made here.
func TestQEMUReads(t *testing.T) {
	t.Parallel()
	tool(t, "qemu-img")
	for _, c := range []struct {
		cipher, hash string
		keySize      int
	}{
		{"aes-xts-plain64", "sha256", 64},
		{"aes-xts-plain64", "sha512", 32},
		{"aes-cbc-essiv:sha256", "sha1", 32},
		{"aes-ecb-plain64", "sha256", 16},
		{"serpent-xts-plain64", "sha256", 64},
		{"serpent-cbc-plain64", "ripemd160", 16},
		{"twofish-xts-plain64", "sha512", 64},
		{"twofish-cbc-essiv:sha256", "sha256", 32},
	} {
		t.Run(c.cipher+" "+c.hash, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			m := &memory{b: make([]byte, 3<<20)}
			key, err := luks.Format(t.Context(), m, []byte("qemu"), luks.FormatOptions{
				Version: 1, Cipher: c.cipher, KeySize: c.keySize, Hash: c.hash, Slot: luks.SlotOptions{Slot: 3, Cost: luks.Cost{Iterations: 1000}},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer key.Wipe()
			h, err := luks.Read(m)
			if err != nil {
				t.Fatal(err)
			}
			offset := int64(h.V1.PayloadOffset) * luks.SectorSize
			plain := bytes.Repeat([]byte("what qemu has to find. 32 bytes\n"), (len(m.b)-int(offset))/32)
			d, err := crypt.NewDevice(m, offset, crypt.Config{Spec: c.cipher, Key: key.Bytes()})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if _, err := d.WriteAt(plain, 0); err != nil {
				t.Fatal(err)
			}
			write(t, dir, "ours", m.b)
			write(t, dir, "pass", []byte("qemu"))
			out, err := command(dir, "qemu-img", "convert", "--object", "secret,id=s,file=pass",
				"--image-opts", "driver=luks,key-secret=s,file.driver=file,file.filename=ours", "-O", "raw", "plain").CombinedOutput()
			if err != nil && strings.Contains(string(out), "not supported") {
				t.Skipf("qemu-img does not do this here: %s", out)
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if got, err := os.ReadFile(filepath.Join(dir, "plain")); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("qemu-img finds something else, %v", err)
			}
		})
	}
}
