package dmioctl

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// Name is a device in the list of devices.
type Name struct {
	Dev      uint64
	Name     string
	EventNr  uint32
	HasEvent bool // the record has an event number
	Flags    uint32
	UUID     string // when Flags has FlagListHasUUID
}

// Names is the list of devices. HasEvent of the first record decides for all when it is
// written: kernels write one kind only.
type Names []Name

const (
	offNameNext = 8
	offNameText = 12
	eventWords  = 8 // event number and flags
)

// sizes gives where the event words of a record begin and where the record ends, without
// padding.
func (n Name) sizes() (events, end int) {
	end = offNameText + len(n.Name) + 1
	if !n.HasEvent {
		return end, end
	}
	events = align(end)
	end = events + eventWords
	if n.Flags&FlagListHasUUID != 0 {
		end += len(n.UUID) + 1
	}
	return events, end
}

// Size counts the padding behind every record, as the kernel does.
func (l Names) Size() int {
	size := 0
	for _, n := range l {
		_, end := n.sizes()
		size += align(end)
	}
	return size
}

func (l Names) check() error {
	for _, n := range l {
		if n.Dev == 0 || n.Name == "" || len(n.Name) >= NameSize || strings.IndexByte(n.Name, 0) >= 0 {
			return fmt.Errorf("%w: device %#x of a name with %d bytes in a list", ErrInvalid, n.Dev, len(n.Name))
		}
		if len(n.UUID) >= UUIDSize || strings.IndexByte(n.UUID, 0) >= 0 {
			return fmt.Errorf("%w: a UUID of %d bytes in a list", ErrInvalid, len(n.UUID))
		}
	}
	return nil
}

func (l Names) put(o binary.ByteOrder, b []byte) {
	for i, n := range l {
		events, end := n.sizes()
		o.PutUint64(b, n.Dev)
		if i < len(l)-1 {
			o.PutUint32(b[offNameNext:], uint32(align(end)))
		}
		copy(b[offNameText:], n.Name)
		if n.HasEvent {
			o.PutUint32(b[events:], n.EventNr)
			o.PutUint32(b[events+4:], n.Flags)
			if n.Flags&FlagListHasUUID != 0 {
				copy(b[events+eventWords:], n.UUID)
			}
		}
		b = b[align(end):]
	}
}

// Names reads a list of devices. withEvents says that the kernel writes event numbers
// (MinorListEvents); UUIDs say so themselves, which on old kernels relies on a request
// whose data was zero.
func (c Codec) Names(data []byte, withEvents bool) ([]Name, error) {
	var list []Name
	for at, next := uint64(0), uint64(1); next != 0; at += next {
		b := data[at:]
		if len(list) == 0 && (len(b) == 0 || len(b) >= 8 && c.Order.Uint64(b) == 0) {
			return nil, nil // no device
		}
		if len(b) < offNameText+1 {
			return nil, fmt.Errorf("%w: a device at %d of %d bytes", ErrMalformed, at, len(data))
		}
		next = uint64(c.Order.Uint32(b[offNameNext:]))
		if next%alignment != 0 || next > uint64(len(b)) {
			return nil, fmt.Errorf("%w: device %d is followed by one at %d, %d bytes are left", ErrMalformed, len(list)+1, next, len(b))
		}
		if next != 0 {
			b = b[:next]
		}
		n, err := c.name(b, withEvents)
		if err != nil {
			return nil, fmt.Errorf("device %d: %w", len(list)+1, err)
		}
		list = append(list, n)
	}
	return list, nil
}

// name reads one record, which ends with b.
func (c Codec) name(b []byte, withEvents bool) (Name, error) {
	if len(b) < offNameText {
		return Name{}, fmt.Errorf("%w: a record of %d bytes", ErrMalformed, len(b))
	}
	n := Name{Dev: c.Order.Uint64(b)}
	length := bytes.IndexByte(b[offNameText:], 0)
	if length < 0 || length >= NameSize {
		return Name{}, fmt.Errorf("%w: a name without end", ErrMalformed)
	}
	n.Name = string(b[offNameText : offNameText+length])
	events := align(offNameText + length + 1)
	if events+4 > len(b) {
		return n, nil
	}
	if withEvents {
		n.HasEvent = true
		n.EventNr = c.Order.Uint32(b[events:])
	}
	if events+eventWords > len(b) {
		return n, nil
	}
	n.Flags = c.Order.Uint32(b[events+4:])
	if n.Flags&FlagListHasUUID != 0 {
		uuid, ok := text(b[events+eventWords:])
		if !ok || len(uuid) >= UUIDSize {
			return Name{}, fmt.Errorf("%w: a UUID without end", ErrMalformed)
		}
		n.UUID = uuid
	}
	return n, nil
}
