package tables

import (
	"fmt"
	"sort"
)

// maxBytes is the end of the largest device: 2^63 bytes.
const maxBytes = 1 << 63

// maxPage is the largest memory page of a machine Linux runs on, in bytes. Some
// targets bound a block by the page size of the running kernel.
const maxPage = 65536

// Validate checks the tables of one device as the kernel does before it looks
// at the devices they name: every table has a line and a length, keeps the
// rules of its target, and ends below 2^63 bytes; together they start at 0 and
// have no gap and no overlap; a target that must be alone is alone (thin-pool,
// integrity, multipath, zoned, vdo, and verity as Linux 6.12 has it).
//
// The order of the arguments does not matter; a kernel wants them by Start.
// No table at all is an error. The result is a [*ParseError] whose Line is the
// place of the table among the arguments, from 1, wrapping [ErrOverlap],
// [ErrUnaligned], [ErrInvalid] or [ErrSyntax].
func Validate(ts ...Table) error {
	if len(ts) == 0 {
		return failf("", "", ErrInvalid, "there is no table")
	}
	order := make([]int, len(ts))
	for i, t := range ts {
		order[i] = i
		if err := validateOne(t); err != nil {
			return onLine(err, i+1, "")
		}
		if tgt, known := lookup(TargetType(t)); known && tgt.singleton && len(ts) > 1 {
			return onLine(failf(tgt.name, "", ErrInvalid, "the target must be alone in its device, there are %d tables", len(ts)), i+1, "")
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return ts[order[a]].start() < ts[order[b]].start() })
	end := uint64(0)
	for _, i := range order {
		start, length := Extent(ts[i])
		if start != end {
			return onLine(contiguity(TargetType(ts[i]), start, end), i+1, "")
		}
		end = start + length
	}
	return nil
}

// contiguity says how start fails to be the end of the table before.
func contiguity(target string, start, end uint64) error {
	start, end = start/SectorSize, end/SectorSize
	switch {
	case end == 0:
		return failf(target, "start", ErrOverlap, "the first table starts at sector %d, want 0", start)
	case start > end:
		return failf(target, "start", ErrOverlap, "gap: it starts at sector %d, the table before ends at %d", start, end)
	}
	return failf(target, "start", ErrOverlap, "overlap: it starts at sector %d, the table before ends at %d", start, end)
}

// validateOne checks what concerns one table only.
func validateOne(t Table) error {
	l, err := LineOf(t)
	if err != nil {
		return err
	}
	start, length := Extent(t)
	if length == 0 {
		return failf(l.Target, "length", ErrInvalid, "it is 0")
	}
	if end, ok := add(start, length); !ok || end >= maxBytes {
		return failf(l.Target, "length", ErrInvalid, "start %d and length %d end beyond 2^63 bytes", start, length)
	}
	if c, ok := Unwrap(t).(checker); ok {
		return c.check()
	}
	return nil
}

// checkBackend refuses a range that no device can have.
func checkBackend(target, field string, offset, length uint64) error {
	if end, ok := add(offset, length); !ok || end >= maxBytes {
		return failf(target, field, ErrInvalid, "offset %d and length %d end beyond 2^63 bytes", offset, length)
	}
	return nil
}

// checkBlock checks a block size in bytes that must be a multiple of low
// sectors, up to high sectors.
func checkBlock(target string, bytes, low, high uint64) error {
	if s := bytes / SectorSize; s < low || s > high || s%low != 0 {
		return failf(target, "block size", ErrInvalid, "%d sectors: want a multiple of %d, at most %d", s, low, high)
	}
	return nil
}

// powerOfTwo says whether n is one, between low and high.
func powerOfTwo(n, low, high uint64) bool {
	return n != 0 && n&(n-1) == 0 && n >= low && n <= high
}

// Limits of the kernel's device header, in bytes.
const (
	maxName = 127
	maxUUID = 128
)

// checkName refuses names that the kernel refuses.
func checkName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: the name is missing", ErrInvalid)
	case len(name) > maxName:
		return fmt.Errorf("%w: the name has %d bytes, more than %d", ErrInvalid, len(name), maxName)
	case name == "control" || name == "." || name == "..":
		return fmt.Errorf("%w: the name is reserved", ErrInvalid)
	}
	for i := 0; i < len(name); i++ {
		if name[i] == '/' || name[i] == 0 {
			return fmt.Errorf("%w: a name cannot hold / or NUL", ErrInvalid)
		}
	}
	return nil
}
