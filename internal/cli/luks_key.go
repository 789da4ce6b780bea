package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// luksKey says with what a LUKS image is opened.
type luksKey struct {
	volumeKeyFile  string     // the raw volume key; "" if a passphrase is used
	keyFile        ui.KeyFile // Path "" if not given
	passphraseFile string     // "" with another, or to ask
	prompt         string     // "": Passphrase
	options        luks.UnlockOptions
}

const luksKeyHelp = `The passphrase comes from --passphrase-file (one final newline is dropped), from --key-file (all bytes of
it; - is standard input), or is asked for on the terminal. --volume-key-file is the raw volume key, with
which no key slot is needed. Without --key-slot all slots are tried, but not those of priority "ignored".
Exit status 4: no slot opens, or the volume key is another.`

// luksKeyFlags are the flags of every verb that opens a LUKS image.
func luksKeyFlags() []urfave.Flag {
	return append(luksSecretFlags(), &urfave.IntFlag{Name: "key-slot", Usage: "try only key slot `N`"})
}

// luksSecretFlags are the same without --key-slot, which says something else in some verbs.
func luksSecretFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "key-file", Usage: "read the passphrase from `FILE`, all of it; - is standard input"},
		ui.SizeFlag("keyfile-offset", "skip `BYTES` of the key file"),
		ui.SizeFlag("keyfile-size", "read `BYTES` of the key file"),
		&urfave.StringFlag{Name: "passphrase-file", Usage: "read the passphrase from `FILE`, without one final newline"},
		&urfave.StringFlag{Name: "volume-key-file", Usage: "read the raw volume key from `FILE`"},
		&urfave.BoolFlag{Name: "allow-costly", Usage: "open key slots that need more than 4 GiB of memory or an estimated 30 s"},
	}
}

func headerFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "header", Usage: "the header is in `FILE` and not in IMAGE (detached)"}
}

// luksKeyOf reads the flags of luksKeyFlags.
func luksKeyOf(c *urfave.Context) (luksKey, error) {
	k, err := luksSecretOf(c)
	if err != nil {
		return k, err
	}
	slot, err := slotNumber(c, "key-slot")
	return k.only(slot), errors.Join(err, k.checkSlot(slot))
}

// only tries no slot but this one, unless that is luks.AnySlot.
func (k luksKey) only(slot int) luksKey {
	if slot != luks.AnySlot {
		k.options.Slots = []int{slot}
	}
	return k
}

// checkSlot refuses a slot to open where a volume key needs none.
func (k luksKey) checkSlot(slot int) error {
	if k.volumeKeyFile != "" && slot != luks.AnySlot {
		return ui.Usagef("--key-slot and --volume-key-file exclude each other")
	}
	return nil
}

// luksSecretOf reads the flags of luksSecretFlags.
func luksSecretOf(c *urfave.Context) (luksKey, error) {
	k := luksKey{
		volumeKeyFile: c.String("volume-key-file"), passphraseFile: c.String("passphrase-file"),
		keyFile: ui.KeyFile{Path: c.String("key-file"), Offset: ui.SizeOf(c, "keyfile-offset", 0), Size: ui.SizeOf(c, "keyfile-size", 0)},
		options: luks.UnlockOptions{AllowCostly: c.Bool("allow-costly"), Jobs: ui.JobsOf(c)},
	}
	var given []string
	for _, name := range []string{"key-file", "passphrase-file", "volume-key-file"} {
		if c.String(name) != "" {
			given = append(given, "--"+name)
		}
	}
	if len(given) > 1 {
		return k, ui.Usagef("%s exclude each other", strings.Join(given, " and "))
	}
	for _, name := range []string{"keyfile-offset", "keyfile-size"} {
		if err := unusedFlag(c.IsSet(name) && k.keyFile.Path == "", name, "only with --key-file"); err != nil {
			return k, err
		}
	}
	return k, nil
}

// given reports whether the flags name a key, so that none needs to be asked for.
func (k luksKey) given() bool {
	return k.volumeKeyFile != "" || k.keyFile.Path != "" || k.passphraseFile != ""
}

// usesStdin reports whether the key comes through standard input.
func (k luksKey) usesStdin() bool {
	return k.volumeKeyFile == "-" || k.keyFile.Path == "-" || k.passphraseFile == "-"
}

// unlock gets the volume key. The caller wipes it.
func (k luksKey) unlock(ctx context.Context, s ui.Streams, h *luks.Header) (*luks.Key, error) {
	secret, err := k.read(ctx, s)
	if err != nil {
		return nil, err
	}
	defer ui.Wipe(secret)
	return k.unlockWith(ctx, h, secret)
}

// read returns the passphrase or the volume key; the caller wipes it.
func (k luksKey) read(ctx context.Context, s ui.Streams) ([]byte, error) {
	if k.volumeKeyFile != "" {
		return ui.ReadKeyFile(ctx, ui.KeyFile{Path: k.volumeKeyFile}, s.In)
	}
	return k.passphrase(ctx, s)
}

// unlockWith gets the volume key with what read returned.
func (k luksKey) unlockWith(ctx context.Context, h *luks.Header, secret []byte) (*luks.Key, error) {
	if k.volumeKeyFile != "" {
		return h.VolumeKey(ctx, secret)
	}
	key, err := h.Unlock(ctx, secret, k.options)
	switch {
	case errors.Is(err, luks.ErrCostly):
		err = ui.Hint(err, "--allow-costly opens it all the same; it is interrupted with Ctrl-C")
	case errors.Is(err, luks.ErrNoKeyslot) && k.options.Slots == nil:
		err = ui.Hint(err, "--volume-key-file opens it without a slot, --key-slot N one that is ignored otherwise")
	}
	return key, err
}

func (k luksKey) passphrase(ctx context.Context, s ui.Streams) ([]byte, error) {
	switch {
	case k.keyFile.Path != "":
		return ui.ReadKeyFile(ctx, k.keyFile, s.In)
	case k.passphraseFile != "":
		return ui.ReadPassphraseFile(ctx, k.passphraseFile, s.In)
	}
	if k.prompt != "" {
		return ui.PromptPassphrase(s, k.prompt)
	}
	return ui.PromptPassphrase(s, "Passphrase: ")
}

// slotName says in words where a key was found.
func slotName(k *luks.Key) string {
	switch {
	case k.Slot < 0:
		return "the volume key"
	case len(k.Segments) == 0:
		return fmt.Sprintf("key slot %d (unbound)", k.Slot)
	}
	return fmt.Sprintf("key slot %d", k.Slot)
}
