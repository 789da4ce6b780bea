package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/hashes"
)

// keySource says where the volume key comes from.
type keySource struct {
	volumeKeyFile string // raw; "" in plain mode

	plain          bool       // cryptsetup's plain mode
	hash           string     // of the passphrase as given, "sha256" or "sha256:16"; "plain" for none
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
a passphrase with --hash, or, with --key-file PATH, it is --key-size bits of that file, from
--keyfile-offset on. The passphrase is asked for, or is --passphrase-file up to the first newline, or, with
--key-file -, all of standard input, newlines too. --hash NAME:N takes N bytes of the hash and zeros;
--hash plain takes the passphrase itself and zeros, but with --key-file - the first --key-size bits.`

func keySourceFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "volume-key-file", Usage: "read the raw key from `FILE`, all of it"},
		&urfave.StringFlag{Name: "type", Usage: "`TYPE` of key: raw or plain", Value: rawType},
		&urfave.StringFlag{Name: "hash", Usage: "plain mode: hash the passphrase with `NAME[:BYTES]`; plain for no hashing"},
		&urfave.IntFlag{Name: "key-size", Usage: "plain mode: `BITS` of the key"},
		&urfave.StringFlag{Name: "passphrase-file", Usage: "plain mode: read the passphrase from `FILE`, up to the first newline"},
		&urfave.StringFlag{Name: "key-file", Usage: "plain mode: read the key from `FILE`, or, with -, the passphrase"},
		ui.SizeFlag("keyfile-offset", "skip `BYTES` of the key file"),
		ui.SizeFlag("keyfile-size", "read `BYTES` of the key file; for a passphrase, the key has its size"),
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
	}
	k.keySize = bits / 8
	switch {
	case k.fromRawFile():
		return nil
	case k.hash == "":
		return plainNeeds("--hash")
	}
	_, err := parsePlainHash(k.hash, k.keySize)
	return err
}

// fromRawFile reports whether plain mode takes the key from a file as it is:
// cryptsetup hashes only what comes through standard input, and nothing with the hash
// "plain".
func (k *keySource) fromRawFile() bool {
	return k.keyFile.Path != "" && (k.keyFile.Path != "-" || k.hash == plainNoHash)
}

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
		file.Size = int64(k.keySize) // cryptsetup does not look at --keyfile-size here
		return ui.ReadKeyFile(ctx, file, s.In)
	}
	pass, err := k.passphrase(ctx, s)
	if err != nil {
		return nil, err
	}
	defer ui.Wipe(pass)
	h, err := parsePlainHash(k.hash, k.keySize)
	if err != nil {
		return nil, err
	}
	return h.Key(pass), nil
}

func (k *keySource) passphrase(ctx context.Context, s ui.Streams) ([]byte, error) {
	switch {
	case k.keyFile.Path != "":
		pass, err := ui.ReadKeyFile(ctx, k.keyFile, s.In)
		return pass, errors.Join(err, emptyPassphrase(pass, err))
	case k.passphraseFile != "":
		pass, err := ui.ReadKeyFile(ctx, ui.KeyFile{Path: k.passphraseFile}, s.In)
		if err := errors.Join(err, emptyPassphrase(pass, err)); err != nil {
			return nil, err
		}
		if end := bytes.IndexByte(pass, '\n'); end >= 0 {
			ui.Wipe(pass[end:])
			pass = pass[:end]
		}
		return pass, nil
	default:
		return ui.PromptPassphrase(s, "Passphrase: ")
	}
}

// emptyPassphrase refuses input without a byte, as cryptsetup does; a newline alone
// is an empty passphrase to it. err is that of reading.
func emptyPassphrase(pass []byte, err error) error {
	if err != nil || len(pass) > 0 {
		return nil
	}
	return ui.Failf("reading the passphrase: there is nothing to read")
}

// parsePlainHash reads --hash for a key of keySize bytes.
func parsePlainHash(text string, keySize int) (crypt.PlainHash, error) {
	h, err := crypt.ParsePlainHash(text, keySize)
	switch {
	case errors.Is(err, hashes.ErrUnknown):
		return h, ui.Hint(ui.Failf("--hash: %w", err), "known are plain %s", knownHashes())
	case err != nil:
		return h, ui.Usagef("--hash: %w", err)
	}
	return h, nil
}
