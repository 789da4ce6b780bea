package journal

// CraftedEntry is a block of a section that is made for a test.
type CraftedEntry struct {
	Sector    uint64
	Data, Tag []byte
}

// Craft makes the bytes of a section, each of its sectors with the sequence that
// sequenceOf tells, and nothing right about it that is not asked for.
func (j *Journal) Craft(number uint32, sequenceOf func(sector int) uint8, entries ...CraftedEntry) []byte {
	s := j.newSection()
	s.empty()
	for n, e := range entries {
		s.put(n, e.Sector, e.Data, e.Tag)
	}
	if j.mac != nil {
		j.mac.put(s, number)
	}
	for i := range j.sectionSectors {
		part := section{&j.geometry, s.b[i*SectorSize : (i+1)*SectorSize]}
		id := j.ids.id(sequence(sequenceOf(i)%sequences), number, i)
		for k := range idSize {
			part.b[payload+k] = byte(id >> (8 * k))
		}
	}
	if j.cipher != nil {
		j.cipher.encrypt(s.b, number)
	}
	return s.b
}

// SectionOffset is where a section is on its device, in bytes.
func (j *Journal) SectionOffset(number uint32) int64 { return j.offset(number, 0) }
