package cli

import (
	"crypto/rand"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

const luksCostHelp = `Without --pbkdf-force-iterations the costs of opening the slot are measured on this machine, as many as fit
--iter-time; argon2id takes up to 1 GiB of memory then, or --pbkdf-memory. LUKS1 has pbkdf2 only.`

// luksSlotFlags are the flags of every verb that makes a key slot.
func luksSlotFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "pbkdf", Usage: "derive the slot's key with `ALGORITHM`: argon2id, argon2i or pbkdf2"},
		&urfave.Int64Flag{Name: "pbkdf-memory", Usage: "`KIB` of memory that Argon2 takes (default: 1 GiB at most)"},
		&urfave.Int64Flag{Name: "pbkdf-force-iterations", Usage: "`N` iterations of pbkdf2 or passes of Argon2, not measured"},
		&urfave.Int64Flag{Name: "pbkdf-parallel", Usage: "`N` lanes of Argon2, up to 4 (default: as many as cores)"},
		&urfave.Int64Flag{Name: "iter-time", Usage: "`MS` milliseconds that opening the slot shall take here (default: 2000)"},
		&urfave.StringFlag{Name: "hash", Usage: "hash `NAME` of pbkdf2, and of the splitting of the key (default: sha256)"},
		&urfave.StringFlag{Name: "keyslot-cipher", Usage: "encrypt the key in its slot with `SPEC` (LUKS2; default: as the data)"},
		&urfave.IntFlag{Name: "keyslot-key-size", Usage: "`BITS` of the key of that cipher"},
	}
}

// luksSlotOf reads those flags. The number of the slot is the caller's to fill in.
func luksSlotOf(c *urfave.Context) (luks.SlotOptions, error) {
	o := luks.SlotOptions{
		Slot: luks.AnySlot,
		Cost: luks.Cost{
			Type: c.String("pbkdf"), Memory: c.Int64("pbkdf-memory"), Iterations: c.Int64("pbkdf-force-iterations"),
			Parallel: c.Int64("pbkdf-parallel"), Time: time.Duration(c.Int64("iter-time")) * time.Millisecond,
		},
		Cipher: c.String("keyslot-cipher"), AFHash: c.String("hash"),
	}
	if o.Cost.Type == "pbkdf2" {
		o.Cost.Hash = o.AFHash
	}
	for _, name := range []string{"pbkdf-memory", "pbkdf-force-iterations", "pbkdf-parallel", "iter-time"} {
		if n := c.Int64(name); c.IsSet(name) && (n <= 0 || n > 1<<32-1) {
			return o, ui.Usagef("--%s %d: want 1 to 2^32-1", name, n)
		}
	}
	if c.IsSet("iter-time") && c.IsSet("pbkdf-force-iterations") {
		return o, ui.Usagef("--iter-time and --pbkdf-force-iterations exclude each other")
	}
	var err error
	o.KeySize, err = keyBytes(c, "keyslot-key-size")
	return o, err
}

// keyBytes reads the size of a key, which flags give in bits; 0 if it was not given.
func keyBytes(c *urfave.Context, name string) (int, error) {
	bits := c.Int(name)
	if c.IsSet(name) && (bits <= 0 || bits%8 != 0 || bits > maxKeyBits) {
		return 0, ui.Usagef("--%s %d: not a multiple of 8 bits up to %d", name, bits, maxKeyBits)
	}
	return bits / 8, nil
}

// slotNumber reads a flag with the number of a slot, luks.AnySlot if it was not given.
func slotNumber(c *urfave.Context, name string) (int, error) {
	if !c.IsSet(name) {
		return luks.AnySlot, nil
	}
	n := c.Int(name)
	if n < 0 {
		return n, ui.Usagef("--%s %d: not a number of a slot", name, n)
	}
	return n, nil
}

// randomKey makes a key of size bytes.
func randomKey(size int) ([]byte, error) {
	key := make([]byte, size)
	_, err := rand.Read(key)
	return key, err
}
