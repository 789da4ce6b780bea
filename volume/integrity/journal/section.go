package journal

import "encoding/binary"

// unusedEntry is the sector number of an entry that holds no block.
const unusedEntry = ^uint64(0)

// section is the plain bytes of one section, [geometry.sectionSize] of them, or
// those of its metadata sectors alone.
type section struct {
	*geometry
	b []byte
}

// entry is the part of a metadata sector that describes block n.
func (s section) entry(n int) []byte {
	at := n%metaSectors*SectorSize + n/metaSectors*s.entrySize
	return s.b[at : at+s.entrySize]
}

// sector is where block n belongs.
func (s section) sector(n int) uint64 { return binary.LittleEndian.Uint64(s.entry(n)) }

// isUnused says whether a sector number stands for an entry without a block.
func isUnused(sector uint64) bool { return sector>>32 == unusedEntry>>32 }

// tag of block n, as it is in s.
func (s section) tag(n int) []byte {
	at := 8 + 8*s.blockSectors
	return s.entry(n)[at : at+s.tagSize]
}

// blockAt is where the data of block n begins in a section, as a sector.
func (g *geometry) blockAt(n int) int { return metaSectors + n*g.blockSectors }

// restore puts the last bytes of each sector of block n, which made room for
// commit ids, back into data.
func (s section) restore(data []byte, n int) {
	last := s.entry(n)[8:]
	for i := range s.blockSectors {
		copy(data[i*SectorSize+payload:], last[8*i:8*i+8])
	}
}

// block copies block n to data.
func (s section) block(data []byte, n int) {
	at := s.blockAt(n) * SectorSize
	copy(data[:s.blockSize()], s.b[at:])
	s.restore(data, n)
}

// put makes n the entry of a block.
func (s section) put(n int, sector uint64, data, tag []byte) {
	entry := s.entry(n)
	clear(entry)
	binary.LittleEndian.PutUint64(entry, sector)
	for i := range s.blockSectors {
		copy(entry[8+8*i:], data[i*SectorSize+payload:(i+1)*SectorSize])
	}
	copy(s.tag(n), tag)
	copy(s.b[s.blockAt(n)*SectorSize:], data[:s.blockSize()])
}

// empty makes a section without blocks.
func (s section) empty() {
	clear(s.b)
	for n := range s.entries {
		binary.LittleEndian.PutUint64(s.entry(n), unusedEntry)
	}
}

// stamp writes the commit id of every sector.
func (s section) stamp(ids *commitIDs, q sequence, number uint32) {
	for i := range len(s.b) / SectorSize {
		binary.LittleEndian.PutUint64(s.b[i*SectorSize+payload:], ids.id(q, number, i))
	}
}

// seen is the set of sequences of the sectors of s, of which the first has this
// number in its section.
func (s section) seen(ids *commitIDs, number uint32) (set uint8, err error) {
	for i := range len(s.b) / SectorSize {
		q, ok := ids.sequenceOf(binary.LittleEndian.Uint64(s.b[i*SectorSize+payload:]), number, i)
		if !ok {
			return 0, &DamagedError{number, i, "no valid commit id"}
		}
		set |= q.bit()
	}
	return set, nil
}
