package integrity

import (
	"crypto/hmac"
	"fmt"
)

// A superblock has a MAC if the journal has one and the salt goes into hashes:
// its last bytes are that of everything before them, with the algorithm and key
// of the journal's.

// hasMAC says whether there is one.
func (sb *Superblock) hasMAC() bool {
	const both = FlagJournalMAC | FlagFixHMAC
	return sb.Flags&both == both
}

// CheckMAC checks the superblock's MAC, if it has one, with the algorithm of the
// journal's MAC. A wrong one is [ErrBadSuperblock]. It may be the key that is
// wrong.
func (sb *Superblock) CheckMAC(a Algorithm) error {
	if !sb.hasMAC() {
		return nil
	}
	b, sum, err := sb.mac(a)
	if err != nil {
		return err
	}
	if !hmac.Equal(sum, b[len(b)-len(sum):]) {
		return fmt.Errorf("integrity: superblock: %w", badSuperblock("its MAC is wrong, or the key"))
	}
	return nil
}

// SetMAC gives the superblock the MAC it should have, if it should; without one
// it does nothing.
func (sb *Superblock) SetMAC(a Algorithm) error {
	if !sb.hasMAC() {
		return nil
	}
	clear(sb.tail[:])
	_, sum, err := sb.mac(a)
	if err == nil {
		copy(sb.tail[len(sb.tail)-len(sum):], sum)
	}
	return err
}

// mac encodes the superblock and computes its MAC.
func (sb *Superblock) mac(a Algorithm) (b, sum []byte, err error) {
	h, err := NewHash(a, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("integrity: MAC of the superblock: %w", err)
	}
	defer h.Close()
	if b, err = sb.MarshalBinary(); err != nil {
		return nil, nil, err
	}
	m := h.make()
	m.Write(b[:len(b)-h.size])
	return b, m.Sum(nil), nil
}
