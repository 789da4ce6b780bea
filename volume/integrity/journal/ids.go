package journal

import "encoding/binary"

// sequences is how many passes over the journal can be told apart.
const sequences = 4

// sequence is the number of a pass over the journal, modulo [sequences].
type sequence uint8

func (q sequence) next() sequence     { return (q + 1) % sequences }
func (q sequence) previous() sequence { return (q + sequences - 1) % sequences }

// bit is the mask that stands for q in a set of sequences.
func (q sequence) bit() uint8 { return 1 << q }

// commitIDs are what the commit ids of the sequences are made from.
type commitIDs [sequences]uint64

const firstID = 0x1111111111111111

// plainIDs are those of a journal without a stream cipher.
func plainIDs() (ids commitIDs) {
	for i := range ids {
		ids[i] = firstID * uint64(i+1)
	}
	return ids
}

// idsUnder are those of a journal with a stream cipher: the plain ones,
// encrypted with the key stream that follows the journal's.
func idsUnder(stream []byte) commitIDs {
	ids := plainIDs()
	for i := range ids {
		ids[i] ^= binary.LittleEndian.Uint64(stream[8*i:])
	}
	for i := range ids {
		for same := true; same; {
			same = false
			for _, other := range ids[:i] {
				if ids[i] == other {
					ids[i]++
					same = true
				}
			}
		}
	}
	return ids
}

// id is the commit id of a sector of a section.
func (ids *commitIDs) id(q sequence, section uint32, sector int) uint64 {
	return ids[q] ^ (uint64(section)<<32 | uint64(sector))
}

// sequenceOf is the sequence that a sector was written with; false when its id
// is none.
func (ids *commitIDs) sequenceOf(id uint64, section uint32, sector int) (sequence, bool) {
	for q := range sequence(sequences) {
		if ids.id(q, section, sector) == id {
			return q, true
		}
	}
	return 0, false
}
