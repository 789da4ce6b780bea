package cryptsetup

import (
	"fmt"

	"github.com/dmimg/dmimg/internal/dropin/popt"
)

// explain prints help, usage or version.
func (r *run) explain() {
	switch r.Stop {
	case "usage":
		fmt.Fprint(r.Err, r.usage)
	case "version":
		r.printf("%s\n", popt.Version(name, "2.6.1"))
	default:
		r.printf("%s\nUsage: %s [OPTION...] <action> <action-specific>\n\nHelp options:\n%s\n<action> is one of:\n",
			popt.Version(name, "2.6.1"), name, popt.Help(options))
		for _, a := range actions() {
			r.printf("\t%s %s - %s\n", a.name, a.words, a.help)
		}
		r.printf("\nOlder names of actions:\n%s\n%s", oldNames, defaults)
	}
}

const oldNames = `	open: create (plainOpen), luksOpen; refresh
	close: remove (plainClose), luksClose
	erase: luksErase; config: luksConfig
`

const defaults = `Defaults:
	luksFormat makes LUKS2, with aes-xts-plain64 and a volume key of 512 bits, and sha256 in the header
	LUKS1: pbkdf2, 2000 ms; LUKS2: argon2id, 2000 ms, 1048576 kB, 4 threads
	A key file has at most 8192 kB, a passphrase at a terminal 512 characters
`
