package cryptsetup

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// luksDump prints a header, or a key.
func (r *run) luksDump() (err error) {
	d, err := r.openHeader(false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	switch {
	case r.Has("dump-volume-key"):
		return r.dumpVolumeKey(d)
	case r.Has("unbound"):
		return r.dumpUnbound(d)
	case r.Has("dump-json-metadata"):
		if d.header.Version != 2 {
			return exit.Failf("Dump operation is not supported for this device type.")
		}
		text, err := indentJSON(d.header.V2.JSON)
		if err != nil {
			return err
		}
		r.printf("%s", text)
		return nil
	}
	return r.bodies.Dump(r.Out, d.path, d.header)
}

const dumpWarning = `The header dump with volume key is sensitive information
that allows access to encrypted partition without a passphrase.
This dump should be stored encrypted in a safe place.`

// dumpVolumeKey prints the volume key, or stores it in a file.
func (r *run) dumpVolumeKey(d *device) error {
	if err := r.confirm(dumpWarning); err != nil {
		return err
	}
	key, err := r.unlock(d.header, r.oldKey(), luks.UnlockOptions{}, 1)
	if err != nil {
		return err
	}
	defer key.Wipe()
	stored := ""
	if r.Has("volume-key-file") {
		if stored, err = r.storeKey(key); err != nil {
			return err
		}
	}
	cipher, mode, offset := dataCipher(d.header, key)
	r.printf("LUKS header information for %s\nCipher name:   \t%s\nCipher mode:   \t%s\nPayload offset:\t%d\nUUID:          \t%s\nMK bits:       \t%d\n%s",
		d.path, printable(cipher), printable(mode), offset/luks.SectorSize, printable(d.header.UUID()), 8*len(key.Bytes()), stored)
	if stored == "" {
		r.printf("MK dump:\t")
		r.printKey(key, "\n\t\t")
	}
	return nil
}

// dumpUnbound prints the key of a slot that is for no data.
func (r *run) dumpUnbound(d *device) error {
	id := r.Int("key-slot", 0)
	if !isUnbound(d.header, id) {
		return exit.Failf("Keyslot %d does not contain unbound key.", id)
	}
	if err := r.confirm(dumpWarning); err != nil {
		return err
	}
	key, err := r.unlock(d.header, r.oldKey(), luks.UnlockOptions{Slots: []int{id}, Unbound: true}, 1)
	if err != nil {
		return err
	}
	defer key.Wipe()
	stored := ""
	if r.Has("volume-key-file") {
		if stored, err = r.storeKey(key); err != nil {
			return err
		}
	}
	r.printf("LUKS header information for %s\nUUID:    \t%s\nKeyslot: \t%d\nKey bits:\t%d\n%s",
		d.path, printable(d.header.UUID()), id, 8*len(key.Bytes()), stored)
	if stored == "" {
		r.printf("Unbound Key:\t")
		r.printKey(key, "\n\t\t")
	}
	return nil
}

// isUnbound reports whether a slot is in use and its key for no segment.
func isUnbound(h *luks.Header, id int) bool {
	if h.Version != 2 || h.V2.Metadata.Keyslots[id] == nil {
		return false
	}
	for _, d := range h.V2.Metadata.Digests {
		if slices.Contains(d.Keyslots, id) && len(d.Segments) > 0 {
			return false
		}
	}
	return true
}

// storeKey writes a key to the file of --volume-key-file, which must be new. What is
// returned says so.
func (r *run) storeKey(key *luks.Key) (string, error) {
	path := r.Values["volume-key-file"]
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return "", exit.Failf("Cannot open keyfile %s for write.", path)
	}
	_, err = f.Write(key.Bytes())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(exit.Failf("Cannot write to keyfile %s.", path), os.Remove(path))
	}
	return fmt.Sprintf("Key stored to file %s.\n", path), nil
}

// printKey prints a key in hex, sixteen bytes on a line. The text is wiped.
func (r *run) printKey(key *luks.Key, between string) {
	const digits = "0123456789abcdef"
	text := make([]byte, 0, 16*len(between)+4*len(key.Bytes())) // enough, so that it never moves
	for i, c := range key.Bytes() {
		if i > 0 && i%16 == 0 {
			text = append(text, between...)
		}
		text = append(text, digits[c>>4], digits[c&15], ' ')
	}
	text = append(text, '\n')
	_, _ = r.Out.Write(text)
	ui.Wipe(text)
}

// dataCipher is the cipher of the data that key decrypts, and where it begins in bytes.
func dataCipher(h *luks.Header, key *luks.Key) (cipher, mode string, offset uint64) {
	if h.Version == 1 {
		return h.V1.Cipher, h.V1.Mode, uint64(h.V1.PayloadOffset) * luks.SectorSize
	}
	for _, id := range key.Segments {
		s := h.V2.Metadata.Segments[id]
		cipher, mode, _ = strings.Cut(s.Encryption, "-")
		return cipher, mode, uint64(s.Offset)
	}
	return "", "", 0
}

// printable masks what would move the cursor of a terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, s)
}
