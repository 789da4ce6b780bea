//go:build !linux

package luks

// lockPages does nothing: only Linux is asked.
func lockPages([]byte) bool { return false }

func unlockPages([]byte) {}

// totalMemory is not known.
func totalMemory() uint64 { return 0 }
