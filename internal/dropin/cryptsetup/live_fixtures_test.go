package cryptsetup_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/volume/integrity"
)

// imageSize is that of the images of a session in bytes: of the fake kernel's disks too,
// which are all of one size.
const imageSize = 4 << 20

// The UUIDs of the images begin so.
const imageUUID = "a60c98d2-ae9b-4865-bfcb-b4e3ace1103"

// cheap is a key slot that costs nothing to open.
func cheap() luks.SlotOptions {
	return luks.SlotOptions{Slot: -1, Cost: luks.Cost{Type: "pbkdf2", Iterations: 1000}}
}

// volumeKey is the key of all images, as long as each needs it.
func volumeKey(size int) []byte { return bytes.Repeat([]byte{0x5a, 0xa5, 0x33, 0xcc}, size/4) }

// liveImages makes the files that a session starts from; the same ones each time, but for
// the salts.
func liveImages(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	junk := make([]byte, imageSize)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(junk)
	write("junk", junk)
	write("empty", nil)
	write("pass", []byte("secret"))
	write("other", []byte("other"))
	write("wrong", []byte("wrong"))
	write("vk", volumeKey(64))
	write("vkbad", bytes.Repeat([]byte{1}, 64))
	write("vkshort", volumeKey(32))
	if err := os.Mkdir(filepath.Join(dir, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i, o := range []struct {
		name   string
		format luks.FormatOptions
	}{
		{"l1", luks.FormatOptions{Version: 1}},
		{"l2", luks.FormatOptions{}},
		{"l4k", luks.FormatOptions{SectorSize: 4096}},
		{"aes128", luks.FormatOptions{Cipher: "aes-cbc-essiv:sha256", VolumeKey: volumeKey(16)}},
		{"hmac", luks.FormatOptions{Integrity: "hmac-sha256", VolumeKey: volumeKey(96)}},
		{"head", luks.FormatOptions{Detached: true}},
		{"short", luks.FormatOptions{}},
		{"aegis", luks.FormatOptions{Cipher: "aegis128-random", Integrity: "aead", VolumeKey: volumeKey(16)}},
		{"gcm", luks.FormatOptions{Cipher: "aes-gcm-random", Integrity: "aead", VolumeKey: volumeKey(32)}},
	} {
		f := o.format
		if f.UUID = imageUUID + string(rune('0'+i)); f.VolumeKey == nil {
			f.VolumeKey = volumeKey(64)
		}
		if f.SectorSize == 0 && f.Version != 1 {
			f.SectorSize = 512
		}
		if f.Version != 1 {
			f.KeyslotsSize = 1<<20 - 32<<10 // the data begins at 1 MiB
		}
		f.DataSize, f.Slot = imageSize, cheap()
		liveImage(t, filepath.Join(dir, o.name), f)
	}
	if err := os.Truncate(filepath.Join(dir, "short"), 1<<20); err != nil {
		t.Fatal(err)
	}
	write("body", junk)
	return dir
}

// liveImage makes one image, with a second key slot.
func liveImage(t *testing.T, path string, o luks.FormatOptions) {
	t.Helper()
	ctx := context.Background()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(imageSize); err != nil {
		t.Fatal(err)
	}
	s := fileStorage{f}
	key, err := luks.Format(ctx, s, []byte("secret"), o)
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(path), err)
	}
	defer key.Wipe()
	e, err := luks.Edit(s)
	if err == nil {
		_, err = e.AddKey(ctx, key, []byte("other"), cheap())
	}
	if err == nil {
		err = formatTags(ctx, s, e.Header())
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatalf("%s: %v", filepath.Base(path), err)
	}
}

// formatTags makes the dm-integrity area under an image whose sectors carry tags.
func formatTags(ctx context.Context, s fileStorage, h *luks.Header) error {
	i, ok, err := h.IntegrityFormat()
	if err != nil || !ok {
		return err
	}
	_, _, err = integrity.Format(ctx, s, nil, integrity.FormatConfig{Reserved: i.Offset, TagSize: i.TagSize, BlockSize: i.SectorSize})
	return err
}

// fileStorage is a file as packages luks and integrity want one.
type fileStorage struct{ *os.File }

// Size is for [luks.Storage].
func (f fileStorage) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
