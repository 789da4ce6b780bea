package cli

import urfave "github.com/urfave/cli/v2"

func kernelCommand() *urfave.Command {
	return noun("kernel", "activate, change and list the devices of the running kernel (Linux, root)",
		kernelCreateCommand(),
		kernelLoadCommand(),
		kernelCreateAndLoadCommand(),
		kernelResumeCommand(),
		kernelSuspendCommand(),
		kernelRemoveCommand(),
		kernelRemoveAllCommand(),
		kernelClearCommand(),
		kernelRenameCommand(),
		kernelSetUUIDCommand(),
		kernelLsCommand(),
		kernelInfoCommand(),
		kernelTableCommand(),
		kernelStatusCommand(),
		kernelDepsCommand(),
		kernelMessageCommand(),
		kernelWaitCommand(),
		kernelEventsCommand(),
		kernelTargetsCommand(),
		kernelTargetVersionCommand(),
		kernelSetGeometryCommand(),
		kernelVersionCommand(),
	)
}
