// Package tables holds device-mapper tables as Go values and as text: one
// struct per target, reading and writing of what dmsetup prints, of the
// concise form and of the dm-mod.create= boot parameter, JSON, and the checks
// that the kernel makes on a table before it looks at any device; and, likewise,
// what live targets say of themselves: [Status].
//
// It follows the kernel's Documentation/admin-guide/device-mapper and the
// dmsetup manual; a name such as dm-raid.rst is a page of the former. Structs
// count bytes, table text counts 512-byte sectors, as the well-known Go API
// does whose type and field names are kept here.
//
//	ts, err := tables.Parse(strings.NewReader("0 2048 linear /dev/sdb 64\n"))
//	if err != nil {
//		return err // a *tables.ParseError: line, target, field
//	}
//	fmt.Println(ts[0].(tables.LinearTable).BackendOffset) // 32768
//
// The package opens no device and reads no data: that is package volume.
// Everything in it is data; all functions are safe for concurrent use.
package tables

import "reflect"

// SectorSize is the unit of table text in bytes. It does not depend on any
// device.
const SectorSize = 512

// ReadOnlyFlag is the value of the kernel's DM_READONLY_FLAG, bit 0 of the
// flags of a device-mapper call (uapi/linux/dm-ioctl.h).
const ReadOnlyFlag = 1

// Table is one entry of a device's mapping table. The set of types is closed:
// the structs of this package implement it, by value; a pointer to one works
// too. Start and Length of every struct are bytes.
//
// Slices inside a table are shared when it is copied; no function of this
// package changes them.
type Table interface {
	start() uint64
	length() uint64
	targetType() string
	params() (string, error) // text after the target name; may hold keys
	devices() []string
	value() Table // the struct itself, also from a pointer
}

// checker is a table with rules of its own, beyond what its text can express.
type checker interface {
	check() error
}

// Extent returns the range of the mapped device that t describes, in bytes.
// It is 0, 0 for nil.
func Extent(t Table) (start, length uint64) {
	if t = Unwrap(t); t == nil {
		return 0, 0
	}
	return t.start(), t.length()
}

// TargetType returns the kernel's name of the target, "linear"; "" for nil.
func TargetType(t Table) string {
	if t = Unwrap(t); t == nil {
		return ""
	}
	return t.targetType()
}

// Devices returns the device words that t names: paths or major:minor, each
// once, in the order of the table line, options included (the FEC device of
// verity, the journal of raid). Placeholders such as "-" are left out. An
// unknown target ([RawTable]) names none.
func Devices(t Table) []string {
	if t = Unwrap(t); t == nil {
		return nil
	}
	var out []string
	seen := make(map[string]bool)
	for _, d := range t.devices() {
		if d != "" && d != "-" && !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
	}
	return out
}

// Unwrap returns the struct behind t, so that a type switch needs no case for
// pointers. It is nil for nil and for nil pointers.
func Unwrap(t Table) Table {
	if t == nil {
		return nil
	}
	if v := reflect.ValueOf(t); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	return t.value()
}
