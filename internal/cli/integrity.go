package cli

import urfave "github.com/urfave/cli/v2"

func integrityCommand() *urfave.Command {
	return noun("integrity", "make and check devices with a tag for every block (dm-integrity)",
		integrityFormatCommand(),
		integrityDumpCommand(),
		integrityCheckCommand(),
		integrityLayoutCommand(),
	)
}
