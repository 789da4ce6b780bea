// Package cli is the command line of dmimg: app.go lists the nouns, <noun>.go
// the verbs of a noun, <noun>_<verb>.go one verb: its flags and a function on
// plain values that does the work.
//
//	code := cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
//
// Flags may stand anywhere; args.go puts them in the order the flag parser wants.
// Nothing here is worth importing: whatever a program could use lives in the
// packages tables, volume, crypt, verity and kernel.
package cli
