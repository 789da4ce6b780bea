package probe

import (
	"encoding/binary"
	"fmt"
)

// luks1Header is the whole binary header of LUKS1 (LUKS1 on-disk format, section 2.3), big-endian.
type luks1Header struct {
	cipher, mode, hash string
	payload            int64 // bytes
	keyBytes           uint32
	uuid               string
	slots              [8]luks1Slot
}

type luks1Slot struct {
	state, iterations, offset, stripes uint32 // offset in sectors
}

const (
	luksMagic      = "LUKS\xba\xbe"
	luksSecond     = "SKUL\xba\xbe" // the magic of a second LUKS2 header
	luks1Size      = 592
	luks1Active    = 0x00ac71f3
	luks1Disabled  = 0x0000dead
	luks1Stripes   = 4000
	luks1MaxKey    = 512 // bytes; the largest key of any cipher is far below
	luks1FirstSlot = 208
	luks1SlotSize  = 48
)

// luks1 recognises a LUKS1 header at byte 0.
func luks1(im *image) *Layer {
	b := im.at(0, luks1Size)
	if b == nil || string(b[:6]) != luksMagic || binary.BigEndian.Uint16(b[6:]) != 1 {
		return nil
	}
	h := parseLUKS1(b)
	l := im.layer("luks1", 0)
	l.UUID = h.uuid
	l.add("cipher", h.cipher+"-"+h.mode)
	l.add("hash", h.hash)
	l.add("key_bits", uint64(h.keyBytes)*8)
	l.add("payload_offset_bytes", uint64(h.payload))
	active := 0
	var slots []string
	for i, s := range h.slots {
		if s.state == luks1Active {
			active++
			slots = append(slots, fmt.Sprintf("%d: luks1, PBKDF2-%s, %d iterations", i, h.hash, s.iterations))
		}
	}
	l.add("keyslots", slots)
	l.Problems = h.check(im.size)
	if active == 0 {
		l.problem("no key slot is in use: the header alone cannot be unlocked any more")
	}
	h.openWith(im, l)
	return l
}

func parseLUKS1(b []byte) luks1Header {
	h := luks1Header{
		cipher:   text(b[8:40]),
		mode:     text(b[40:72]),
		hash:     text(b[72:104]),
		payload:  int64(binary.BigEndian.Uint32(b[104:])) * sector,
		keyBytes: binary.BigEndian.Uint32(b[108:]),
		uuid:     text(b[168:208]),
	}
	for i := range h.slots {
		s := b[luks1FirstSlot+luks1SlotSize*i:]
		h.slots[i] = luks1Slot{
			state:      binary.BigEndian.Uint32(s),
			iterations: binary.BigEndian.Uint32(s[4:]),
			offset:     binary.BigEndian.Uint32(s[40:]),
			stripes:    binary.BigEndian.Uint32(s[44:]),
		}
	}
	return h
}

// check lists what contradicts the format or the image; a payload offset of 0 belongs to a detached header.
func (h *luks1Header) check(size int64) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if h.cipher == "" || h.mode == "" || h.hash == "" {
		say("the header names no cipher, mode or hash")
	}
	if h.keyBytes == 0 || h.keyBytes > luks1MaxKey {
		say("the key length of %d bytes is impossible", h.keyBytes)
		return problems
	}
	if h.payload >= size {
		problems = append(problems, noPayload(uint64(h.payload), size))
	}
	for i, s := range h.slots {
		if s.state != luks1Active && s.state != luks1Disabled {
			say("key slot %d is neither in use nor free (state 0x%08x)", i, s.state)
		}
		if s.state != luks1Active {
			continue
		}
		start, end := int64(s.offset)*sector, int64(s.offset)*sector+int64(h.keyBytes)*luks1Stripes
		switch {
		case s.stripes != luks1Stripes:
			say("key slot %d has %d stripes instead of %d", i, s.stripes, luks1Stripes)
		case s.iterations == 0:
			say("key slot %d has no iterations", i)
		case start < luks1Size || (h.payload > 0 && end > h.payload):
			say("the key material of slot %d (bytes %d to %d) overlaps the header or the payload", i, start, end)
		case end > size:
			say("the key material of slot %d ends at byte %d, past the end of the image", i, end)
		}
	}
	return problems
}

// noPayload says that a header comes without its data.
func noPayload(offset uint64, size int64) string {
	return fmt.Sprintf("there is only the header: the payload would start at byte %d of an image of %d bytes "+
		"(a header backup, a detached header, or the image is cut off)", offset, size)
}

func (h *luks1Header) openWith(im *image, l *Layer) {
	start, ok := im.sectors(h.payload)
	n := (im.size - h.payload) / sector
	if len(l.Problems) > 0 || !ok || n <= 0 {
		return
	}
	l.openWith("0 %d crypt %s-%s KEY 0 IMAGE %d", n, word(h.cipher), word(h.mode), start)
}
