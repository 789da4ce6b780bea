package luks_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/crypt/luks"
)

// TestFormatRefusals asks for what cannot be. Nothing is written then.
func TestFormatRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       error
		o          luks.FormatOptions
	}{
		{"version", "version 3: want 1 or 2", luks.ErrOption, luks.FormatOptions{Version: 3}},
		{"cipher", "rot13", luks.ErrUnsupported, luks.FormatOptions{Cipher: "rot13-xts-plain64"}},
		{"cipher form", "bad cipher specification", luks.ErrOption, luks.FormatOptions{Cipher: "aes-cbc"}},
		{"iv", "plain65", luks.ErrUnsupported, luks.FormatOptions{Cipher: "aes-xts-plain65"}},
		{"key size", "key of 40 bytes, aes-xts takes 32, 48 or 64", luks.ErrOption, luks.FormatOptions{KeySize: 40}},
		{"key size 0", "want 1 to 512", luks.ErrOption, luks.FormatOptions{KeySize: -1}},
		{"key size of all", "want 1 to 512", luks.ErrOption, luks.FormatOptions{KeySize: 1 << 30}},
		{"volume key", "volume key of 31 bytes, but a key size of 32", luks.ErrOption, luks.FormatOptions{KeySize: 32, VolumeKey: make([]byte, 31)}},
		{"empty volume key", "want 1 to 512", luks.ErrOption, luks.FormatOptions{VolumeKey: []byte{}}},
		{"hash", "rot13", luks.ErrUnsupported, luks.FormatOptions{Hash: "rot13"}},
		{"checksum", "crc32", luks.ErrUnsupported, luks.FormatOptions{Hash: "crc32"}},
		{"LUKS1 short hash", "hash md5 of 16 bytes: LUKS1 wants at least 20", luks.ErrOption, luks.FormatOptions{Version: 1, Hash: "md5"}},
		{"uuid", "uuid \"1234\": want 32", luks.ErrOption, luks.FormatOptions{UUID: "1234"}},
		{"uuid without dashes", "want 32", luks.ErrOption, luks.FormatOptions{UUID: strings.Repeat("a", 36)}},
		{"label", "label: a text of 48 bytes", luks.ErrOption, luks.FormatOptions{Label: strings.Repeat("x", 48)}},
		{"subsystem", "subsystem: a text holds a NUL", luks.ErrOption, luks.FormatOptions{Subsystem: "a\x00b"}},
		{"LUKS1 label", "no label", luks.ErrOption, luks.FormatOptions{Version: 1, Label: "x"}},
		{"sector size", "sector size 1000", luks.ErrOption, luks.FormatOptions{SectorSize: 1000}},
		{"large sector", "sector size 8192", luks.ErrOption, luks.FormatOptions{SectorSize: 8192}},
		{"LUKS1 sector", "LUKS1 has 512 only", luks.ErrOption, luks.FormatOptions{Version: 1, SectorSize: 4096}},
		{"size for sector", "device of 17826304 bytes is not a multiple of the sector size 4096", luks.ErrOption, luks.FormatOptions{SectorSize: 4096, DataSize: 17<<20 + 512}},
		{"offset for sector", "not a multiple of the sector size", luks.ErrOption, luks.FormatOptions{SectorSize: 4096, Alignment: 512 * 7}},
		{"offset", "data offset 512: want a multiple of 4096", luks.ErrOption, luks.FormatOptions{DataOffset: 512, DataOffsetSet: true}},
		{"negative offset", "data offset -4096", luks.ErrOption, luks.FormatOptions{DataOffset: -4096, DataOffsetSet: true}},
		{"huge offset", "beyond any device", luks.ErrOption, luks.FormatOptions{DataOffset: 1 << 62, DataOffsetSet: true}},
		{"offset not set", "not set", luks.ErrOption, luks.FormatOptions{DataOffset: 4096}},
		{"offset in the header", "data offset 16384: two copies", luks.ErrOption, luks.FormatOptions{DataOffset: 16384, DataOffsetSet: true}},
		{"offset in the keyslots", "data offset 1048576: two copies of the header and the keyslots area have 2129920 bytes", luks.ErrOption, luks.FormatOptions{DataOffset: 1 << 20, DataOffsetSet: true, KeyslotsSize: 2 << 20}},
		{"LUKS1 offset", "data offset 4096: the header has 2068480 bytes", luks.ErrOption, luks.FormatOptions{Version: 1, DataOffset: 4096, DataOffsetSet: true}},
		{"LUKS1 large offset", "LUKS1 has at most", luks.ErrOption, luks.FormatOptions{Version: 1, DataOffset: 1 << 42, DataOffsetSet: true}},
		{"alignment", "alignment 100", luks.ErrOption, luks.FormatOptions{Alignment: 100}},
		{"metadata size", "metadata size 17408: want a power of two", luks.ErrOption, luks.FormatOptions{MetadataSize: 17 << 10}},
		{"large metadata", "metadata size 8388608", luks.ErrOption, luks.FormatOptions{MetadataSize: 8 << 20}},
		{"keyslots size", "keyslots size 5000: want a multiple of 4096", luks.ErrOption, luks.FormatOptions{KeyslotsSize: 5000}},
		{"large keyslots", "at most 134217728", luks.ErrOption, luks.FormatOptions{KeyslotsSize: 129 << 20}},
		{"no slot fits", "keyslots area of 4096 bytes has no gap of 258048", luks.ErrNoRoom, luks.FormatOptions{KeyslotsSize: 4096}},
		{"LUKS1 sizes", "no sizes to choose", luks.ErrOption, luks.FormatOptions{Version: 1, MetadataSize: 16 << 10}},
		{"small device", "device of 16777216 bytes ends before a sector of data at byte 16777216", luks.ErrNoRoom, luks.FormatOptions{DataSize: 16 << 20}},
		{"LUKS1 small device", "device of 1048576 bytes ends before", luks.ErrNoRoom, luks.FormatOptions{Version: 1, DataSize: 1 << 20}},
		{"slot", "key slot 32: LUKS2 has the slots 0 to 31", luks.ErrOption, luks.FormatOptions{Slot: luks.SlotOptions{Slot: 32, Cost: quick}}},
		{"LUKS1 slot", "key slot 8: LUKS1 has the slots 0 to 7", luks.ErrOption, luks.FormatOptions{Version: 1, Slot: luks.SlotOptions{Slot: 8, Cost: quick}}},
		{"unbound", "cannot be unbound", luks.ErrOption, luks.FormatOptions{Slot: luks.SlotOptions{Unbound: true}}},
		{"LUKS1 argon2", "LUKS1 has pbkdf2 only", luks.ErrOption, luks.FormatOptions{Version: 1, Slot: luks.SlotOptions{Cost: quickArgon}}},
		{"derivation", "\"scrypt\": want pbkdf2", luks.ErrOption, luks.FormatOptions{Slot: luks.SlotOptions{Cost: luks.Cost{Type: "scrypt"}}}},
		{"iterations", "999 iterations of pbkdf2: want at least 1000", luks.ErrOption, luks.FormatOptions{Slot: luks.SlotOptions{Cost: luks.Cost{Type: "pbkdf2", Iterations: 999}}}},
		{"passes", "3 passes of argon2id: want at least 4", luks.ErrOption, luks.FormatOptions{Slot: luks.SlotOptions{Cost: luks.Cost{Iterations: 3}}}},
		{"memory", "16 KiB of memory", luks.ErrOption, luks.FormatOptions{Slot: luks.SlotOptions{Cost: luks.Cost{Memory: 16}}}},
		{"much memory", "8388608 KiB of memory", luks.ErrOption, luks.FormatOptions{Slot: luks.SlotOptions{Cost: luks.Cost{Memory: 8 << 20}}}},
		{"lanes", "5 lanes", luks.ErrOption, luks.FormatOptions{Slot: luks.SlotOptions{Cost: luks.Cost{Parallel: 5}}}},
		{"memory of pbkdf2", "no memory", luks.ErrOption, luks.FormatOptions{Slot: luks.SlotOptions{Cost: luks.Cost{Type: "pbkdf2", Memory: 64}}}},
		{"negative time", "a time of -1ns", luks.ErrOption, luks.FormatOptions{Slot: luks.SlotOptions{Cost: luks.Cost{Time: -1}}}},
		{"integrity", "integrity \"rot13\": want one of aead", luks.ErrOption, luks.FormatOptions{Integrity: "rot13"}},
		{"LUKS1 hctr2", "LUKS1 with aes-hctr2-plain64", luks.ErrOption, luks.FormatOptions{Version: 1, Cipher: "aes-hctr2-plain64"}},
		{"LUKS1 integrity", "LUKS1 has no integrity", luks.ErrOption, luks.FormatOptions{Version: 1, Integrity: "hmac-sha256"}},
		{"aead without one", "makes no tags", luks.ErrOption, luks.FormatOptions{Integrity: "aead"}},
		{"random iv without tags", "random", luks.ErrUnsupported, luks.FormatOptions{Cipher: "aes-xts-random"}},
		{"integrity key size", "integrity hmac(sha256)", luks.ErrOption, luks.FormatOptions{Integrity: "hmac-sha256", KeySize: 72}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.o.DataSize == 0 {
				c.o.DataSize = 17 << 20
			}
			if c.o.Slot.Cost == (luks.Cost{}) {
				c.o.Slot.Cost = quick
			}
			m := new(memory)
			_, err := luks.Format(t.Context(), m, []byte("secret words"), c.o)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v, want %v with %q", err, c.want, c.text)
			}
			if len(m.b) > 0 {
				t.Errorf("%d bytes were written", len(m.b))
			}
		})
	}
}

