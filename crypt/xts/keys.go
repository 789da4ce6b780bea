//go:build (amd64 || arm64) && !purego

package xts

import "encoding/binary"

const (
	roundKeySize = 16 // bytes
	maxRounds    = 14 // of AES-256
)

// schedule is a key expanded (FIPS 197, 5.2). The round keys are at its end, so
// that the last rounds of all key sizes find theirs in the same places.
type schedule [(maxRounds + 1) * roundKeySize]byte

// roundKeys are what the implementations in assembly work with.
type roundKeys struct {
	rounds  int
	encrypt schedule
	decrypt schedule // of the equivalent inverse cipher (FIPS 197, 5.3.5)
	tweak   schedule
}

// expand fills k from a key that holds that of the data and that of the tweaks.
func (k *roundKeys) expand(key []byte) {
	half := len(key) / 2
	k.expandData(key[:half])
	k.tweak.expand(key[half:])
}

// expandData fills the part of k that is about data.
func (k *roundKeys) expandData(key []byte) {
	k.rounds = len(key)/4 + 6
	k.encrypt.expand(key)
	k.decrypt.invert(&k.encrypt, k.rounds)
}

// expand fills s from a key of 16, 24 or 32 bytes. The S-box is applied by an
// instruction: nothing is looked up by secret data.
func (s *schedule) expand(key []byte) {
	words := len(key) / 4 // of the key
	round := s[(maxRounds-words-6)*roundKeySize:]
	copy(round, key)
	last := binary.LittleEndian.Uint32(key[len(key)-4:])
	rcon := uint32(1)
	for i := words; 4*i < len(round); i++ {
		switch {
		case i%words == 0:
			last = subWord(last>>8|last<<24) ^ rcon
			rcon = rcon<<1 ^ rcon>>7*0x11b
		case words > 6 && i%words == 4:
			last = subWord(last)
		}
		last ^= binary.LittleEndian.Uint32(round[4*(i-words):])
		binary.LittleEndian.PutUint32(round[4*i:], last)
	}
}

// invert fills s with the round keys in encrypt in the opposite order, those
// between the first and the last with their columns mixed.
func (s *schedule) invert(encrypt *schedule, rounds int) {
	for i := 0; i <= rounds; i++ {
		key := (*[roundKeySize]byte)(s[(maxRounds-i)*roundKeySize:])
		copy(key[:], encrypt[(maxRounds-rounds+i)*roundKeySize:])
		if i > 0 && i < rounds {
			invMixColumns(key)
		}
	}
}
