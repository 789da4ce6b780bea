package luks

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
)

// cheap are the smallest costs that cryptsetup takes.
var (
	cheapPBKDF2 = Cost{Type: kdfPBKDF2, Iterations: minIterations}
	cheapArgon2 = Cost{Type: kdfArgon2id, Iterations: minPasses, Memory: minMemory, Parallel: 1}
)

// memoryImage is an image in memory.
type memoryImage []byte

func (m memoryImage) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m).ReadAt(p, off)
}

// TestSplitAF splits with every hash; no stripe alone gives the key away.
func TestSplitAF(t *testing.T) {
	t.Parallel()
	for _, name := range hashes.Names() {
		a, err := lookupHash(name)
		if err != nil {
			continue
		}
		key, split := make([]byte, 61), make([]byte, 7*61)
		_, _ = rand.Read(key)
		if err := splitAF(split, key, a, rand.Reader); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(key))
		if mergeAF(got, split, a); !bytes.Equal(got, key) {
			t.Errorf("%s: merged into another key", name)
		}
		for i := range 7 {
			changed := bytes.Clone(split)
			changed[i*61] ^= 1 // in a piece as long as a digest: one of a byte may meet another by chance
			if mergeAF(got, changed, a); bytes.Equal(got, key) {
				t.Errorf("%s: stripe %d does not matter", name, i)
			}
		}
	}
}

// TestMakeSlot adds slots to headers that cryptsetup made and opens them.
func TestMakeSlot(t *testing.T) {
	t.Parallel()
	images := map[string][]byte{}
	for _, name := range []string{"l1-cbc-essiv.img.xz", "l2-multi.img.xz"} {
		images[name] = unpack(t, 2<<20, "luks", name)
	}
	two, zero := new(int64(2)), new(int64(0))
	for _, c := range []struct {
		name, file string
		o          SlotOptions
		slot       int
		full       bool
		want       error
	}{
		{name: "LUKS1", file: "l1-cbc-essiv.img.xz", o: SlotOptions{Slot: AnySlot, Cost: Cost{Iterations: 1000}}, slot: 1},
		{name: "LUKS1 last", file: "l1-cbc-essiv.img.xz", o: SlotOptions{Slot: 7, Cost: Cost{Iterations: 1000}}, slot: 7},
		{name: "LUKS1 in use", file: "l1-cbc-essiv.img.xz", o: SlotOptions{Cost: cheapPBKDF2}, want: ErrSlotInUse},
		{name: "LUKS1 no such", file: "l1-cbc-essiv.img.xz", o: SlotOptions{Slot: 8, Cost: cheapPBKDF2}, want: ErrOption},
		{name: "LUKS1 full", file: "l1-cbc-essiv.img.xz", full: true, o: SlotOptions{Slot: AnySlot, Cost: cheapPBKDF2}, want: ErrNoRoom},
		{name: "LUKS1 argon2", file: "l1-cbc-essiv.img.xz", o: SlotOptions{Slot: 1, Cost: cheapArgon2}, want: ErrOption},
		{name: "LUKS1 other hash", file: "l1-cbc-essiv.img.xz", o: SlotOptions{Slot: 1, Cost: Cost{Hash: "sha512", Iterations: 1000}}, want: ErrOption},
		{name: "LUKS1 priority", file: "l1-cbc-essiv.img.xz", o: SlotOptions{Slot: 1, Priority: two}, want: ErrOption},
		{name: "pbkdf2", file: "l2-multi.img.xz", o: SlotOptions{Slot: AnySlot, Cost: cheapPBKDF2}, slot: 1},
		{name: "argon2id", file: "l2-multi.img.xz", o: SlotOptions{Slot: 9, Cost: cheapArgon2, Priority: two}, slot: 9},
		{name: "argon2i", file: "l2-multi.img.xz", o: SlotOptions{Slot: 9, Cost: Cost{Type: kdfArgon2i, Iterations: 4, Memory: 64, Parallel: 4}}, slot: 9},
		{name: "whirlpool", file: "l2-multi.img.xz", o: SlotOptions{Slot: 30, AFHash: "whirlpool", Cost: Cost{Type: kdfPBKDF2, Hash: "ripemd160", Iterations: 1000}}, slot: 30},
		{name: "serpent", file: "l2-multi.img.xz", o: SlotOptions{Slot: 30, Cipher: "serpent-xts-plain64", Cost: cheapPBKDF2, Priority: zero}, slot: 30},
		{name: "adiantum", file: "l2-multi.img.xz", o: SlotOptions{Slot: 30, Cipher: "xchacha12,aes-adiantum-plain64", Cost: cheapPBKDF2}, slot: 30},
		{name: "twofish of 16 bytes", file: "l2-multi.img.xz", o: SlotOptions{Slot: 30, Cipher: "twofish-cbc-essiv:sha256", KeySize: 32, Cost: cheapPBKDF2}, slot: 30},
		{name: "full", file: "l2-multi.img.xz", full: true, o: SlotOptions{Slot: AnySlot, Cost: cheapPBKDF2}, want: ErrNoRoom},
		{name: "in use", file: "l2-multi.img.xz", o: SlotOptions{Cost: cheapPBKDF2}, want: ErrSlotInUse},
		{name: "no such", file: "l2-multi.img.xz", o: SlotOptions{Slot: 32, Cost: cheapPBKDF2}, want: ErrOption},
		{name: "negative", file: "l2-multi.img.xz", o: SlotOptions{Slot: -2, Cost: cheapPBKDF2}, want: ErrOption},
		{name: "priority", file: "l2-multi.img.xz", o: SlotOptions{Slot: 1, Priority: new(int64(3)), Cost: cheapPBKDF2}, want: ErrOption},
		{name: "null cipher", file: "l2-multi.img.xz", o: SlotOptions{Slot: 1, Cipher: "cipher_null-ecb", KeySize: 32, Cost: cheapPBKDF2}, want: ErrOption},
		{name: "cipher", file: "l2-multi.img.xz", o: SlotOptions{Slot: 1, Cipher: "rot13-xts-plain64", Cost: cheapPBKDF2}, want: ErrUnsupported},
		{name: "key size", file: "l2-multi.img.xz", o: SlotOptions{Slot: 1, Cipher: "aes-xts-plain64", KeySize: 48, Cost: cheapPBKDF2}, slot: 1},
		{name: "wrong key size", file: "l2-multi.img.xz", o: SlotOptions{Slot: 1, Cipher: "aes-xts-plain64", KeySize: 40, Cost: cheapPBKDF2}, want: ErrOption},
		{name: "key size alone", file: "l2-multi.img.xz", o: SlotOptions{Slot: 1, KeySize: 64, Cost: cheapPBKDF2}, want: ErrOption},
		{name: "hash", file: "l2-multi.img.xz", o: SlotOptions{Slot: 1, AFHash: "rot13", Cost: cheapPBKDF2}, want: ErrUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			image := bytes.Clone(images[c.file])
			h, err := Read(bytes.NewReader(image))
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; c.full && i < slots2; i++ {
				if h.Version == 2 {
					h.V2.Metadata.Keyslots[i] = h.V2.Metadata.Keyslots[0]
				} else {
					h.V1.Slots[i%slots1].Active = true
				}
			}
			key := make([]byte, 64)
			if h.Version == 1 {
				key = key[:h.V1.KeySize]
			}
			_, _ = rand.Read(key)
			n, err := h.makeSlot(t.Context(), key, []byte("new one"), c.o, nil)
			if !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if err != nil {
				return
			}
			checkSlot(t, h, n, image, key, c.slot)
		})
	}
}

