package cli

import urfave "github.com/urfave/cli/v2"

func volumeCommand() *urfave.Command {
	return noun("volume", "read, write and copy what device-mapper tables describe, without the kernel",
		volumeInfoCommand(),
		volumeReadCommand(),
		volumeWriteCommand(),
		volumeCopyCommand(),
		inspectVerb(),
	)
}
