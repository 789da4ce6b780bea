package cli

import urfave "github.com/urfave/cli/v2"

func luksCommand() *urfave.Command {
	return noun("luks", "look into, check and decrypt LUKS images, with no kernel",
		luksDumpCommand(),
		luksCheckCommand(),
		luksDecryptCommand(),
		luksTableCommand(),
		luksUUIDCommand(),
		luksBackupHeaderCommand(),
		luksVolumeKeyCommand(),
	)
}
