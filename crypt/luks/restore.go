package luks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ErrOtherVolume marks a backup of another volume than the one whose header it shall
// replace, or a place without a header.
var ErrOtherVolume = errors.New("it would replace something else")

// ErrOtherLayout marks a backup with which the data would be sought at another place.
var ErrOtherLayout = errors.New("the data lies elsewhere")

// RestoreOptions allow what Restore otherwise refuses.
type RestoreOptions struct {
	// Replace allows to write where no LUKS header is, or that of another volume: one with
	// another version, UUID or volume key, or that is being re-encrypted.
	Replace bool

	// Anyway allows another place of the data, or another size of the header or volume key.
	// cryptsetup never does; a wrong header makes the data unreadable, not lost.
	Anyway bool
}

// Restore writes the header and key slots that [Backup] or cryptsetup's luksHeaderBackup
// saved, size bytes, to s. Only the passphrases of that day open the data then. A copy of
// the header that is damaged in the backup is made anew from the other. At every moment a
// valid header is in s if one was there before: after a crash the old one, the restored
// one, or one of them with key slots that do not open yet; doing it again completes it.
// Errors wrap [ErrHeader], [ErrNotLUKS] or [ErrUnsupported] for the backup, then
// [ErrOtherVolume] or [ErrOtherLayout], see [RestoreOptions], or are those of s.
func Restore(s Storage, backup io.ReaderAt, size int64, o RestoreOptions) error {
	steps, err := restoring(s, io.NewSectionReader(backup, 0, size), o)
	if err == nil {
		err = run(s, steps)
	}
	return wrap("luks: restoring the header", err)
}

func restoring(s Storage, backup *io.SectionReader, o RestoreOptions) ([]step, error) {
	h, err := Read(backup)
	if err != nil {
		return nil, fmt.Errorf("the backup: %w", err)
	}
	if backup.Size() < h.AreaSize() {
		return nil, bad("the backup has %d bytes, its header and key slots have %d", backup.Size(), h.AreaSize())
	}
	if h.Version == 2 {
		if err := h.V2.Metadata.refuse(); err != nil {
			return nil, fmt.Errorf("the backup: %w", err)
		}
	}
	there, err := Read(s)
	switch {
	case errors.Is(err, ErrNotLUKS) || errors.Is(err, ErrHeader) || errors.Is(err, ErrUnsupported):
		if !o.Replace {
			return nil, fmt.Errorf("no valid LUKS header is there (%w): %w", err, ErrOtherVolume)
		}
		there = nil
	case err != nil:
		return nil, err
	default:
		if err := h.compare(there, o); err != nil {
			return nil, err
		}
	}
	return h.restoreSteps(s, there, backup)
}

// compare refuses to replace the header of another volume, or one with another layout.
func (h *Header) compare(there *Header, o RestoreOptions) error {
	if !o.Anyway && h.Version == there.Version {
		if err := h.compareLayout(there); err != nil {
			return err
		}
	}
	if o.Replace {
		return nil
	}
	switch {
	case h.Version != there.Version:
		return fmt.Errorf("the header there is of LUKS%d, the backup of LUKS%d: %w", there.Version, h.Version, ErrOtherVolume)
	case h.UUID() != there.UUID():
		return fmt.Errorf("the header there has UUID %s, the backup %s: %w", there.UUID(), h.UUID(), ErrOtherVolume)
	case !bytes.Equal(h.proof(), there.proof()):
		return fmt.Errorf("the header there is for another volume key: %w", ErrOtherVolume)
	case there.Version == 2:
		if err := there.V2.Metadata.refuse(); err != nil {
			return fmt.Errorf("the header there: %w: %w", err, ErrOtherVolume)
		}
	}
	return nil
}

// compareLayout refuses what would let the data be sought elsewhere.
func (h *Header) compareLayout(there *Header) error {
	mine, other := h.keySize(), there.keySize()
	if mine == 0 || other == 0 { // not known without slots
		mine, other = 0, 0
	}
	for _, c := range []struct {
		what        string
		mine, other int64
	}{
		{"data at byte", h.dataOffset(), there.dataOffset()},
		{"key slots from byte", h.slotsStart(), there.slotsStart()},
		{"header and key slots up to byte", h.AreaSize(), there.AreaSize()},
		{"bytes of volume key:", mine, other},
	} {
		if c.mine != c.other {
			return fmt.Errorf("%s %d in the backup, %d in the header there: %w", c.what, c.mine, c.other, ErrOtherLayout)
		}
	}
	return nil
}

// dataOffset is where the data begins, in bytes.
func (h *Header) dataOffset() int64 {
	if h.Version == 1 {
		return int64(h.V1.PayloadOffset) * SectorSize
	}
	return int64(h.V2.Metadata.Segments[0].Offset)
}

// keySize is that of the volume key in bytes.
func (h *Header) keySize() int64 {
	if h.Version == 1 {
		return int64(h.V1.KeySize)
	}
	return h.V2.Metadata.dataKeySize()
}

// proof is the digest of the key of the data: two headers with the same one have the same
// key. It is nil if there is none.
func (h *Header) proof() []byte {
	if h.Version == 1 {
		return h.V1.Digest[:]
	}
	for _, id := range sortedIDs(h.V2.Metadata.Digests) {
		if d := h.V2.Metadata.Digests[id]; len(h.V2.Metadata.current(d.Segments)) > 0 {
			return d.Digest
		}
	}
	return nil
}
