//go:build race

package volume_test

// raceEnabled: the race detector makes sync.Pool forget on purpose, so that
// allocations cannot be counted.
const raceEnabled = true
