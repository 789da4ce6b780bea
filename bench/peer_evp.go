package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/crypt"
)

// peerSlices is how many slices the peers in C measure themselves by.
const peerSlices = 300

// opensslEVP is what a disk tool in C does: OpenSSL with a new IV for each sector,
// in bench/peers/openssl-evp. It must make what we make of zeros.
func opensslEVP(key []byte, sectorSize int, decrypt bool) contestant {
	way := "encrypt"
	if decrypt {
		way = "decrypt"
	}
	return contestant{
		name: "OpenSSL EVP, a new IV for each sector", peer: true, bytes: loopBytes,
		rate: func(ctx context.Context) (float64, error) {
			said, err := runPeer(ctx, "openssl-evp", way, strconv.Itoa(sectorSize), strconv.Itoa(peerSlices))
			if err != nil {
				return 0, err
			}
			want, err := digestOfZeros(key, sectorSize, decrypt)
			if err != nil {
				return 0, err
			}
			return parseEVP(said, want)
		},
	}
}

// parseEVP reads the bytes a second that openssl-evp printed, and compares the
// digest of what it made.
func parseEVP(said, digest string) (bytesPerSecond float64, err error) {
	words := strings.Fields(said)
	if len(words) != 3 {
		return 0, fmt.Errorf("openssl-evp printed %q, want a rate, a digest and a version", said)
	}
	if words[1] != digest {
		return 0, errors.New("openssl-evp makes something else of zeros than we do")
	}
	return parseRate(words[0])
}

func parseRate(word string) (bytesPerSecond float64, err error) {
	rate, err := strconv.ParseFloat(word, 64)
	if err != nil || rate <= 0 {
		return 0, fmt.Errorf("%q is no rate", word)
	}
	return rate, nil
}

// digestOfZeros is the SHA-256 digest, in hex, of what we make of a buffer of zeros.
func digestOfZeros(key []byte, sectorSize int, decrypt bool) (string, error) {
	c, err := crypt.NewCipher(crypt.Config{Spec: "aes-xts-plain64", Key: key, SectorSize: sectorSize})
	if err != nil {
		return "", err
	}
	p := make([]byte, loopBytes)
	if decrypt {
		c.DecryptSectors(p, p, 0)
	} else {
		c.EncryptSectors(p, p, 0)
	}
	return fmt.Sprintf("%x", sha256.Sum256(p)), nil
}

// Rates in GB/s on the Zen 4 of performance.md, sections 2.1 and 2.3: of its AES
// units by themselves, and of the best AES-256-XTS in C.
const (
	rateOfUnits = 16.8
	rateOfC4096 = 15.1
	rateOfC512  = 12.5
)

// limitOfC is what the best loop in C would reach in this minute: its share of the
// AES units' rate, which bench/peers/aes-units measures now.
func limitOfC(sectorSize int) contestant {
	share := rateOfC4096 / rateOfUnits
	if sectorSize == 512 {
		share = rateOfC512 / rateOfUnits
	}
	return contestant{
		name: fmt.Sprintf("limit of C (%.0f %% of the AES units)", 100*share), peer: true, bytes: loopBytes,
		rate: func(ctx context.Context) (float64, error) {
			said, err := runPeer(ctx, "aes-units", strconv.Itoa(peerSlices))
			if err != nil {
				return 0, err
			}
			rate, err := parseRate(strings.TrimSpace(said))
			return rate * share, err
		},
	}
}

// runPeer returns what a program that measures itself printed. One that is not
// here, or cannot work here and says so, gives errNotHere.
func runPeer(ctx context.Context, program string, args ...string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("%s (%s, with a C compiler and libssl-dev): %w", program, built, errNotHere)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	var said, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &complaint
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("%s: %w", strings.TrimSpace(complaint.String()), errNotHere)
	}
	return said.String(), nil
}
