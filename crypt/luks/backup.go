package luks

import (
	"fmt"
	"io"
)

// headRoom1 is how much of the beginning belongs to the header of LUKS1 itself, in bytes.
const headRoom1 = 1024

// Backup writes the header and all that belongs to it, both copies and the area of the key
// slots, to w: [Header.AreaSize] bytes, the same as cryptsetup's luksHeaderBackup. Whoever
// has them and a passphrase of that day can open the data, whatever is changed later.
// Errors wrap [ErrNotLUKS], [ErrHeader] or [ErrNoData] (the image ends before the area
// does), or are those of s and w.
func Backup(s Storage, w io.Writer) error {
	return wrap("luks: backing up the header", backup(s, w))
}

func backup(s Storage, w io.Writer) error {
	h, err := Read(s)
	if err != nil {
		return err
	}
	size, err := s.Size()
	if err != nil {
		return err
	}
	if size < h.AreaSize() {
		return fmt.Errorf("the image has %d bytes, its header and key slots need %d: %w", size, h.AreaSize(), ErrNoData)
	}
	if h.Version == 1 {
		return h.backup1(s, w)
	}
	return copyWhole(w, s, 0, h.AreaSize())
}

// backup1 has zeros for what is not of LUKS: before the key slots, and behind the last one
// up to the next 4096 bytes.
func (h *Header) backup1(r io.ReaderAt, w io.Writer) error {
	start, end := h.slotsStart(), h.slotsEnd()
	if err := copyWhole(w, r, 0, headRoom1); err != nil {
		return err
	}
	if _, err := w.Write(make([]byte, start-headRoom1)); err != nil {
		return err
	}
	if err := copyWhole(w, r, start, end-start); err != nil {
		return err
	}
	_, err := w.Write(make([]byte, h.AreaSize()-end))
	return err
}

// copyWhole copies n bytes at off, which have to be there.
func copyWhole(w io.Writer, r io.ReaderAt, off, n int64) error {
	done, err := io.Copy(w, io.NewSectionReader(r, off, n))
	if err == nil && done < n {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// slotsStart is where the area of the key slots begins, in bytes.
func (h *Header) slotsStart() int64 {
	if h.Version == 2 {
		return int64(2 * h.V2.Size)
	}
	start := int64(areaAlignment)
	for _, s := range h.V1.Slots {
		if from := int64(s.Offset) * SectorSize; s.Active || from >= headRoom1 {
			start = min(start, from)
		}
	}
	return start
}

// slotsEnd is where the area of the key slots ends, in bytes.
func (h *Header) slotsEnd() int64 {
	if h.Version == 2 {
		return h.AreaSize()
	}
	end, size := h.slotsStart(), roundUp(h.V1.areaSize(), SectorSize)
	for _, s := range h.V1.Slots {
		if to := int64(s.Offset)*SectorSize + size; s.Active || to <= maxSlots1 {
			end = max(end, to)
		}
	}
	return end
}
