package cli

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

func cryptCiphersCommand() *urfave.Command {
	return &urfave.Command{
		Name: "ciphers", Usage: "list every cipher, mode and IV that is supported, and the implementation used here",
		Flags: []urfave.Flag{ui.JSONFlag()},
		Action: verb(0, 0, func(c *urfave.Context, s ui.Streams) error {
			return cryptCiphers(s, c.Bool("json"))
		}),
	}
}

// cipherEntry is one cipher in a chaining mode in the JSON of `crypt ciphers`.
type cipherEntry struct {
	Name            string   `json:"name"`     // as cipher specifications begin, without the IV
	APIName         string   `json:"api_name"` // as after capi:
	BlockBytes      int      `json:"block_bytes"`
	IVBytes         int      `json:"iv_bytes"` // 0: takes no IV
	IVs             []string `json:"ivs"`      // that work with it
	KeyBytes        []int    `json:"key_bytes"`
	Implementation  string   `json:"implementation"` // used here
	Implementations []string `json:"implementations"`
	Note            string   `json:"note"` // where it comes from and whether it takes constant time
}

// aeadEntry is one authenticated mode in the JSON of `crypt ciphers`.
type aeadEntry struct {
	Name        string `json:"name"` // as cipher specifications begin, without the IV
	KeyBytes    []int  `json:"key_bytes"`
	MACKeyBytes int    `json:"mac_key_bytes"` // behind the key, where the table does not say otherwise; 0: none
	SaltBytes   int    `json:"salt_bytes"`    // behind the key; they begin every nonce
	IVBytes     int    `json:"iv_bytes"`
	TagBytes    []int  `json:"tag_bytes"`
	Note        string `json:"note"`
}

// ivEntry is one IV mode in the JSON of `crypt ciphers`.
type ivEntry struct {
	Name        string `json:"name"`
	SectorBytes int    `json:"sector_bytes"` // of the only encryption sector that it takes; 0: any
	Note        string `json:"note"`
}

func cryptCiphers(s ui.Streams, asJSON bool) error {
	entries, aeads, ivs := cipherEntries(), aeadEntries(), ivEntries()
	if asJSON {
		return ui.WriteJSON(s.Out, struct {
			Ciphers       []cipherEntry `json:"ciphers"`
			Authenticated []aeadEntry   `json:"authenticated"`
			IVs           []string      `json:"ivs"`
			IVModes       []ivEntry     `json:"iv_modes"`
		}{entries, aeads, crypt.IVs(), ivs})
	}
	t := tabwriter.NewWriter(s.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "CIPHER\tKEY BITS\tBLOCK\tIV\tIMPLEMENTATION\tIV MODES")
	for _, e := range entries {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s\n", e.Name, bitList(e.KeyBytes), 8*e.BlockBytes, 8*e.IVBytes,
			e.Implementation, ivList(e.IVs, ivs))
	}
	fmt.Fprintln(t, "\nCIPHER\tNOTE")
	for i, e := range entries {
		if cipher := baseCipher(e.APIName); i == 0 || cipher != baseCipher(entries[i-1].APIName) {
			fmt.Fprintf(t, "%s\t%s\n", cipher, e.Note)
		}
	}
	fmt.Fprintln(t, "\nAUTHENTICATED\tKEY BITS\tIV\tTAG BITS\tNOTE")
	for _, a := range aeads {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", a.Name, a.keys(), 8*a.IVBytes, bitList(a.TagBytes), a.Note)
	}
	fmt.Fprintln(t, "\nIV MODE\tSECTORS\tNOTE")
	for _, iv := range ivs {
		fmt.Fprintf(t, "%s\t%s\t%s\n", iv.Name, sectorWord(iv.SectorBytes), iv.Note)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.Out, "\nIVs: %s\n", strings.Join(crypt.IVs(), " "))
	return err
}

func cipherEntries() []cipherEntry {
	entries := make([]cipherEntry, 0)
	for _, c := range crypt.Ciphers() {
		entries = append(entries, cipherEntry{
			Name: c.Name, APIName: c.APIName, BlockBytes: c.BlockSize, IVBytes: c.IVSize,
			IVs: append([]string{}, c.IVs...), KeyBytes: c.KeySizes,
			Implementation: c.Implementations[0], Implementations: c.Implementations, Note: c.Note,
		})
	}
	return entries
}

func aeadEntries() []aeadEntry {
	entries := make([]aeadEntry, 0)
	for _, a := range crypt.AEADs() {
		entries = append(entries, aeadEntry{
			Name: a.Name, KeyBytes: a.KeySizes, MACKeyBytes: a.MACKeySize, SaltBytes: a.SaltSize,
			IVBytes: a.IVSize, TagBytes: a.TagSizes, Note: a.Note,
		})
	}
	return entries
}

// keys says of what a key is made: "128 192 256 + 256 of the MAC".
func (a aeadEntry) keys() string {
	text := bitList(a.KeyBytes)
	if a.MACKeyBytes > 0 {
		text += fmt.Sprintf(" + %d of the MAC", 8*a.MACKeyBytes)
	}
	if a.SaltBytes > 0 {
		text += fmt.Sprintf(" + %d of salt", 8*a.SaltBytes)
	}
	return text
}

func ivEntries() []ivEntry {
	entries := make([]ivEntry, 0)
	for _, iv := range crypt.IVInfos() {
		entries = append(entries, ivEntry{Name: iv.Name, SectorBytes: iv.SectorSize, Note: iv.Note})
	}
	return entries
}

// bitList puts sizes in bytes, which ascend, into words, in bits: "128 192 256", or
// "0 to 256 by 8" for more than six in equal steps.
func bitList(sizes []int) string {
	const most = 6
	if n := len(sizes); n > most {
		step := sizes[1] - sizes[0]
		if sizes[n-1]-sizes[0] == step*(n-1) {
			return fmt.Sprintf("%d to %d by %d", 8*sizes[0], 8*sizes[n-1], 8*step)
		}
	}
	words := make([]string, len(sizes))
	for i, n := range sizes {
		words[i] = fmt.Sprint(8 * n)
	}
	return strings.Join(words, " ")
}

// ivList names IV modes, or what is left out of all where that is shorter.
func ivList(names []string, all []ivEntry) string {
	var missing []string
	for _, iv := range all {
		if !slices.Contains(names, iv.Name) {
			missing = append(missing, iv.Name)
		}
	}
	switch {
	case len(names) == 0:
		return "takes none"
	case len(missing) == 0:
		return "all"
	case len(missing) < len(names):
		return "all but " + strings.Join(missing, " ")
	}
	return strings.Join(names, " ")
}

// baseCipher returns the cipher in a crypto API name, what the innermost parentheses
// hold.
func baseCipher(apiName string) string {
	return strings.TrimRight(apiName[strings.LastIndexByte(apiName, '(')+1:], ")")
}

func sectorWord(size int) string {
	if size == 0 {
		return "any"
	}
	return fmt.Sprint(size)
}
