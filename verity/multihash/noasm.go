//go:build !amd64 || purego

package multihash

func fastSHA256() []impl { return nil }

// sumFast returns how many blocks it hashed: none.
func (*batch) sumFast(_, _ []byte, _ int) int { return 0 }
