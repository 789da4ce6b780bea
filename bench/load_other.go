//go:build !linux

package bench

// loadAverage returns nil: not known.
func loadAverage() *float64 { return nil }
