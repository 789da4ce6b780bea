//go:build !race && (amd64 || arm64) && !purego

package multihash

func raceRead([]byte)  {}
func raceWrite([]byte) {}