// checkSlot enters a slot for another key than the header's, beside its digest in LUKS2, in
// its place in LUKS1, and opens it.
func checkSlot(t *testing.T, h *Header, n *newSlot, image, key []byte, want int) {
	t.Helper()
	size := 32
	if h.Version == 1 {
		size = digest1
	}
	d, err := newDigest(t.Context(), key, "sha256", size, 1000, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := 0
	if h.Version == 1 {
		h.V1.Digest, h.V1.DigestSalt, h.V1.DigestIterations = [digest1]byte(d.Digest), [salt1]byte(d.Salt), 1000
		d.Hash = h.V1.Hash
		again, err := newDigest(t.Context(), key, h.V1.Hash, digest1, 1000, bytes.NewReader(d.Salt))
		if err != nil {
			t.Fatal(err)
		}
		h.V1.Digest = [digest1]byte(again.Digest)
	} else {
		id = h.V2.Metadata.addDigest(d)
	}
	n.put(h, id)
	copy(image[n.offset:], n.area)
	h.source = memoryImage(image)
	if h.Version == 2 {
		if err := h.V2.Metadata.check(h.V2.Size); err != nil {
			t.Error(err)
		}
		if found, ok, err := h.V2.Metadata.digestOf(t.Context(), key); found != id || !ok || err != nil {
			t.Errorf("its digest is found as %d, %t, %v", found, ok, err)
		}
	} else if _, err := h.V1.MarshalBinary(); err != nil {
		t.Error(err)
	}
	got, err := h.Unlock(t.Context(), []byte("new one"), UnlockOptions{Slots: []int{n.id}, Unbound: true})
	if err != nil || !bytes.Equal(got.Bytes(), key) || n.id != want {
		t.Fatalf("slot %d, want %d, opens: %v, or with another key", n.id, want, err)
	}
	if _, err := h.Unlock(t.Context(), []byte("new on"), UnlockOptions{Slots: []int{n.id}, Unbound: true}); !errors.Is(err, ErrWrongKey) {
		t.Errorf("another passphrase: %v", err)
	}
}
