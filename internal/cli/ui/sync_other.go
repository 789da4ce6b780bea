//go:build !unix

package ui

// cannotSync reports whether flushing failed only because there is nothing to flush;
// here every failure counts.
func cannotSync(error) bool { return false }

// syncDir does nothing: a directory cannot be flushed here.
func syncDir(string) {}
