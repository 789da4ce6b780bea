//go:build !linux

package luks

import "time"

// threadTime is not known.
func threadTime() (time.Duration, bool) { return 0, false }

// processTime is not known.
func processTime() (time.Duration, bool) { return 0, false }
