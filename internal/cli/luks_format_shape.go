package cli

import (
	"math"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// luksShapeFlags say what a new LUKS image is like.
func luksShapeFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "type", Usage: "`VERSION` of the format: luks1 or luks2 (default: luks2)", Value: "luks2"},
		&urfave.StringFlag{Name: "cipher", Usage: "encrypt the data with `SPEC` (default: " + defaultCipher + ")"},
		&urfave.IntFlag{Name: "key-size", Usage: "`BITS` of the key of the cipher (default: 256, with xts 512); --integrity adds those of its own"},
		ui.SizeFlag("sector-size", "`BYTES` of an encryption sector: 512, 1024, 2048 or 4096 (LUKS2)"),
		&urfave.StringFlag{Name: "uuid", Usage: "`UUID` of the image (default: random)"},
		&urfave.StringFlag{Name: "label", Usage: "`LABEL` of the image (LUKS2)"},
		&urfave.StringFlag{Name: "subsystem", Usage: "`NAME` of the subsystem that the image belongs to (LUKS2)"},
		&urfave.StringFlag{Name: "integrity", Usage: "tags for all sectors, made by `ALGORITHM`: hmac-sha256, aead, poly1305 … (LUKS2)"},
		&urfave.BoolFlag{Name: "integrity-no-wipe", Usage: "leave the data as it is: sectors are errors until they are written"},
		&urfave.BoolFlag{Name: "integrity-legacy-padding", Usage: "lay out tags as kernels before 5.5 do"},
		&urfave.StringFlag{Name: "volume-key-file", Usage: "take the volume key from `FILE`, all of it"},
		&urfave.IntFlag{Name: "key-slot", Usage: "put the passphrase into key slot `N` (default: 0)"},
		ui.SizeFlag("offset", "where the data begins, in `BYTES` (default: 16 MiB; LUKS1: behind the header; detached: 0)"),
		ui.SizeFlag("align-payload", "the data begins at a multiple of so many `BYTES` (default: 1 MiB)"),
		ui.SizeFlag("luks2-metadata-size", "`BYTES` of one copy of the header of LUKS2 (default: 16 KiB)"),
		ui.SizeFlag("luks2-keyslots-size", "`BYTES` of the area of the key slots of LUKS2 (default: up to the data)"),
		ui.SizeFlag("size", "make IMAGE, a new file of so many `BYTES`"),
		ui.SizeFlag("data-size", "make IMAGE, a new file with room for so many `BYTES` of data"),
	}
}

// luksShapeOf reads those flags, and those of the key slot.
func luksShapeOf(c *urfave.Context) (f luks.FormatOptions, err error) {
	f = luks.FormatOptions{
		Cipher: strings.ToLower(c.String("cipher")), Hash: c.String("hash"),
		UUID: c.String("uuid"), Label: c.String("label"), Subsystem: c.String("subsystem"),
		Integrity: c.String("integrity"), IntegrityLegacyPadding: c.Bool("integrity-legacy-padding"),
		MetadataSize: ui.SizeOf(c, "luks2-metadata-size", 0), KeyslotsSize: ui.SizeOf(c, "luks2-keyslots-size", 0),
		DataOffset: ui.SizeOf(c, "offset", 0), DataOffsetSet: c.IsSet("offset"), Alignment: ui.SizeOf(c, "align-payload", 0),
	}
	switch t := c.String("type"); t {
	case "luks1":
		f.Version = 1
	case "luks2", "luks":
		f.Version = 2
	default:
		return f, ui.Usagef("--type %q: luks1 or luks2", t)
	}
	if f.KeySize, err = luksKeySize(c, f.Integrity); err != nil {
		return f, err
	}
	sector := ui.SizeOf(c, "sector-size", 0)
	if sector > math.MaxInt32 {
		return f, ui.Usagef("--sector-size %d: 512, 1024, 2048 or 4096", sector)
	}
	f.SectorSize = int(sector)
	if f.Slot, err = luksSlotOf(c); err != nil {
		return f, err
	}
	f.Slot.AFHash, f.Slot.Cost.Hash = "", "" // those of Hash
	f.Slot.Slot, err = slotNumber(c, "key-slot")
	return f, err
}

// luksKeySize is that of the volume key in bytes: --key-size and, as cryptsetup counts, the
// key of the tags besides; 0 if it is not given.
func luksKeySize(c *urfave.Context, integrity string) (int, error) {
	size, err := keyBytes(c, "key-size")
	if err != nil || size == 0 {
		return size, err
	}
	tags, err := luks.IntegrityKeySize(integrity)
	return size + tags, wrongOption(err)
}
