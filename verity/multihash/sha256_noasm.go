//go:build !amd64 || purego

package multihash

// midstate is what only assembly needs.
type midstate struct{}

// archImpls returns the implementations in assembly that this machine can run,
// best first: none.
func archImpls() []impl { return nil }

func (impl) midstate([]byte) midstate { return midstate{} }

func (h *SHA256) sumBlocks(dst, blocks []byte, blockSize int) {
	h.sumGeneric(dst, blocks, blockSize)
}
