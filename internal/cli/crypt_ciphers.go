package cli

import (
	"fmt"
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

// cipherEntry is one cipher in the JSON of `crypt ciphers`.
type cipherEntry struct {
	Name            string   `json:"name"`     // as cipher specifications begin, without the IV
	APIName         string   `json:"api_name"` // as after capi:
	BlockBytes      int      `json:"block_bytes"`
	IVBytes         int      `json:"iv_bytes"` // 0: takes no IV
	KeyBytes        []int    `json:"key_bytes"`
	Implementation  string   `json:"implementation"` // used here
	Implementations []string `json:"implementations"`
	Note            string   `json:"note"`
}

func cryptCiphers(s ui.Streams, asJSON bool) error {
	entries := make([]cipherEntry, 0)
	for _, c := range crypt.Ciphers() {
		entries = append(entries, cipherEntry{
			Name: c.Name, APIName: c.APIName, BlockBytes: c.BlockSize, IVBytes: c.IVSize, KeyBytes: c.KeySizes,
			Implementation: c.Implementations[0], Implementations: c.Implementations, Note: c.Note,
		})
	}
	if asJSON {
		return ui.WriteJSON(s.Out, struct {
			Ciphers []cipherEntry `json:"ciphers"`
			IVs     []string      `json:"ivs"`
		}{entries, crypt.IVs()})
	}
	t := tabwriter.NewWriter(s.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "CIPHER\tKEY BITS\tIMPLEMENTATION\tNOTE")
	for _, e := range entries {
		var bits []string
		for _, n := range e.KeyBytes {
			bits = append(bits, fmt.Sprint(8*n))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", e.Name, strings.Join(bits, " "), e.Implementation, e.Note)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.Out, "\nIVs: %s\n", strings.Join(crypt.IVs(), " "))
	return err
}
