package cli

import urfave "github.com/urfave/cli/v2"

func cryptCommand() *urfave.Command {
	return noun("crypt", "decrypt and encrypt images with a raw key (dm-crypt)")
}
