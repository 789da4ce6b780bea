package cli

import urfave "github.com/urfave/cli/v2"

func cryptEncryptCommand() *urfave.Command {
	return &urfave.Command{
		Name: "encrypt", Usage: "encrypt the file IN into the image OUT", ArgsUsage: "IN OUT",
		Description: `IN and OUT may be - for standard input and output. --offset is a place in OUT; the sector there has
number 0 (plus --iv-offset). With --offset and --force an existing OUT keeps what is around the new sectors.
` + keySourceHelp,
		Flags: cryptFlags(), Action: cryptAction(false),
	}
}
