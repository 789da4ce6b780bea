package kernel

import (
	"fmt"
	"strconv"
)

// Ref says which device is meant: by name, by UUID or by number. The zero Ref means
// none.
type Ref struct {
	by    selector
	text  string
	devno uint64
}

type selector int

const (
	byNothing selector = iota
	byName
	byUUID
	byDevno
	byKernelName // the header has the name already, text is for people
)

// ByName is the device of this name.
func ByName(name string) Ref { return Ref{by: byName, text: name} }

// ByUUID is the device of this UUID, the whole of it.
func ByUUID(uuid string) Ref { return Ref{by: byUUID, text: uuid} }

// ByDevno is the device of this number, as [Mkdev] makes it.
func ByDevno(devno uint64) Ref { return Ref{by: byDevno, devno: devno} }

// String is the name, or "uuid …" or "major:minor".
func (r Ref) String() string {
	switch r.by {
	case byName, byKernelName:
		return r.text
	case byUUID:
		return "uuid " + r.text
	case byDevno:
		return fmt.Sprintf("%d:%d", Major(r.devno), Minor(r.devno))
	}
	return strconv.Quote("")
}
