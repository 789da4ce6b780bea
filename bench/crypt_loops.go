package bench

import (
	"crypto/aes"
	"fmt"
	"os/exec"
	"slices"

	"golang.org/x/crypto/xts"

	"github.com/dmimg/dmimg/crypt"
)

// loopBytes is the buffer of the cipher loops: it stays in the first caches.
const loopBytes = 64 << 10

// cryptLoops are AES-XTS with 256-bit keys, both ways, at both ends of the sector
// sizes, and then the other modes that old images have.
func cryptLoops() ([]loop, error) {
	var loops []loop
	for _, sectorSize := range []int{512, 4096} {
		for _, decrypt := range []bool{true, false} {
			l, err := xtsLoop(sectorSize, decrypt)
			if err != nil {
				return nil, err
			}
			loops = append(loops, l)
		}
	}
	modes, err := modeLoops()
	if err != nil {
		return nil, err
	}
	others, err := otherCiphers()
	if err != nil {
		return nil, err
	}
	shared, err := readAtLoops()
	return slices.Concat(loops, modes, others, shared), err
}

func xtsLoop(sectorSize int, decrypt bool) (loop, error) {
	l := loop{name: loopName("aes-256-xts", decrypt, sectorSize)}
	key := testKey(64)
	for _, name := range crypt.Implementations() {
		c, err := cipherContestant("aes-xts-plain64", name, key, sectorSize, decrypt)
		if err != nil {
			return loop{}, err
		}
		l.contestants = append(l.contestants, c)
	}
	peer, err := xtsPeer(key, sectorSize, decrypt)
	if err != nil {
		return loop{}, err
	}
	l.contestants = append(l.contestants, peer)
	l.contestants = append(l.contestants, opensslEVP(key, sectorSize, decrypt))
	if decrypt {
		l.contestants = append(l.contestants, limitOfC(sectorSize))
	}
	if path, err := exec.LookPath("openssl"); err == nil && decrypt { // both ways take it the same time, a second
		l.contestants = append(l.contestants, opensslSpeed(path, "aes-256-xts", sectorSize, decrypt))
	}
	return l, nil
}

// cipherContestant runs one of our implementations over the loop's buffer.
func cipherContestant(spec, implementation string, key []byte, sectorSize int, decrypt bool) (contestant, error) {
	c, err := crypt.NewCipher(crypt.Config{
		Spec: spec, Key: key, SectorSize: sectorSize, Implementation: implementation,
	})
	if err != nil {
		return contestant{}, err
	}
	name := "dmimg"
	if implementation != "" {
		name += " " + implementation
	}
	src, dst := make([]byte, loopBytes), make([]byte, loopBytes)
	call := func() { c.EncryptSectors(dst, src, 0) }
	if decrypt {
		call = func() { c.DecryptSectors(dst, src, 0) }
	}
	return contestant{name: name, bytes: loopBytes, call: call}, nil
}

// xtsPeer is what a Go program does without us: x/crypto, a call per sector.
func xtsPeer(key []byte, sectorSize int, decrypt bool) (contestant, error) {
	c, err := xts.NewCipher(aes.NewCipher, key)
	if err != nil {
		return contestant{}, err
	}
	do := c.Encrypt
	if decrypt {
		do = c.Decrypt
	}
	src, dst := make([]byte, loopBytes), make([]byte, loopBytes)
	return contestant{
		name: "golang.org/x/crypto/xts", peer: true, baseline: true, bytes: loopBytes,
		call: func() {
			for n := range loopBytes / sectorSize {
				at := n * sectorSize
				do(dst[at:at+sectorSize], src[at:at+sectorSize], uint64(n*sectorSize/512))
			}
		},
	}, nil
}

func loopName(cipher string, decrypt bool, sectorSize int) string {
	way := "encrypt"
	if decrypt {
		way = "decrypt"
	}
	return fmt.Sprintf("%s %s, %d-byte sectors, in memory", cipher, way, sectorSize)
}

// testKey returns n bytes that no two halves have in common.
func testKey(n int) []byte {
	key := make([]byte, n)
	for i := range key {
		key[i] = byte(i*7 + 1)
	}
	return key
}
