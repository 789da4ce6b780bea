package main

import (
	"fmt"
	"os/exec"
	"strings"
)

// udevCommands start the daemon of udev and let it see the block devices that were
// there before it.
var udevCommands = [][]string{
	{"/usr/lib/systemd/systemd-udevd", "--daemon", "--resolve-names=early"},
	{"/usr/bin/udevadm", "trigger", "--action=add", "--subsystem-match=block", "--subsystem-match=misc"},
	{"/usr/bin/udevadm", "settle", "--timeout=60"},
}

func startUdev() error {
	for _, args := range udevCommands {
		cmd := exec.Command(args[0], args[1:]...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}
