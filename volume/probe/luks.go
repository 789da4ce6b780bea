package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/crypt/luks"
)

const luksMagic = "LUKS\xba\xbe"

// luksVolume recognises a LUKS header; that of version 2 by either of its two copies.
func luksVolume(im *image) *Layer {
	h, err := luks.Read(im)
	switch {
	case err != nil:
		return damagedLUKS(im, err)
	case h.Version == 1:
		return luks1(im, h.V1, nil)
	}
	return luks2(im, h)
}

// damagedLUKS describes what no key opens. It has to start as LUKS does: a lone damaged second copy is no evidence.
func damagedLUKS(im *image, err error) *Layer {
	b := im.at(0, len(luksMagic)+2)
	if !errors.Is(err, luks.ErrHeader) || b == nil || string(b[:len(luksMagic)]) != luksMagic {
		return nil
	}
	if binary.BigEndian.Uint16(b[len(luksMagic):]) == 1 {
		var h luks.Header1 // with what its bytes say, though they are wrong
		return luks1(im, &h, h.UnmarshalBinary(im.at(0, int(min(im.size, 4096)))))
	}
	l := im.layer("luks2", 0)
	l.luksProblem(strings.TrimPrefix(err.Error(), "luks: reading the header: "))
	return l
}

// luksProblem adds what package luks says of a header, in the words for a list about that header.
func (l *Layer) luksProblem(text string) {
	l.problem("%s", printable(strings.ReplaceAll(text, luks.ErrHeader.Error()+": ", "")))
}

// luks1 describes a header of version 1, which err, if not nil, says to be damaged.
func luks1(im *image, h *luks.Header1, err error) *Layer {
	l := im.layer("luks1", 0)
	l.UUID = printable(h.UUID)
	l.add("cipher", printable(h.Cipher)+"-"+printable(h.Mode))
	l.add("hash", printable(h.Hash))
	l.add("key_bits", uint64(h.KeySize)*8)
	l.add("payload_offset_bytes", uint64(h.PayloadOffset)*sector)
	var slots []string
	for i, s := range h.Slots {
		if s.Active {
			slots = append(slots, fmt.Sprintf("%d: luks1, PBKDF2-%s, %d iterations", i, printable(h.Hash), s.Iterations))
		}
	}
	l.add("keyslots", slots)
	if err != nil {
		l.luksProblem(err.Error())
	} else {
		l.Problems = luks1Places(h, im.size)
	}
	if len(slots) == 0 {
		l.problem("no key slot is in use: the header alone cannot be unlocked any more")
	}
	payload := int64(h.PayloadOffset) * sector
	start, ok := im.sectors(payload)
	if n := (im.size - payload) / sector; len(l.Problems) == 0 && ok && n > 0 {
		l.openWith("0 %d crypt %s-%s KEY 0 IMAGE %d", n, word(h.Cipher), word(h.Mode), start)
	}
	return l
}

// luks1Places lists what of a sound header is not where it can be in an image of size bytes; a payload offset of 0
// belongs to a detached header.
func luks1Places(h *luks.Header1, size int64) (problems []string) {
	payload := int64(h.PayloadOffset) * sector
	if payload >= size {
		problems = append(problems, noPayload(uint64(payload), size))
	}
	for i, s := range h.Slots {
		if !s.Active {
			continue
		}
		start := int64(s.Offset) * sector
		end := start + int64(h.KeySize)*int64(s.Stripes)
		switch {
		case payload > 0 && end > payload:
			problems = append(problems, fmt.Sprintf("the key material of slot %d (bytes %d to %d) overlaps the payload", i, start, end))
		case end > size:
			problems = append(problems, fmt.Sprintf("the key material of slot %d ends at byte %d, past the end of the image", i, end))
		}
	}
	return problems
}

// noPayload says that a header comes without its data.
func noPayload(offset uint64, size int64) string {
	return fmt.Sprintf("there is only the header: the payload would start at byte %d of an image of %d bytes "+
		"(a header backup, a detached header, or the image is cut off)", offset, size)
}

// sortedIDs lists the numbers of objects in order.
func sortedIDs[T any](objects map[int]*T) []int { return slices.Sorted(maps.Keys(objects)) }
