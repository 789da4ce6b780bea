package cli

import (
	"fmt"
	"strings"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// luksFormatReport is the JSON of `luks format`: that of `luks dump`, and where the passphrase is.
type luksFormatReport struct {
	luksReport
	KeySlot int `json:"key_slot"`
}

// report says what was made.
func (o luksFormatOptions) report(s ui.Streams, h *luks.Header, key *luks.Key) error {
	r := luksReportOf(h)
	if o.json {
		return ui.WriteJSON(s.Out, luksFormatReport{r, key.Slot})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "LUKS%d, UUID %s\n", r.Version, r.UUID)
	data := r.Segments[0]
	fmt.Fprintf(&b, "data from byte %d on: %s", data.OffsetBytes, data.Cipher)
	if data.Integrity != "" {
		fmt.Fprintf(&b, " with tags of %s", data.Integrity)
	}
	fmt.Fprintf(&b, ", a key of %d bits, sectors of %d bytes\n", 8*len(key.Bytes()), data.SectorBytes)
	for _, k := range r.Keyslots {
		fmt.Fprintf(&b, "key slot %d: %s\n", k.ID, k.cost())
	}
	_, err := fmt.Fprint(s.Out, b.String())
	return err
}

// cost says what opening a key slot takes.
func (k luksKeyslotReport) cost() string {
	if k.KDF == "pbkdf2" {
		return fmt.Sprintf("pbkdf2 %s, %d iterations", k.Hash, k.Iterations)
	}
	lanes := "lanes"
	if k.Threads == 1 {
		lanes = "lane"
	}
	return fmt.Sprintf("%s, %d passes over %d KiB in %d %s", k.KDF, k.Time, k.MemoryKiB, k.Threads, lanes)
}
