//go:build (!amd64 && !arm64) || purego

package xts

// roundKeys is what implementations in assembly would work with.
type roundKeys struct{}

func (*roundKeys) expand([]byte)     {}
func (*roundKeys) expandData([]byte) {}

func (*Blocks) encryptInPlace([]byte) {}
func (*Blocks) decryptInPlace([]byte) {}

// archImpls returns the implementations in assembly that this machine can run,
// best first: none.
func archImpls() []impl { return nil }

// encryptSectors encrypts whole sectors. tweaks holds their IVs and is
// overwritten.
func (c *Cipher) encryptSectors(dst, src, tweaks []byte, sectorSize int, s *scratch) {
	encryptSectorsGeneric(c, dst, src, tweaks, sectorSize, s)
}

// decryptSectors is the inverse of encryptSectors.
func (c *Cipher) decryptSectors(dst, src, tweaks []byte, sectorSize int, s *scratch) {
	decryptSectorsGeneric(c, dst, src, tweaks, sectorSize, s)
}
