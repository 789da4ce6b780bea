package ui

import "io"

// Streams are the three standard streams a verb works with. Verbs never touch
// os.Stdin, os.Stdout or os.Stderr themselves, so they can be tested in memory.
type Streams struct {
	In  io.Reader // data or keys, when a path is "-"
	Out io.Writer // data only
	Err io.Writer // words only
}
