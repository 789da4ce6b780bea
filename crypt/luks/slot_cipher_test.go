package luks_test

import (
	"testing"

	"github.com/dmimg/dmimg/crypt/luks"
)

// TestSlotCipher wants the cipher of the data for the slot, too, unless cryptsetup would not
// open that; live_linux_test.go asks it.
func TestSlotCipher(t *testing.T) {
	t.Parallel()
	const other = "aes-xts-plain64"
	for cipher, want := range map[string]string{
		"serpent-xts-plain64": "serpent-xts-plain64", "sm4-xts-plain64": "sm4-xts-plain64", "aes-cbc-essiv:sha256": "aes-cbc-essiv:sha256",
		"aria-xts-plain64": other, "aria-cbc-essiv:sha256": other, "aes-hctr2-plain64": other, "capi:xts(aes)-plain64": other,
	} {
		t.Run(cipher, func(t *testing.T) {
			t.Parallel()
			m := &memory{b: make([]byte, 2<<20)}
			key, err := luks.Format(t.Context(), m, []byte("pass"), luks.FormatOptions{
				Cipher: cipher, KeySize: 32, KeyslotsSize: 512 << 10, Slot: luks.SlotOptions{Cost: quick},
			})
			if err != nil {
				t.Fatal(err)
			}
			key.Wipe()
			h, err := luks.Read(m)
			if err != nil {
				t.Fatal(err)
			}
			if got := h.V2.Metadata.Keyslots[0].Area.Encryption; got != want {
				t.Errorf("the slot has %s, want %s", got, want)
			}
		})
	}
}
