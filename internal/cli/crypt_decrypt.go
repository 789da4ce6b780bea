package cli

import urfave "github.com/urfave/cli/v2"

func cryptDecryptCommand() *urfave.Command {
	return &urfave.Command{
		Name: "decrypt", Usage: "decrypt the image IN into the file OUT", ArgsUsage: "IN OUT",
		Description: `IN and OUT may be - for standard input and output. --offset is a place in IN; the sector there has
number 0 (plus --iv-offset). Nothing tells a wrong key or cipher: the result is then noise.
` + keySourceHelp,
		Flags: cryptFlags(), Action: cryptAction(true),
	}
}