// failing is a Storage that fails with the write or sync after so many, which is written
// in part.
type failing struct {
	memory
	left int
}

var errFailed = errors.New("the plug was pulled")

func (f *failing) WriteAt(p []byte, off int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errFailed
	}
	if f.left == 0 {
		n, _ := f.memory.WriteAt(p[:len(p)/2/512*512], off)
		return n, errFailed
	}
	return f.memory.WriteAt(p, off)
}

func (f *failing) Sync() error {
	if f.left--; f.left <= 0 {
		return errFailed
	}
	return nil
}

// TestFormatCrash stops formatting at every write, over images that had another header: at
// each moment there is the old header, none, or the new one with its slot.
func TestFormatCrash(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("writes images many times, which share nothing")
	}
	small := luks.FormatOptions{KeyslotsSize: 1 << 20, KeySize: 32, Slot: luks.SlotOptions{Cost: quick}}
	one := luks.FormatOptions{Version: 1, Cipher: "aes-cbc-plain64", KeySize: 16, Slot: luks.SlotOptions{Cost: quick}}
	large := small
	large.MetadataSize = 4 << 20
	for _, c := range []struct {
		name     string
		old, new luks.FormatOptions
	}{{"LUKS2 over LUKS2", large, small}, {"LUKS1 over LUKS2", large, one}, {"LUKS2 over LUKS1", one, small}, {"LUKS1 over LUKS1", one, one}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := &memory{b: make([]byte, 12<<20)}
			if _, err := luks.Format(t.Context(), before, []byte("old"), c.old); err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for left := 1; ; left++ {
				f := &failing{memory{bytes.Clone(before.b)}, left}
				_, err := luks.Format(t.Context(), f, []byte("new"), c.new)
				if err == nil {
					break
				}
				if !errors.Is(err, errFailed) {
					t.Fatal(err)
				}
				seen[state(t, &f.memory)] = true
			}
			if !seen["old"] && c.old.Version == 2 || !seen["none"] || !seen["new"] {
				t.Errorf("stopped formatting left %v", seen)
			}
		})
	}
}

