package cli

import (
	"context"
	"errors"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/hashes"
)

// keySource says where the volume key comes from.
type keySource struct {
	volumeKeyFile string // raw; "" in plain mode

	plain          bool       // cryptsetup's plain mode
	hash           string     // of the passphrase; "plain" for none
	keySize        int        // bytes
	keyFile        ui.KeyFile // Path "" if not given
	passphraseFile string     // "" with keyFile, or to ask
}

const (
	plainType    = "plain"
	rawType      = "raw"
	plainNoHash  = "plain"
	maxKeyBits   = 8 * 4096
	plainKeyHelp = "plain mode stores nothing: say --cipher, --key-size and --hash as they were when the volume was made " +
		"(without options cryptsetup up to 2.6 took aes-cbc-essiv:sha256, 256 and ripemd160)"
)

const keySourceHelp = `--volume-key-file is the raw key. With --type plain the key is made as cryptsetup's plain mode does: from
a passphrase (--passphrase-file, --key-file -, or asked for) with --hash, or, with --key-file PATH, it is
the first --key-size bits of that file.`

func keySourceFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "volume-key-file", Usage: "read the raw key from `FILE`, all of it"},
		&urfave.StringFlag{Name: "type", Usage: "`TYPE` of key: raw or plain", Value: rawType},
		&urfave.StringFlag{Name: "hash", Usage: "plain mode: hash the passphrase with `NAME`; plain for no hashing"},
		&urfave.IntFlag{Name: "key-size", Usage: "plain mode: `BITS` of the key"},
		&urfave.StringFlag{Name: "passphrase-file", Usage: "plain mode: read the passphrase from `FILE`, without one final newline"},
		&urfave.StringFlag{Name: "key-file", Usage: "plain mode: read the key from `FILE`, or, with -, the passphrase"},
		ui.SizeFlag("keyfile-offset", "skip `BYTES` of the key file"),
		ui.SizeFlag("keyfile-size", "read `BYTES` of the key file"),
	}
}

func keySourceOf(c *urfave.Context) (keySource, error) {
	k := keySource{
		volumeKeyFile: c.String("volume-key-file"), plain: c.String("type") == plainType,
		hash: strings.ToLower(c.String("hash")), passphraseFile: c.String("passphrase-file"),
		keyFile: ui.KeyFile{Path: c.String("key-file"), Offset: ui.SizeOf(c, "keyfile-offset", 0), Size: ui.SizeOf(c, "keyfile-size", 0)},
	}
	if k.plain {
		return k, k.checkPlain(c)
	}
	if t := c.String("type"); t != rawType {
		return k, ui.Usagef("--type %q: %s or %s", t, rawType, plainType)
	}
	for _, name := range []string{"hash", "key-size", "passphrase-file", "key-file", "keyfile-offset", "keyfile-size"} {
		if err := unusedFlag(c.IsSet(name), name, "only with --type plain"); err != nil {
			return k, err
		}
	}
	if k.volumeKeyFile == "" {
		return k, &ui.Error{
			Code: ui.ExitWrongUse, Hint: "--type plain makes a key from a passphrase as cryptsetup does",
			Err: errors.New("the key is missing: give --volume-key-file"),
		}
	}
	return k, nil
}

func (k *keySource) checkPlain(c *urfave.Context) error {
	bits := c.Int("key-size")
	switch {
	case k.volumeKeyFile != "":
		return ui.Usagef("--volume-key-file and --type plain exclude each other")
	case k.passphraseFile != "" && k.keyFile.Path != "":
		return ui.Usagef("--passphrase-file and --key-file exclude each other")
	case bits == 0:
		return plainNeeds("--key-size")
	case bits < 0 || bits%8 != 0 || bits > maxKeyBits:
		return ui.Usagef("--key-size %d: not a multiple of 8 bits up to %d", bits, maxKeyBits)
	case k.fromRawFile():
	case k.hash == "":
		return plainNeeds("--hash")
	case k.hash != plainNoHash:
		if _, err := hashes.Lookup(k.hash); err != nil {
			return ui.Hint(ui.Failf("--hash: %w", err), "known are plain %s", knownHashes())
		}
	}
	k.keySize = bits / 8
	return nil
}

// fromRawFile reports whether plain mode takes the key from a file as it is.
func (k *keySource) fromRawFile() bool { return k.keyFile.Path != "" && k.keyFile.Path != "-" }

func plainNeeds(flag string) error {
	return &ui.Error{Code: ui.ExitWrongUse, Hint: plainKeyHelp, Err: errors.New("--type plain: " + flag + " is missing")}
}

// usesStdin reports whether the key comes through standard input.
func (k *keySource) usesStdin() bool {
	return k.volumeKeyFile == "-" || k.keyFile.Path == "-" || k.passphraseFile == "-"
}

// read returns the key; the caller wipes it.
func (k *keySource) read(ctx context.Context, s ui.Streams) ([]byte, error) {
	switch {
	case !k.plain:
		return ui.ReadKeyFile(ctx, ui.KeyFile{Path: k.volumeKeyFile}, s.In)
	case k.fromRawFile():
		file := k.keyFile
		if file.Size == 0 {
			file.Size = int64(k.keySize)
		}
		key, err := ui.ReadKeyFile(ctx, file, s.In)
		if err == nil && len(key) < k.keySize {
			ui.Wipe(key)
			return nil, ui.WrongKeyf("--keyfile-size %d: the key has %d bytes", file.Size, k.keySize)
		}
		return key[:min(len(key), k.keySize)], err
	}
	pass, err := k.passphrase(ctx, s)
	if err != nil {
		return nil, err
	}
	defer ui.Wipe(pass)
	return plainKey(k.hash, pass, k.keySize)
}

func (k *keySource) passphrase(ctx context.Context, s ui.Streams) ([]byte, error) {
	switch {
	case k.keyFile.Path != "":
		return ui.ReadKeyFile(ctx, k.keyFile, s.In)
	case k.passphraseFile != "":
		return ui.ReadPassphraseFile(ctx, k.passphraseFile, s.In)
	default:
		return ui.PromptPassphrase(s, "Passphrase: ")
	}
}

// plainKey derives a key of size bytes from a passphrase as cryptsetup's plain mode
// does: the digest of the passphrase, then of "A" and the passphrase, of "AA" and the
// passphrase, and so on, cut to size. Found by comparing with keys of real mappings.
// The hash "plain" takes the passphrase itself, filled up with zeros. The caller
// wipes the result.
func plainKey(hash string, pass []byte, size int) ([]byte, error) {
	key := make([]byte, size)
	if hash == plainNoHash {
		copy(key, pass)
		return key, nil
	}
	a, err := hashes.Lookup(hash)
	if err != nil {
		return nil, err
	}
	h := a.New()
	sum := make([]byte, 0, a.Size)
	defer ui.Wipe(sum)
	prefix := 0
	for done := 0; done < size; prefix++ {
		h.Reset()
		for range prefix {
			h.Write([]byte{'A'})
		}
		h.Write(pass)
		done += copy(key[done:], h.Sum(sum[:0]))
	}
	h.Reset()
	return key, nil
}
