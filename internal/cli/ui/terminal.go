package ui

import "io"

// IsTerminal reports whether w is a terminal, where a person looks on.
func IsTerminal(w io.Writer) bool { return isTerminal(w) }
