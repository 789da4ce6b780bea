//go:build !race

package multihash

const raceEnabled = false
