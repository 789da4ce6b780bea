package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume/integrity"
)

// defaultIntegrity is the hash of integritysetup.
const defaultIntegrity = "crc32c"

// integrityHashFlags say how tags and journal are made.
func integrityHashFlags() []urfave.Flag {
	flags := []urfave.Flag{&urfave.StringFlag{
		Name: "integrity", Aliases: []string{"I"}, Value: defaultIntegrity,
		Usage: "`HASH` that makes the tags: crc32c, xxhash64, sha256, hmac-sha256 …, or none if they belong to encryption above",
	}}
	for _, k := range []struct{ name, what string }{{"integrity", "tags"}, {"journal-integrity", "journal's MAC"}, {"journal-crypt", "journal's encryption"}} {
		if k.name != "integrity" {
			flags = append(flags, &urfave.StringFlag{Name: k.name, Usage: "`ALGORITHM` of the " + k.what + ", such as hmac-sha256 or ctr-aes"})
		}
		flags = append(flags,
			&urfave.StringFlag{Name: k.name + "-key-file", Usage: "key of the " + k.what + " in `FILE`"},
			ui.SizeFlag(k.name+"-key-size", "how many `BYTES` of that file (default: all)"))
	}
	return flags
}

// integrityShapeFlags say how a new device is laid out.
func integrityShapeFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.IntFlag{Name: "tag-size", Aliases: []string{"t"}, Usage: "`BYTES` of a tag (default: all of the hash)"},
		ui.SizeFlag("sector-size", "`BYTES` of a block: 512, 1024, 2048 or 4096 (default: 512)", "s"),
		ui.SizeFlag("journal-size", "`BYTES` of the journal (default: 1/128 of the device, 64 MiB at most)", "j"),
		&urfave.Uint64Flag{Name: "interleave-sectors", Usage: "`SECTORS` of data between tags (default: 32768)"},
		&urfave.Uint64Flag{Name: "bitmap-sectors-per-bit", Usage: "`SECTORS` for each bit of the bitmap (default: 32768)"},
		ui.SizeFlag("offset", "where the superblock goes, in `BYTES` (default: 0)"),
		&urfave.BoolFlag{Name: "integrity-legacy-padding", Usage: "lay out tags as kernels before 5.5 do"},
		&urfave.BoolFlag{Name: "integrity-legacy-hmac", Usage: "make tags without salt, as kernels before 5.11 do"},
	}
}

// integrityKeys reads the algorithms that the flags name, with their keys, which
// the caller wipes.
func integrityKeys(c *urfave.Context, stdin io.Reader) (list [3]integrity.Algorithm, err error) {
	names := [3]string{"integrity", "journal-integrity", "journal-crypt"}
	for i, name := range names {
		value := c.String(name)
		switch {
		case name == "journal-crypt":
			list[i].Name = integrity.CipherName(value)
		case value != "none":
			list[i].Name = integrity.HashName(value)
		}
		file := c.String(name + "-key-file")
		if err := unusedFlag(file == "" && c.IsSet(name+"-key-size"), name+"-key-size", "only with --"+name+"-key-file"); err != nil {
			return list, err
		}
		if file == "" {
			continue
		}
		if err := unusedFlag(list[i].Name == "", name+"-key-file", "only with --"+name); err != nil {
			return list, err
		}
		key := ui.KeyFile{Path: file, Size: ui.SizeOf(c, name+"-key-size", 0)}
		if list[i].Key, err = ui.ReadKeyFile(c.Context, key, stdin); err != nil {
			return list, err
		}
	}
	return list, nil
}

func wipeKeys(list [3]integrity.Algorithm) {
	for _, a := range list {
		ui.Wipe(a.Key)
	}
}

// integrityShape reads the flags of a new device; keys are read by the caller.
func integrityShape(c *urfave.Context, keys [3]integrity.Algorithm) (integrity.FormatConfig, error) {
	interleave, perBit := c.Uint64("interleave-sectors"), c.Uint64("bitmap-sectors-per-bit")
	if interleave > math.MaxUint32 {
		return integrity.FormatConfig{}, ui.Usagef("--interleave-sectors %d: too large", interleave)
	}
	block := ui.SizeOf(c, "sector-size", integrity.SectorSize)
	if block > math.MaxInt32 {
		return integrity.FormatConfig{}, ui.Usagef("--sector-size %d: too large", block)
	}
	journal := ui.SizeOf(c, "journal-size", 0)
	if c.IsSet("journal-size") {
		journal = max(1, journal/integrity.SectorSize)
	}
	return integrity.FormatConfig{
		Reserved: ui.SizeOf(c, "offset", 0), TagSize: c.Int("tag-size"), BlockSize: int(block),
		InternalHash: keys[0], JournalMAC: keys[1], JournalCrypt: keys[2],
		JournalSectors: journal, InterleaveSectors: int64(interleave), SectorsPerBit: perBit,
		LegacyPadding: c.Bool("integrity-legacy-padding"), LegacyHMAC: c.Bool("integrity-legacy-hmac"),
	}, nil
}

// integrityFailure says what an error of package integrity means for the exit status.
func integrityFailure(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, integrity.ErrCorrupt), errors.Is(err, integrity.ErrJournal):
		return ui.Corruptf("%s: %w", name, err)
	case errors.Is(err, integrity.ErrBadParams):
		return ui.Usagef("%s: %w", name, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// openSuperblock reads the superblock of DEV.
func openSuperblock(ctx context.Context, path string, offset int64) (*integrity.Superblock, *ui.Input, error) {
	in, err := openSized(ctx, "DEV", path)
	if err != nil {
		return nil, nil, err
	}
	sb, err := integrity.ReadSuperblock(in, offset)
	if err != nil {
		_ = in.Close() // it was only read
		return nil, nil, integrityFailure(in.Name(), err)
	}
	return sb, in, nil
}
