//go:build !linux

package bench

import "time"

var started = time.Now()

// threadTime returns wall time: these systems have no portable clock of a
// thread's CPU time, so a busy machine shows in the figures.
func threadTime() time.Duration { return time.Since(started) }

// processTime returns wall time too.
func processTime() time.Duration { return time.Since(started) }
