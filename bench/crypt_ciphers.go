package bench

import (
	"context"
	"crypto/cipher"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/twofish" //lint:ignore SA1019 the peer
	"golang.org/x/crypto/xts"

	"github.com/dmimg/dmimg/crypt"
)

// otherSector is the sector size of the loops over ciphers other than AES.
const otherSector = 512

// otherCiphers are the loops over ciphers that LUKS images have besides AES.
func otherCiphers() ([]loop, error) {
	key := make([]byte, 64)
	var loops []loop
	for _, l := range []struct {
		name, spec string
		peer       func(key []byte) (contestant, error) // nil: none
	}{
		{serpentXTS, "serpent-xts-plain64", serpentPeer},
		{camelliaXTS, "camellia-xts-plain64", nil},
		{twofishXTS, "twofish-xts-plain64", twofishPeer},
	} {
		ours, err := cipherContestant(l.spec, "", key, otherSector, true)
		if err != nil {
			return nil, err
		}
		ours.baseline = true
		contestants := []contestant{ours}
		if l.peer != nil {
			peer, err := l.peer(key)
			if err != nil {
				return nil, err
			}
			contestants = append(contestants, peer)
		}
		loops = append(loops, loop{name: l.name, contestants: contestants})
	}
	return loops, nil
}

// twofishPeer is x/crypto, one block after the other.
func twofishPeer(key []byte) (contestant, error) {
	c, err := xts.NewCipher(func(key []byte) (cipher.Block, error) { return twofish.NewCipher(key) }, key)
	if err != nil {
		return contestant{}, err
	}
	src, dst := make([]byte, loopBytes), make([]byte, loopBytes)
	return contestant{
		name: "golang.org/x/crypto/twofish", peer: true, bytes: loopBytes,
		call: func() {
			for at := 0; at < loopBytes; at += otherSector {
				c.Decrypt(dst[at:at+otherSector], src[at:at+otherSector], uint64(at/otherSector))
			}
		},
	}, nil
}

// serpentPeer is the library that Go programs use, in bench/peers/go-serpent. It must
// make what we make of zeros.
func serpentPeer(key []byte) (contestant, error) {
	c, err := crypt.NewCipher(crypt.Config{Spec: "serpent-xts-plain64", Key: key, SectorSize: otherSector})
	if err != nil {
		return contestant{}, err
	}
	return contestant{
		name: "github.com/aead/serpent", peer: true, bytes: loopBytes,
		rate: func(ctx context.Context) (float64, error) {
			said, err := runPeer(ctx, "go-serpent", strconv.Itoa(otherSector), strconv.Itoa(peerSlices))
			if err != nil {
				return 0, err
			}
			p := make([]byte, loopBytes)
			c.DecryptSectors(p, p, 0)
			rate, digest, _ := strings.Cut(strings.TrimSpace(said), " ")
			if digest != fmt.Sprintf("%x", sha256.Sum256(p)) {
				return 0, fmt.Errorf("go-serpent makes something else of zeros than we do: %q", said)
			}
			return parseRate(rate)
		},
	}, nil
}
