package cli

import urfave "github.com/urfave/cli/v2"

func tableCommand() *urfave.Command {
	return noun("table", "read, write and check device-mapper tables as text and as JSON",
		tableParseCommand(),
		tableFormatCommand(),
		tableCheckCommand(),
	)
}

// tableForms describes the input of every verb that reads a table.
const tableForms = `FILE (or standard input, when it is left out or "-") holds device-mapper tables in one of these
forms; which one it is, is recognised:
  0 2048 linear /dev/sdb 0             table lines: start and length in sectors of 512 bytes, target, words
  root: 0 2048 linear 8:16 0           the same as "dmsetup table" prints several devices
  root,,,rw,0 2048 linear 8:16 0       the concise form of "dmsetup table --concise"
  dm-mod.create="root,,,rw,0 2048 …"   the boot parameter`
