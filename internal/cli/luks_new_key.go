package cli

import (
	"context"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// newPassphrase says where the passphrase of a key slot that is made comes from.
type newPassphrase struct {
	prefix         string     // of its flags: "" or "new-"
	keyFile        ui.KeyFile // Path "" if not given
	passphraseFile string     // "" with another, or to ask
}

const newPassphraseHelp = `The new passphrase comes from --new-passphrase-file (one final newline is dropped), from --new-key-file (all
bytes of it; - is standard input), or is asked for on the terminal, twice.`

// newPassphraseFlags are the flags of a new passphrase; prefix is "new-" where there is an
// existing one, too, otherwise "".
func newPassphraseFlags(prefix string) []urfave.Flag {
	keyFile, passphraseFile := []string{"new-keyfile"}, []string(nil)
	if prefix == "" {
		keyFile, passphraseFile = []string{"new-key-file"}, []string{"new-passphrase-file"}
	}
	return []urfave.Flag{
		&urfave.StringFlag{Name: prefix + "key-file", Aliases: keyFile, Usage: "read the new passphrase from `FILE`, all of it; - is standard input"},
		ui.SizeFlag(prefix+"keyfile-offset", "skip `BYTES` of that key file"),
		ui.SizeFlag(prefix+"keyfile-size", "read `BYTES` of that key file"),
		&urfave.StringFlag{
			Name: prefix + "passphrase-file", Aliases: passphraseFile,
			Usage: "read the new passphrase from `FILE`, without one final newline",
		},
	}
}

func newPassphraseOf(c *urfave.Context, prefix string) (newPassphrase, error) {
	n := newPassphrase{
		prefix: prefix, passphraseFile: c.String(prefix + "passphrase-file"),
		keyFile: ui.KeyFile{
			Path: c.String(prefix + "key-file"), Offset: ui.SizeOf(c, prefix+"keyfile-offset", 0), Size: ui.SizeOf(c, prefix+"keyfile-size", 0),
		},
	}
	if n.keyFile.Path != "" && n.passphraseFile != "" {
		return n, ui.Usagef("--%skey-file and --%spassphrase-file exclude each other", prefix, prefix)
	}
	for _, name := range []string{"keyfile-offset", "keyfile-size"} {
		if err := unusedFlag(c.IsSet(prefix+name) && n.keyFile.Path == "", prefix+name, "only with --"+prefix+"key-file"); err != nil {
			return n, err
		}
	}
	return n, nil
}

// usesStdin reports whether the passphrase comes through standard input.
func (n newPassphrase) usesStdin() bool { return n.keyFile.Path == "-" || n.passphraseFile == "-" }

// read returns the passphrase; the caller wipes it. An empty one is a mistake.
func (n newPassphrase) read(ctx context.Context, s ui.Streams) (pass []byte, err error) {
	switch {
	case n.keyFile.Path != "":
		pass, err = ui.ReadKeyFile(ctx, n.keyFile, s.In)
	case n.passphraseFile != "":
		pass, err = ui.ReadPassphraseFile(ctx, n.passphraseFile, s.In)
	default:
		pass, err = ui.PromptNewPassphrase(s, n.prompt())
		if ui.ExitCode(err) == ui.ExitWrongUse { // there is nobody to ask
			err = ui.Hint(err, "give --%spassphrase-file or --%skey-file", n.prefix, n.prefix)
		}
		return pass, err
	}
	if err == nil && len(pass) == 0 {
		err = ui.Failf("the new passphrase is empty: there is nothing in %s", n.keyFile.Path+n.passphraseFile)
	}
	return pass, err
}

func (n newPassphrase) prompt() string {
	word := strings.TrimSuffix(n.prefix, "-") + " passphrase: "
	word = strings.TrimPrefix(word, " ")
	return strings.ToUpper(word[:1]) + word[1:]
}
