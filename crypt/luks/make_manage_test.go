package luks_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dmimg/dmimg/crypt/luks"
)

// TestCryptsetupManages lets cryptsetup change what is formatted here, and opens that.
func TestCryptsetupManages(t *testing.T) {
	t.Parallel()
	tool(t, "cryptsetup")
	for version := 1; version <= 2; version++ {
		t.Run(map[int]string{1: "LUKS1", 2: "LUKS2"}[version], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, pass := range []string{"one", "two", "three"} {
				write(t, dir, pass, []byte(pass))
			}
			m := &memory{b: make([]byte, 4<<20)}
			o := luks.FormatOptions{Version: version, KeySize: 32, SectorSize: 512, Slot: luks.SlotOptions{Slot: 1, Cost: quick}}
			if version == 2 {
				o.KeyslotsSize = 1 << 20
			}
			key, err := luks.Format(t.Context(), m, []byte("one"), o)
			if err != nil {
				t.Fatal(err)
			}
			defer key.Wipe()
			write(t, dir, "image", m.b)
			cheap := []string{"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"}
			cryptsetup := func(verb string, args ...string) {
				t.Helper()
				run(t, dir, "", "cryptsetup", append(append([]string{verb, "-q"}, cheap...), args...)...)
			}
			cryptsetup("luksAddKey", "--key-file", "one", "image", "two")
			cryptsetup("luksAddKey", "--key-file", "two", "-S", "6", "image", "three")
			run(t, dir, "", "cryptsetup", "luksKillSlot", "-q", "image", "1")
			cryptsetup("luksChangeKey", "--key-file", "two", "image", "one")
			if version == 2 {
				run(t, dir, "", "cryptsetup", "config", "--label", "new", "image")
				run(t, dir, "", "cryptsetup", "convert", "-q", "--type", "luks1", "image")
			}
			run(t, dir, "", "cryptsetup", "repair", "-q", "image")
			b, err := os.ReadFile(filepath.Join(dir, "image"))
			if err != nil {
				t.Fatal(err)
			}
			h, err := luks.Read(&memory{b: b})
			if err != nil || len(h.Problems) > 0 {
				t.Fatalf("%v, %v", err, h)
			}
			for _, pass := range []string{"one", "three"} {
				got, err := h.Unlock(t.Context(), []byte(pass), luks.UnlockOptions{})
				if err != nil || string(got.Bytes()) != string(key.Bytes()) {
					t.Errorf("%s: %v, or another key", pass, err)
				}
			}
			if _, err := h.Unlock(t.Context(), []byte("two"), luks.UnlockOptions{}); err == nil {
				t.Error("a passphrase that was changed opens")
			}
		})
	}
}

// TestFormatMeasures takes costs that are measured, for the digest as well.
func TestFormatMeasures(t *testing.T) {
	t.Parallel()
	m := new(memory)
	o := luks.FormatOptions{
		Version: 1, Cipher: "aes-cbc-plain64", KeySize: 16, DataSize: -1,
		Slot: luks.SlotOptions{Cost: luks.Cost{Time: 20 * time.Millisecond}},
	}
	key, err := luks.Format(t.Context(), m, []byte("pass"), o)
	if err != nil {
		t.Fatal(err)
	}
	key.Wipe()
	h, err := luks.Read(m)
	if err != nil {
		t.Fatal(err)
	}
	if h.V1.DigestIterations < 1000 || h.V1.Slots[0].Iterations < 1000 {
		t.Errorf("%d iterations for the digest, %d for the slot", h.V1.DigestIterations, h.V1.Slots[0].Iterations)
	}
	if _, err := h.Unlock(t.Context(), []byte("pass"), luks.UnlockOptions{}); err != nil {
		t.Error(err)
	}
}
