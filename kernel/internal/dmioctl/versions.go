package dmioctl

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// TargetVersion is a target and its version.
type TargetVersion struct {
	Version [3]uint32 // major, minor, patch
	Name    string
}

// TargetVersions is a list of targets.
type TargetVersions []TargetVersion

const (
	offTargetVersion = 4
	offTargetName    = 16
)

func (t TargetVersion) size() int { return align(offTargetName + len(t.Name) + 1) }

// Size counts the padding behind every record, as the kernel does.
func (l TargetVersions) Size() int {
	n := 0
	for _, t := range l {
		n += t.size()
	}
	return n
}

func (l TargetVersions) check() error {
	for _, t := range l {
		if len(t.Name) >= typeSize || strings.IndexByte(t.Name, 0) >= 0 {
			return fmt.Errorf("%w: a target name of %d bytes", ErrInvalid, len(t.Name))
		}
	}
	return nil
}

func (l TargetVersions) put(o binary.ByteOrder, b []byte) {
	for i, t := range l {
		if i < len(l)-1 {
			o.PutUint32(b, uint32(t.size()))
		}
		for j, v := range t.Version {
			o.PutUint32(b[offTargetVersion+4*j:], v)
		}
		copy(b[offTargetName:], t.Name)
		b = b[t.size():]
	}
}

// TargetVersions reads a list of targets; no data is no target.
func (c Codec) TargetVersions(data []byte) ([]TargetVersion, error) {
	var list []TargetVersion
	if len(data) == 0 {
		return nil, nil
	}
	for at, next := uint64(0), uint64(1); next != 0; at += next {
		b := data[at:]
		if len(b) < offTargetName+1 {
			return nil, fmt.Errorf("%w: a target at %d of %d bytes", ErrMalformed, at, len(data))
		}
		next = uint64(c.Order.Uint32(b))
		if next%alignment != 0 || next > uint64(len(b)) || next != 0 && next <= offTargetName {
			return nil, fmt.Errorf("%w: target %d is followed by one at %d, %d bytes are left", ErrMalformed, len(list)+1, next, len(b))
		}
		if next != 0 {
			b = b[:next]
		}
		n := bytes.IndexByte(b[offTargetName:], 0)
		if n < 0 || n >= typeSize {
			return nil, fmt.Errorf("%w: the name of target %d has no end", ErrMalformed, len(list)+1)
		}
		t := TargetVersion{Name: string(b[offTargetName : offTargetName+n])}
		for i := range t.Version {
			t.Version[i] = c.Order.Uint32(b[offTargetVersion+4*i:])
		}
		list = append(list, t)
	}
	return list, nil
}

// Deps is the list of devices that a table uses.
type Deps []uint64

// Size is 8 bytes and 8 for each device.
func (d Deps) Size() int { return 8 + 8*len(d) }

func (d Deps) check() error { return nil }

func (d Deps) put(o binary.ByteOrder, b []byte) {
	o.PutUint32(b, uint32(len(d)))
	for i, dev := range d {
		o.PutUint64(b[8+8*i:], dev)
	}
}

// Deps reads a list of devices; no data is no device: there is no table.
func (c Codec) Deps(data []byte) ([]uint64, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if len(data) < 8 {
		return nil, fmt.Errorf("%w: a list of devices in %d bytes", ErrMalformed, len(data))
	}
	count := uint64(c.Order.Uint32(data))
	if count > uint64(len(data)-8)/8 {
		return nil, fmt.Errorf("%w: %d devices in %d bytes", ErrMalformed, count, len(data))
	}
	devs := make([]uint64, count)
	for i := range devs {
		devs[i] = c.Order.Uint64(data[8+8*i:])
	}
	return devs, nil
}
