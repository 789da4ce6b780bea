// Package cryptsetup speaks the command line of cryptsetup 2.6.1 for LUKS over package
// crypt/luks: the same actions and options, the same output and exit statuses, so that
// scripts run unchanged.
//
//	code := cryptsetup.Run(ctx, os.Args[1:], streams, bodies)
//
// It follows cryptsetup(8) and the manuals of its actions. What they leave open (which
// option goes with which action, what is said, which status comes first) was found by
// running cryptsetup on files; README.md lists what differs on purpose.
//
// actions.go is the list of actions and options.go that of the options, check.go says
// what goes together; <action>.go is one action; passphrase.go, keyfile.go and ask.go get
// keys from whoever has them.
//
// It does not speak of TCRYPT, BITLK, FVAULT2 and loop-AES devices, re-encrypts nothing,
// and has no plugins for tokens.
package cryptsetup