// state tells which passphrase opens an image, if any.
func state(t *testing.T, r io.ReaderAt) string {
	t.Helper()
	h, err := luks.Read(r)
	if errors.Is(err, luks.ErrNotLUKS) || errors.Is(err, luks.ErrHeader) {
		return "none"
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, pass := range []string{"new", "old"} {
		if key, err := h.Unlock(t.Context(), []byte(pass), luks.UnlockOptions{}); err == nil {
			key.Wipe()
			return pass
		}
	}
	t.Error("there is a header that no passphrase opens")
	return "unusable"
}

// TestFormatErases leaves nothing of what other formats had, and nothing of the data
// changed that is not theirs.
func TestFormatErases(t *testing.T) {
	t.Parallel()
	const size, data = 12 << 20, 1 << 20
	before := make([]byte, size)
	_, _ = rand.New(rand.NewSource(1)).Read(before)
	marks := map[int]string{
		1080: "\x53\xef", 512: "EFI PART", size - 512: "EFI PART", size - 65536: "\xfc\x4e\x2b\xa9", size - 8192: "\xfc\x4e\x2b\xa9",
		4 << 20: "SKUL\xba\xbe\x00\x02", 32 << 10: "SKUL\xba\xbe\x00\x02", 64<<10 + 64: "_BHRfS_M",
	}
	for at, mark := range marks {
		copy(before[at:], mark)
	}
	m := &memory{b: bytes.Clone(before)}
	o := luks.FormatOptions{KeyslotsSize: 512 << 10, Slot: luks.SlotOptions{Cost: quick}}
	if _, err := luks.Format(t.Context(), m, []byte("new"), o); err != nil {
		t.Fatal(err)
	}
	for at, mark := range marks {
		if string(m.b[at:at+len(mark)]) == mark {
			t.Errorf("%q is still at %d", mark, at)
		}
	}
	for at := data; at < size; at += 512 {
		switch at {
		case size - 512, size - 65536, size - 8192:
			continue
		}
		if at >= 4<<20 && at < 4<<20+4096 {
			continue
		}
		if !bytes.Equal(m.b[at:at+512], before[at:at+512]) {
			t.Fatalf("data at %d was changed", at)
		}
	}
	gap := m.b[32<<10+512<<10 : data]
	if !bytes.Equal(gap, make([]byte, len(gap))) {
		t.Error("what was between key slots and data is still there")
	}
}

// TestFormatAgain makes a header that was lost again, with its volume key: the same bytes
// of random give the same image.
func TestFormatAgain(t *testing.T) {
	t.Parallel()
	for _, o := range []luks.FormatOptions{{Version: 1}, {Version: 2, KeyslotsSize: 1 << 20}} {
		o.Slot.Cost, o.DataSize = quick, -1
		o.VolumeKey = bytes.Repeat([]byte{1, 2, 3, 4}, 16/o.Version)
		var images [2]memory
		for i := range images {
			o.Rand = rand.New(rand.NewSource(7))
			key, err := luks.Format(t.Context(), &images[i], []byte("pass"), o)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(key.Bytes(), o.VolumeKey) {
				t.Error("another volume key")
			}
			key.Wipe()
		}
		if !bytes.Equal(images[0].b, images[1].b) || o.VolumeKey[0] != 1 {
			t.Error("the same options make different images, or the caller's key is wiped")
		}
		if bytes.Contains(images[0].b, o.VolumeKey) {
			t.Error("the volume key is in the image")
		}
	}
}

// TestFormatCancel stops before anything is computed, and with random bytes that end.
func TestFormatCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := new(memory)
	if _, err := luks.Format(ctx, m, nil, luks.FormatOptions{DataSize: -1}); !errors.Is(err, context.Canceled) || len(m.b) > 0 {
		t.Errorf("%v, %d bytes written", err, len(m.b))
	}
	o := luks.FormatOptions{DataSize: -1, Slot: luks.SlotOptions{Cost: quick}, Rand: bytes.NewReader(make([]byte, 100))}
	if _, err := luks.Format(t.Context(), m, nil, o); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) || len(m.b) > 0 {
		t.Errorf("%v, %d bytes written", err, len(m.b))
	}
}

