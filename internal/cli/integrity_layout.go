package cli

import (
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume/integrity"
)

func integrityLayoutCommand() *urfave.Command {
	flags := append(integrityShapeFlags(), &urfave.StringFlag{Name: "integrity", Aliases: []string{"I"}, Value: defaultIntegrity, Usage: "`HASH` that makes the tags, for their size; no key is needed"})
	return &urfave.Command{
		Name: "layout", Usage: "print where everything would be on a device of so many bytes", ArgsUsage: " ",
		Description: `Prints a line "NAME VALUE" for each fact: what the kernel would choose when it formats the device, and every
offset. Sectors have 512 bytes. Nothing is read or written.
  dmimg integrity layout --size 32M --tag-size 32`,
		Flags: append(flags,
			ui.SizeFlag("size", "`BYTES` of the device, or of the data device"),
			ui.SizeFlag("meta-size", "`BYTES` of a meta device for superblock, journal and tags"),
			&urfave.BoolFlag{Name: "journal-mac", Usage: "the journal has a MAC, which makes its entries fewer"},
			ui.JSONFlag()),
		Action: verb(0, 0, integrityLayout),
	}
}

func integrityLayout(c *urfave.Context, s ui.Streams) error {
	if !c.IsSet("size") {
		return ui.Usagef("--size is missing: how many bytes has the device?")
	}
	config, err := integrityShape(c, [3]integrity.Algorithm{})
	if err != nil {
		return err
	}
	if config.TagSize == 0 {
		if config.TagSize, err = tagSizeOf(c.String("integrity")); err != nil {
			return err
		}
	}
	if c.Bool("journal-mac") {
		config.JournalMAC.Name = "hmac(sha256)" // any: their sizes do not matter
	}
	sb, l, err := integrity.Plan(config, ui.SizeOf(c, "size", 0), ui.SizeOf(c, "meta-size", 0))
	if err != nil {
		return integrityFailure("layout", err)
	}
	return printFacts(s, integrityFacts(sb, l), c.Bool("json"))
}

// tagSizeOf is the size of the digest of a hash, in bytes.
func tagSizeOf(name string) (int, error) {
	h, err := integrity.NewHash(integrity.Algorithm{Name: integrity.HashName(name), Key: anyKeyFor(name)}, nil)
	if err != nil {
		return 0, ui.Usagef("--integrity %s: %w", name, err)
	}
	defer h.Close()
	return h.Size(), nil
}

// anyKeyFor returns a key for a hash that needs one, where only its size is asked for.
func anyKeyFor(name string) []byte {
	if strings.HasPrefix(integrity.HashName(name), "hmac(") {
		return []byte{0}
	}
	return nil
}
