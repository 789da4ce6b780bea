//go:build race

package multihash

const raceEnabled = true
