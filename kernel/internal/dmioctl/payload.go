package dmioctl

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Payload is what follows the header of a buffer.
type Payload interface {
	// Size is the number of bytes it takes.
	Size() int
	// check refuses what has no place in a buffer.
	check() error
	// put writes it to b, which has Size bytes, all zero.
	put(o binary.ByteOrder, b []byte)
}

// Encode makes a request: header, payload (nil: none) and at least room bytes for the
// answer, all zero. DataSize, DataStart and, when it is 0, the version of h are filled in:
// the version is 4.0.0, which every kernel takes. The buffer is new: a reply cannot be
// sent again as it is.
func (c Codec) Encode(h Header, p Payload, room int) ([]byte, error) {
	size := 0
	if p != nil {
		if err := p.check(); err != nil {
			return nil, err
		}
		size = p.Size()
	}
	total := HeaderSize + max(size, room)
	if size > MaxSize || room > MaxSize || total > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes, the kernel takes %d", ErrInvalid, total, MaxSize)
	}
	h.DataSize, h.DataStart = uint32(total), HeaderSize
	if h.Version == [3]uint32{} {
		h.Version = [3]uint32{Major, 0, 0}
	}
	b := make([]byte, total)
	if err := c.PutHeader(b, h); err != nil {
		return nil, err
	}
	if p != nil {
		p.put(c.Order, b[HeaderSize:HeaderSize+size])
	}
	return b, nil
}

// Put writes p to b, which needs room for it.
func (c Codec) Put(b []byte, p Payload) error {
	if err := p.check(); err != nil {
		return err
	}
	if p.Size() > len(b) {
		return fmt.Errorf("%w: %d bytes into %d", ErrInvalid, p.Size(), len(b))
	}
	b = b[:p.Size()]
	clear(b)
	p.put(c.Order, b)
	return nil
}

// String is a string with a NUL behind it: the new name of a rename, the text of a
// geometry.
type String string

// Size is the length with the NUL.
func (s String) Size() int { return len(s) + 1 }

func (s String) check() error {
	if strings.IndexByte(string(s), 0) >= 0 {
		return fmt.Errorf("%w: a NUL in a string", ErrInvalid)
	}
	return nil
}

func (s String) put(_ binary.ByteOrder, b []byte) { copy(b, s) }

// ReadString reads a String.
func ReadString(data []byte) (string, error) {
	s, ok := text(data)
	if !ok {
		return "", fmt.Errorf("%w: a string without end", ErrMalformed)
	}
	return s, nil
}

// Message is the text for a target. Text is not copied; it may hold a key.
type Message struct {
	Sector uint64 // 512-byte sectors from the start of the device
	Text   []byte
}

// Size is 8 bytes, the text and a NUL.
func (m Message) Size() int { return 8 + len(m.Text) + 1 }

func (m Message) check() error {
	for _, b := range m.Text {
		if b == 0 {
			return fmt.Errorf("%w: a NUL in a message", ErrInvalid)
		}
	}
	return nil
}

func (m Message) put(o binary.ByteOrder, b []byte) {
	o.PutUint64(b, m.Sector)
	copy(b[8:], m.Text)
}

// Message reads a Message. Its text is a part of data.
func (c Codec) Message(data []byte) (Message, error) {
	if len(data) < 9 {
		return Message{}, fmt.Errorf("%w: a message of %d bytes", ErrMalformed, len(data))
	}
	for i, b := range data[8:] {
		if b == 0 {
			return Message{Sector: c.Order.Uint64(data), Text: data[8 : 8+i]}, nil
		}
	}
	return Message{}, fmt.Errorf("%w: a message without end", ErrMalformed)
}

// Bytes are a payload as they are: the answer to a message.
type Bytes []byte

// Size is their number.
func (p Bytes) Size() int { return len(p) }

func (p Bytes) check() error                     { return nil }
func (p Bytes) put(_ binary.ByteOrder, b []byte) { copy(b, p) }
