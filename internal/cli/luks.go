package cli

import urfave "github.com/urfave/cli/v2"

func luksCommand() *urfave.Command {
	return noun("luks", "look into, make, open and change LUKS images, with no kernel",
		luksDumpCommand(),
		luksCheckCommand(),
		luksDecryptCommand(),
		luksEncryptCommand(),
		luksFormatCommand(),
		luksAddKeyCommand(),
		luksChangeKeyCommand(),
		luksRemoveKeyCommand(),
		luksKillSlotCommand(),
		luksBackupHeaderCommand(),
		luksRestoreHeaderCommand(),
		luksRepairCommand(),
		luksVolumeKeyCommand(),
		luksConvertCommand(),
		luksConfigCommand(),
		luksUUIDCommand(),
		luksEraseCommand(),
		luksTableCommand(),
	)
}
