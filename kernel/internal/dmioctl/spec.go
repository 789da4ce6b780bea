package dmioctl

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// Spec is one target: what a load gives and what status and table return.
type Spec struct {
	Start, Length uint64 // 512-byte sectors
	Status        int32  // 0, in both directions
	Target        string // at most 15 bytes
	Params        string
}

// Convention says from where the word "next" of a spec counts. The kernel uses one in
// what it reads and the other in what it writes.
type Convention int

// The conventions.
const (
	FromSpec  Convention = iota // from the spec itself: load
	FromFirst                   // from the first spec: status, table, wait
)

// Parts of a spec in bytes.
const (
	specSize      = 40
	offSpecLength = 8
	offSpecStatus = 16
	offSpecNext   = 20
	offSpecType   = 24
	typeSize      = 16
)

// Specs are the targets of a table.
type Specs struct {
	Convention Convention
	List       []Spec
}

// Size counts the padding behind every spec, for FromFirst without that of the last:
// this is what the kernel sends.
func (s Specs) Size() int {
	n := 0
	for i, spec := range s.List {
		size := specSize + len(spec.Params) + 1
		if s.Convention == FromSpec || i < len(s.List)-1 {
			size = align(size)
		}
		n += size
	}
	return n
}

func (s Specs) check() error {
	for _, spec := range s.List {
		if len(spec.Target) >= typeSize || strings.IndexByte(spec.Target, 0) >= 0 {
			return fmt.Errorf("%w: a target name of %d bytes, at most %d and no NUL are possible", ErrInvalid, len(spec.Target), typeSize-1)
		}
		if strings.IndexByte(spec.Params, 0) >= 0 {
			return fmt.Errorf("%w: a NUL in the parameters of %s", ErrInvalid, spec.Target)
		}
	}
	return nil
}

func (s Specs) put(o binary.ByteOrder, b []byte) {
	at := 0
	for _, spec := range s.List {
		size := align(specSize + len(spec.Params) + 1)
		o.PutUint64(b[at:], spec.Start)
		o.PutUint64(b[at+offSpecLength:], spec.Length)
		o.PutUint32(b[at+offSpecStatus:], uint32(spec.Status))
		next := size
		if s.Convention == FromFirst {
			next += at
		}
		o.PutUint32(b[at+offSpecNext:], uint32(next))
		copy(b[at+offSpecType:], spec.Target)
		copy(b[at+specSize:], spec.Params)
		at += size
	}
}

// Specs reads count targets out of the data of a buffer. For FromSpec it makes the checks
// of the kernel: everything inside the buffer, strings with an end, multiples of 8, no
// overlap. The "next" of the last one is not looked at.
func (c Codec) Specs(data []byte, count int, convention Convention) ([]Spec, error) {
	if count < 0 || count > len(data)/(specSize+1)+1 {
		return nil, fmt.Errorf("%w: %d targets in %d bytes", ErrMalformed, count, len(data))
	}
	specs := make([]Spec, 0, count)
	at := uint64(0)
	for i := range count {
		spec, end, err := c.spec(data, at)
		if err != nil {
			return nil, fmt.Errorf("target %d: %w", i+1, err)
		}
		specs = append(specs, spec)
		if i == count-1 {
			break
		}
		next := uint64(c.Order.Uint32(data[at+offSpecNext:]))
		if convention == FromSpec {
			next += at
		}
		if next < end || next%alignment != 0 {
			return nil, fmt.Errorf("%w: target %d ends at %d and the next one begins at %d", ErrMalformed, i+1, end, next)
		}
		at = next
	}
	return specs, nil
}

// spec reads the target at this offset, and says where its text ends, NUL included.
func (c Codec) spec(data []byte, at uint64) (Spec, uint64, error) {
	if at > uint64(len(data)) || uint64(len(data))-at < specSize+1 {
		return Spec{}, 0, fmt.Errorf("%w: a target at %d of %d bytes", ErrMalformed, at, len(data))
	}
	b := data[at:]
	target, ok := text(b[offSpecType : offSpecType+typeSize])
	if !ok {
		return Spec{}, 0, fmt.Errorf("%w: a target name without end", ErrMalformed)
	}
	n := bytes.IndexByte(b[specSize:], 0)
	if n < 0 {
		return Spec{}, 0, fmt.Errorf("%w: parameters of %s without end", ErrMalformed, target)
	}
	spec := Spec{
		Start:  c.Order.Uint64(b),
		Length: c.Order.Uint64(b[offSpecLength:]),
		Status: int32(c.Order.Uint32(b[offSpecStatus:])),
		Target: target,
		Params: string(b[specSize : specSize+n]),
	}
	return spec, at + specSize + uint64(n) + 1, nil
}
