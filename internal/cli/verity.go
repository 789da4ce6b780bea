package cli

import urfave "github.com/urfave/cli/v2"

func verityCommand() *urfave.Command {
	return noun("verity", "make and check hash trees that prove every block (dm-verity)",
		verityFormatCommand(),
		verityVerifyCommand(),
		verityDumpCommand(),
		verityRepairCommand(),
		verityUpdateCommand(),
		veritySizeCommand(),
		verityCheckManifestCommand(),
		veritySignCommand(),
		verityCheckSignatureCommand(),
	)
}
