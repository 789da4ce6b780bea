package luks

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Storage is where a header is: an image, a block device or the file of a detached
// header. A [File] is one. What is written may reach the disk in any order, or in part,
// until Sync returns: changes of headers here stay safe with that.
type Storage interface {
	io.ReaderAt
	io.WriterAt
	Sync() error          // all that was written survives a crash
	Size() (int64, error) // bytes
}

// step is one write, which is safe on disk before the next begins. A change of a header is
// a list of them that is complete before the first, so that what cannot be written is
// known in time.
type step struct {
	what string // "writing the first copy of the header"
	off  int64  // bytes
	b    []byte
	wipe int64             // bytes to overwrite with random data instead, as many of them as there are
	from *io.SectionReader // bytes to copy instead
}

// run takes the steps.
func run(s Storage, steps []step) error {
	for _, st := range steps {
		err := st.write(s)
		if err == nil {
			err = s.Sync()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", st.what, err)
		}
	}
	return nil
}

func (st step) write(s Storage) error {
	switch {
	case st.from != nil:
		return copyWhole(io.NewOffsetWriter(s, st.off), st.from, 0, st.from.Size())
	case st.wipe == 0:
		_, err := s.WriteAt(st.b, st.off)
		return err
	}
	size, err := s.Size()
	if err != nil {
		return err
	}
	const piece = 1 << 20
	b := make([]byte, max(min(st.wipe, size-st.off, piece), 0))
	for end := min(st.off+st.wipe, size); st.off < end; st.off += int64(len(b)) {
		b = b[:min(end-st.off, piece)]
		_, _ = rand.Read(b) // never fails
		if _, err := s.WriteAt(b, st.off); err != nil {
			return err
		}
	}
	return nil
}

// steps2 replace both copies of a header of LUKS2 by next, with the epoch after that of
// old. The copy that old was read from comes last, so that one of the two is valid all
// the time: the first if both are good. Salts are fresh. Nothing is written that [Read]
// would refuse. next is as it will be read then.
func steps2(old, next *Header2) ([]step, error) {
	if next.SequenceID = old.SequenceID + 1; next.SequenceID == 0 {
		return nil, bad("its epoch is the highest that there is")
	}
	if next.JSON == nil {
		var err error
		if next.JSON, err = next.Metadata.MarshalJSON(); err != nil {
			return nil, err
		}
	}
	order := []uint64{1, 0}
	if old.Offset != 0 {
		order = []uint64{0, 1}
	}
	var steps []step
	for _, number := range order {
		st, err := next.copyStep(number)
		if err != nil {
			return nil, err
		}
		steps = append(steps, st)
	}
	return steps, nil
}

// copyStep writes the first (0) or second (1) copy, which h is from then on.
func (h *Header2) copyStep(number uint64) (step, error) {
	st := step{what: "writing the first copy of the header"}
	if number > 0 {
		st.what = "writing the second copy of the header"
	}
	if room := h.Size - binarySize2; uint64(len(h.JSON)) >= room {
		return st, fmt.Errorf("the JSON text would have %d bytes, its area can hold %d: %w", len(h.JSON), room-1, ErrNoRoom)
	}
	h.Offset = number * h.Size
	_, _ = rand.Read(h.Salt[:]) // never fails
	var err error
	if st.b, err = h.encode(h.JSON); err != nil {
		return st, err
	}
	st.off = int64(h.Offset)
	if _, err := unmarshal2(st.b, st.off); err != nil {
		return st, fmt.Errorf("the new header would not be valid: %w", err)
	}
	return st, nil
}

// steps1 replace a header of LUKS1, which has two sectors of 512 bytes and no checksum,
// through states that are valid, each sector being written whole or not at all. Only slot
// 6 lies in both: it comes into use with the first sector, and goes out of use with it.
func steps1(old, next *Header1) ([]step, error) {
	before, err1 := old.MarshalBinary()
	after, err2 := next.MarshalBinary()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if err := new(Header1).UnmarshalBinary(after); err != nil {
		return nil, fmt.Errorf("the new header would not be valid: %w", err)
	}
	const state6 = firstSlot1 + 6*slot1Size
	between := bytes.Clone(before)
	if binary.BigEndian.Uint32(before[state6:]) == slotFree1 {
		copy(between[SectorSize:], after[SectorSize:])
	} else {
		copy(between[:SectorSize], after[:SectorSize])
	}
	steps := []step{{what: "writing the header", b: between}, {what: "writing the header", b: after}}
	if bytes.Equal(between, before) || bytes.Equal(between, after) {
		return steps[1:], nil
	}
	return steps, nil
}
