package luks

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// mending is a header of LUKS1 that is put in order.
type mending struct {
	b      []byte // its bytes
	h      Header1
	state  [slots1]uint32
	report []string
}

// repair1 mends a header of LUKS1.
func repair1(head []byte) ([]step, []string, error) {
	m := &mending{b: head}
	m.read()
	if m.h.KeySize == 0 || m.h.KeySize > maxKey1 {
		return nil, nil, bad("LUKS1: a key of %d bytes, and what it was is not known", m.h.KeySize)
	}
	m.texts()
	if err := m.slots(); err != nil {
		return nil, nil, err
	}
	after, err := m.h.MarshalBinary()
	if err == nil {
		err = new(Header1).UnmarshalBinary(after)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("it cannot be mended: %w", err)
	}
	if len(m.report) == 0 {
		return nil, nil, nil
	}
	return []step{
		{what: "writing the header", b: after[SectorSize:], off: SectorSize},
		{what: "writing the header", b: after},
	}, m.report, nil
}

// read takes the fields as they are.
func (m *mending) read() {
	u32 := func(off int) uint32 { return binary.BigEndian.Uint32(m.b[off:]) }
	m.h = Header1{
		Cipher: text(m.b[8:40]), Mode: text(m.b[40:72]), Hash: text(m.b[72:104]), UUID: text(m.b[168:208]),
		PayloadOffset: u32(104), KeySize: u32(108), DigestIterations: u32(164),
		Digest: [digest1]byte(m.b[112:132]), DigestSalt: [salt1]byte(m.b[132:164]),
	}
	for i := range m.h.Slots {
		at := firstSlot1 + i*slot1Size
		m.state[i] = u32(at)
		m.h.Slots[i] = Slot1{
			Active: m.state[i] == slotActive1, Iterations: u32(at + 4), Salt: [salt1]byte(m.b[at+8:]), Offset: u32(at + 40), Stripes: u32(at + 44),
		}
	}
}

func (m *mending) note(format string, args ...any) {
	m.report = append(m.report, fmt.Sprintf(format, args...))
}

// texts puts names into lower case where only that makes them known, and gives a UUID
// where the field has no end.
func (m *mending) texts() {
	lower := strings.ToLower(m.h.Hash)
	if _, err := lookupHash(lower); err == nil && lower != m.h.Hash {
		m.note("the hash was %q: now %q", clip(m.h.Hash), lower)
		m.h.Hash = lower
	}
	size := int(m.h.KeySize)
	if tryCipher(m.h.encryption(), size, SectorSize) != nil {
		name, mode := strings.ToLower(m.h.Cipher), strings.ToLower(m.h.Mode)
		if tryCipher(name+"-"+mode, size, SectorSize) == nil {
			m.note("the cipher was %q: now %q", clip(m.h.encryption()), name+"-"+mode)
			m.h.Cipher, m.h.Mode = name, mode
		}
	}
	if len(m.h.UUID) >= uuidField1 {
		m.h.UUID = newUUID()
		m.note("the UUID had no end: now a random one, %s", m.h.UUID)
	}
}

// uuidField1 is how many bytes the UUID has room for, with a NUL.
const uuidField1 = 40

// slots mends the slots where they are as cryptsetup lays them out, which leaves but one
// place for each.
func (m *mending) slots() error {
	usual := 0
	for i := range m.h.Slots {
		if m.h.Slots[i].Offset == slotOffset1(i, int(m.h.KeySize)) {
			usual++
		}
	}
	before := len(m.report)
	for i := range m.h.Slots {
		m.mendState(i)
		m.mendStripes(i)
	}
	for range m.h.Slots { // one that is put back may show that another is not where it belongs
		for i := range m.h.Slots {
			m.mendOffset(i)
		}
	}
	if m.signature() {
		m.clearSlot(6)
		m.note("key slot 6, not in use, had the mark of a partition table: cleared")
	}
	if usual < 2 && len(m.report) > before { // the first is in one place with every size
		return bad("LUKS1: no key slots are where cryptsetup puts them for a key of %d bytes, so that the places of others are not known", m.h.KeySize)
	}
	return nil
}

// mendState decides whether a slot is in use whose state says neither.
func (m *mending) mendState(i int) {
	s := &m.h.Slots[i]
	if m.state[i] == slotActive1 && s.Iterations == 0 {
		s.Active = false
		m.note("key slot %d, in use, had no iterations, so that nothing opens it: now free, with its salt kept", i)
		return
	}
	if m.state[i] == slotActive1 || m.state[i] == slotFree1 {
		return
	}
	table := i > 3 && bytes.Equal(m.b[markAt:SectorSize], mark)
	whole := s.Iterations > 0 && s.Stripes == stripes && s.Offset == slotOffset1(i, int(m.h.KeySize)) && s.Salt != [salt1]byte{}
	s.Active = whole && !table
	if s.Active {
		m.note("key slot %d was neither in use nor free (0x%08x) and has all that a slot in use has: now in use", i, m.state[i])
		return
	}
	m.clearSlot(i)
	m.note("key slot %d was neither in use nor free (0x%08x): now free", i, m.state[i])
}

func (m *mending) mendStripes(i int) {
	s := &m.h.Slots[i]
	if s.Stripes == stripes {
		return
	}
	m.note("key slot %d had %d stripes: now %d", i, s.Stripes, stripes)
	s.Stripes = stripes
	if !s.Active {
		m.clearSlot(i)
	}
}

// mendOffset moves a slot to its usual place if it cannot be where it says.
func (m *mending) mendOffset(i int) {
	s, usual := &m.h.Slots[i], slotOffset1(i, int(m.h.KeySize))
	if s.Offset == usual || !m.misplaced(i) {
		return
	}
	m.note("the key material of slot %d was said to be at sector %d, which is not possible: now at %d", i, s.Offset, usual)
	s.Offset = usual
	if !s.Active {
		m.clearSlot(i)
	}
}

// misplaced reports whether the area of a slot lies in the header or the data, or overlaps
// that of a slot that is in its usual place.
func (m *mending) misplaced(i int) bool {
	from, size := int64(m.h.Slots[i].Offset)*SectorSize, m.h.areaSize()
	payload := int64(m.h.PayloadOffset) * SectorSize
	if from < headRoom1 || payload != 0 && from+size > payload {
		return true
	}
	for k := range m.h.Slots {
		usual := slotOffset1(k, int(m.h.KeySize))
		other := int64(usual) * SectorSize
		if k != i && m.h.Slots[k].Offset == usual && from < other+size && other < from+size {
			return true
		}
	}
	return false
}

// A partition table (of a PC) lies over the last bytes of the first sector, which are of
// slots 4 to 6, and ends in a mark.
const markAt = SectorSize - 2

var mark = []byte{0x55, 0xaa}

// signature reports whether the mark is in slot 6, which is not in use.
func (m *mending) signature() bool {
	salt := m.h.Slots[6].Salt[:]
	return !m.h.Slots[6].Active && bytes.Equal(salt[markAt-firstSlot1-6*slot1Size-8:][:len(mark)], mark)
}

// clearSlot empties a slot that is not in use.
func (m *mending) clearSlot(i int) {
	s := &m.h.Slots[i]
	m.h.Slots[i] = Slot1{Offset: s.Offset, Stripes: s.Stripes}
}
