//go:build (amd64 || arm64) && !purego

package xts

// encryptSectors encrypts whole sectors. tweaks is the front of s.tweaks; it holds
// their IVs and is overwritten.
func (c *Cipher) encryptSectors(dst, src, tweaks []byte, sectorSize int, s *scratch) {
	if c.impl == implGeneric {
		encryptSectorsGeneric(c, dst, src, tweaks, sectorSize, s)
		return
	}
	raceRead(src)
	raceWrite(dst)
	c.encryptTweaks(tweaks, s)
	sectors := len(tweaks) / BlockSize
	for ; sectorSize > maxCall; sectorSize -= maxCall { // a sector of that size comes alone
		c.callEncrypt(&dst[0], &src[0], &s.tweaks[0], 1, maxCall)
		dst, src = dst[maxCall:], src[maxCall:]
		loadTweak(tweaks).times(afterCall).store(tweaks)
	}
	c.callEncrypt(&dst[0], &src[0], &s.tweaks[0], sectors, sectorSize)
}

// decryptSectors is the inverse of encryptSectors.
func (c *Cipher) decryptSectors(dst, src, tweaks []byte, sectorSize int, s *scratch) {
	if c.impl == implGeneric {
		decryptSectorsGeneric(c, dst, src, tweaks, sectorSize, s)
		return
	}
	raceRead(src)
	raceWrite(dst)
	c.encryptTweaks(tweaks, s)
	sectors := len(tweaks) / BlockSize
	for ; sectorSize > maxCall; sectorSize -= maxCall { // a sector of that size comes alone
		c.callDecrypt(&dst[0], &src[0], &s.tweaks[0], 1, maxCall)
		dst, src = dst[maxCall:], src[maxCall:]
		loadTweak(tweaks).times(afterCall).store(tweaks)
	}
	c.callDecrypt(&dst[0], &src[0], &s.tweaks[0], sectors, sectorSize)
}

// encryptTweaks makes the first tweaks of sectors of their IVs, those of a group of
// sectors at once. What is behind them in s is overwritten too.
func (c *Cipher) encryptTweaks(ivs []byte, s *scratch) {
	c.impl.encryptBlocks(&c.keys.tweak, c.keys.rounds, &s.tweaks[0], (len(ivs)+blockGroup-1)/blockGroup)
}

// blockGroup is how many bytes assembly encrypts at once where blocks do not depend
// on one another.
const blockGroup = 16 * BlockSize

// encryptInPlace encrypts each block of p.
func (b *Blocks) encryptInPlace(p []byte) {
	k := &b.keys
	for ; len(p) >= blockGroup; p = p[min(len(p)/blockGroup*blockGroup, maxCall):] {
		b.impl.encryptBlocks(&k.encrypt, k.rounds, &p[0], min(len(p), maxCall)/blockGroup)
	}
	if len(p) > 0 {
		var group [blockGroup]byte
		copy(group[:], p)
		b.impl.encryptBlocks(&k.encrypt, k.rounds, &group[0], 1)
		copy(p, group[:])
	}
}

// decryptInPlace decrypts each block of p.
func (b *Blocks) decryptInPlace(p []byte) {
	k := &b.keys
	for ; len(p) >= blockGroup; p = p[min(len(p)/blockGroup*blockGroup, maxCall):] {
		b.impl.decryptBlocks(&k.decrypt, k.rounds, &p[0], min(len(p), maxCall)/blockGroup)
	}
	if len(p) > 0 {
		var group [blockGroup]byte
		copy(group[:], p)
		b.impl.decryptBlocks(&k.decrypt, k.rounds, &group[0], 1)
		copy(p, group[:])
		clear(group[:])
	}
}

// afterCall is x^4096, what a tweak is multiplied with to have that of the block
// maxCall bytes on.
var afterCall = tweak{lo: 0x00000100000001, hi: 0x00008700000001}

// times returns the product of t and u, bit by bit and in constant time.
func (t tweak) times(u tweak) tweak {
	var product tweak
	for range 64 {
		product = product.add(t, u.lo)
		t, u.lo = t.double(), u.lo>>1
	}
	for range 64 {
		product = product.add(t, u.hi)
		t, u.hi = t.double(), u.hi>>1
	}
	return product
}

// add returns the sum of t and, if the lowest bit of condition is set, u.
func (t tweak) add(u tweak, condition uint64) tweak {
	mask := -(condition & 1)
	return tweak{t.lo ^ u.lo&mask, t.hi ^ u.hi&mask}
}