// TestFormatIntegrity makes headers for sectors with tags.
func TestFormatIntegrity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cipher, integrity, header string
		key, tag                  int
	}{
		{"aes-xts-plain64", "hmac-sha256", "hmac(sha256)", 96, 32},
		{"aes-xts-random", "hmac(sha256)", "hmac(sha256)", 96, 48},
		{"aes-cbc-essiv:sha256", "hmac-sha1", "hmac(sha1)", 52, 20},
		{"aes-xts-random", "hmac-sha512", "hmac(sha512)", 128, 80},
		{"aes-gcm-random", "aead", "aead", 32, 28},
		{"chacha20-random", "poly1305", "poly1305", 32, 28},
		{"aes-ctr-random", "cmac-aes", "cmac(aes)", 48, 32},
	} {
		m := new(memory)
		o := luks.FormatOptions{Cipher: c.cipher, Integrity: c.integrity, KeyslotsSize: 1 << 20, Slot: luks.SlotOptions{Cost: quick}, DataSize: -1}
		key, err := luks.Format(t.Context(), m, []byte("new"), o)
		if err != nil {
			t.Errorf("%s, %s: %v", c.cipher, c.integrity, err)
			continue
		}
		h, err := luks.Read(m)
		if err != nil {
			t.Fatal(err)
		}
		f, ok, err := h.IntegrityFormat()
		if err != nil || !ok || f.TagSize != c.tag || f.Offset != 2<<20 || f.SectorSize != 512 || len(key.Bytes()) != c.key {
			t.Errorf("%s, %s: %+v, %t, %v, key of %d bytes", c.cipher, c.integrity, f, ok, err, len(key.Bytes()))
		}
		s, area := h.V2.Metadata.Segments[0], h.V2.Metadata.Keyslots[0].Area
		if s.Integrity == nil || s.Integrity.Type != c.header || area.Encryption != "aes-xts-plain64" || area.KeySize != 64 {
			t.Errorf("%s, %s: segment %+v, slot %+v", c.cipher, c.integrity, s, area)
		}
		key.Wipe()
	}
	if n, err := luks.IntegrityKeySize("none"); n != 0 || err != nil {
		t.Error(n, err)
	}
}
