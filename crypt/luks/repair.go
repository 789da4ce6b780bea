package luks

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Repair mends a header without changing what it means, and reports what was done, a
// sentence for people each; none when nothing had to be.
//
// Of LUKS2 the copy that is damaged or older is made anew from the other, with a fresh
// salt, also where something else was written over it. Of LUKS1, which has no second copy
// and no checksum, it puts back what can only have one value: offset, stripes and state of
// key slots where these are not possible, texts in lower case, and what a partition table
// left in a slot that is not used. Errors wrap [ErrNotLUKS], or [ErrHeader] for what cannot
// be mended; then nothing was written.
func Repair(s Storage) (report []string, err error) {
	head, err := readSome(s, 0, size1)
	if err != nil {
		return nil, fmt.Errorf("luks: repairing the header: %w", err)
	}
	var steps []step
	if len(head) == size1 && string(head[:magicSize]) == magic1 && binary.BigEndian.Uint16(head[magicSize:]) == 1 {
		steps, report, err = repair1(head)
	} else {
		steps, report, err = repair2(s)
	}
	if err == nil {
		err = run(s, steps)
	}
	if err != nil {
		return nil, fmt.Errorf("luks: repairing the header: %w", err)
	}
	return report, nil
}

// repair2 makes the copy anew that is not the one that is used.
func repair2(s Storage) ([]step, []string, error) {
	h, err := Read(s)
	if err != nil {
		return nil, nil, err
	}
	used, report := h.V2, ""
	number := uint64(1)
	if used.Offset != 0 {
		number = 0
	}
	name := [...]string{"first", "second"}[number]
	other, err := readCopy(s, nil, int64(number*used.Size))
	switch {
	case err == nil && other.sameText(used):
		return nil, nil, nil
	case err == nil && other.SequenceID != used.SequenceID:
		report = fmt.Sprintf("the %s copy was older (epoch %d): made anew from the other (epoch %d)", name, other.SequenceID, used.SequenceID)
	case err == nil:
		report = fmt.Sprintf("the %s copy had the same epoch %d and said something else: made anew from the other", name, used.SequenceID)
	case errors.Is(err, ErrHeader) || errors.Is(err, ErrNotLUKS):
		report = fmt.Sprintf("the %s copy was damaged (%v): made anew from the other", name, err)
	default:
		return nil, nil, err
	}
	made := *used
	st, err := made.copyStep(number)
	return []step{st}, []string{report}, err
}
