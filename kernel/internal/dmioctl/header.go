package dmioctl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Sizes of the interface in bytes.
const (
	HeaderSize    = 312     // data begins here, in requests and replies
	MinHeaderSize = 305     // what the kernel reads and returns at least
	MaxSize       = 1 << 30 // of a whole buffer
	NameSize      = 128     // field of the name, NUL included
	UUIDSize      = 129     // field of the UUID, NUL included
	alignment     = 8       // of records
)

// Major is the major version of the interface that this package speaks.
const Major = 4

// ErrMalformed is wrapped by every error of a decoder.
var ErrMalformed = errors.New("malformed device-mapper buffer")

// ErrInvalid is wrapped by every error of an encoder: the value has no place in a buffer.
var ErrInvalid = errors.New("cannot be put into a device-mapper buffer")

// Codec reads and writes buffers of one byte order.
type Codec struct {
	Order binary.ByteOrder
}

// Native is the codec of this machine.
var Native = Codec{binary.NativeEndian}

// Header is the fixed part of every buffer.
type Header struct {
	Version     [3]uint32 // major, minor, patch
	DataSize    uint32    // bytes of the buffer that count, header included
	DataStart   uint32    // where data begins, bytes from the start of the header
	TargetCount uint32
	OpenCount   int32
	Flags       uint32
	EventNr     uint32 // request: cookie, or for wait the counter; reply: counter
	Dev         uint64
	Name, UUID  string
}

// Offsets inside the header.
const (
	offVersion     = 0
	offDataSize    = 12
	offDataStart   = 16
	offTargetCount = 20
	offOpenCount   = 24
	offFlags       = 28
	offEventNr     = 32
	offDev         = 40
	offName        = 48
	offUUID        = 176
)

// PutHeader writes h to the first HeaderSize bytes of b, which must be that long, and
// zeros the padding.
func (c Codec) PutHeader(b []byte, h Header) error {
	if len(h.Name) >= NameSize || strings.IndexByte(h.Name, 0) >= 0 {
		return fmt.Errorf("%w: a name of %d bytes, at most %d and no NUL are possible", ErrInvalid, len(h.Name), NameSize-1)
	}
	if len(h.UUID) >= UUIDSize || strings.IndexByte(h.UUID, 0) >= 0 {
		return fmt.Errorf("%w: a UUID of %d bytes, at most %d and no NUL are possible", ErrInvalid, len(h.UUID), UUIDSize-1)
	}
	b = b[:HeaderSize]
	clear(b)
	for i, v := range h.Version {
		c.Order.PutUint32(b[offVersion+4*i:], v)
	}
	c.Order.PutUint32(b[offDataSize:], h.DataSize)
	c.Order.PutUint32(b[offDataStart:], h.DataStart)
	c.Order.PutUint32(b[offTargetCount:], h.TargetCount)
	c.Order.PutUint32(b[offOpenCount:], uint32(h.OpenCount))
	c.Order.PutUint32(b[offFlags:], h.Flags)
	c.Order.PutUint32(b[offEventNr:], h.EventNr)
	c.Order.PutUint64(b[offDev:], h.Dev)
	copy(b[offName:], h.Name)
	copy(b[offUUID:], h.UUID)
	return nil
}

// Header reads the header of a buffer. Only the required part needs to be there.
func (c Codec) Header(b []byte) (Header, error) {
	if len(b) < MinHeaderSize {
		return Header{}, fmt.Errorf("%w: %d bytes, a header has %d", ErrMalformed, len(b), MinHeaderSize)
	}
	h := Header{
		DataSize:    c.Order.Uint32(b[offDataSize:]),
		DataStart:   c.Order.Uint32(b[offDataStart:]),
		TargetCount: c.Order.Uint32(b[offTargetCount:]),
		OpenCount:   int32(c.Order.Uint32(b[offOpenCount:])),
		Flags:       c.Order.Uint32(b[offFlags:]),
		EventNr:     c.Order.Uint32(b[offEventNr:]),
		Dev:         c.Order.Uint64(b[offDev:]),
	}
	h.Version = c.Version(b)
	var ok bool
	if h.Name, ok = text(b[offName : offName+NameSize]); !ok {
		return Header{}, fmt.Errorf("%w: the name has no end", ErrMalformed)
	}
	if h.UUID, ok = text(b[offUUID : offUUID+UUIDSize]); !ok {
		return Header{}, fmt.Errorf("%w: the UUID has no end", ErrMalformed)
	}
	return h, nil
}

// Version reads the version out of a header, the only field that the kernel writes when
// a call fails. b must have 12 bytes.
func (c Codec) Version(b []byte) (v [3]uint32) {
	for i := range v {
		v[i] = c.Order.Uint32(b[offVersion+4*i:])
	}
	return v
}

// Data is what follows the header of a buffer, as its header says. It is a part of b.
func Data(b []byte, h Header) ([]byte, error) {
	if h.DataSize < MinHeaderSize || uint64(h.DataSize) > uint64(len(b)) {
		return nil, fmt.Errorf("%w: data_size %d in a buffer of %d bytes", ErrMalformed, h.DataSize, len(b))
	}
	if h.DataStart < MinHeaderSize || h.DataStart > h.DataSize {
		if h.DataStart == HeaderSize { // the kernel counts 305 bytes when there is no data
			return nil, nil
		}
		return nil, fmt.Errorf("%w: data_start %d with data_size %d", ErrMalformed, h.DataStart, h.DataSize)
	}
	return b[h.DataStart:h.DataSize], nil
}

// text is the string before the first NUL of a field.
func text(field []byte) (string, bool) {
	i := bytes.IndexByte(field, 0)
	if i < 0 {
		return "", false
	}
	return string(field[:i]), true
}

// align rounds n up to a multiple of 8.
func align(n int) int { return (n + alignment - 1) &^ (alignment - 1) }
