//go:build race && amd64 && !purego

package aegis

import (
	"runtime"
	"unsafe"
)

// raceRead tells the race detector what assembly reads, which it cannot see.
func raceRead(p []byte) {
	if len(p) > 0 {
		runtime.RaceReadRange(unsafe.Pointer(&p[0]), len(p))
	}
}

// raceWrite tells the race detector what assembly writes.
func raceWrite(p []byte) {
	if len(p) > 0 {
		runtime.RaceWriteRange(unsafe.Pointer(&p[0]), len(p))
	}
}
