package tables

import (
	"reflect"
	"strings"
)

// Status is what a live target says of itself: the text of `dmsetup status` as
// a struct. The set of types is closed: one struct per target that has a table
// here, and [RawStatus]; by value, a pointer to one works too.
//
// Numbers keep the units of the kernel's text, named in each field. What the
// fields mean follows the kernel's Documentation/admin-guide/device-mapper and
// the lines of live kernels in testdata.
type Status interface {
	header() StatusHeader
	targetType() string
	write(w *statusWriter)
}

// StatusHeader is what every status struct begins with.
type StatusHeader struct {
	Start  uint64 `json:"start_bytes"`  // bytes; of the target inside the mapped device
	Length uint64 `json:"length_bytes"` // bytes
	// Printed is the number of words that an older kernel printed, when it
	// printed fewer than the struct has fields for: those after them are zero.
	// 0: all were printed.
	Printed int `json:"printed_words,omitempty"`
	// Extra are words after those that the struct knows, as a newer kernel
	// appends them; nil: none.
	Extra []string `json:"extra,omitempty"`
}

func (h StatusHeader) header() StatusHeader { return h }

// RawStatus is the status of a target without a struct of its own, kept
// verbatim. Printed and Extra are not used.
type RawStatus struct {
	StatusHeader
	Target string `json:"-"`    // at most 15 bytes, no white space
	Text   string `json:"text"` // after the target name and one blank; no NUL
}

func (s RawStatus) targetType() string { return s.Target }

func (s RawStatus) write(w *statusWriter) { w.verbatim(s.Text) }

// UnwrapStatus returns the struct behind s, so that a type switch needs no case
// for pointers. It is nil for nil and for nil pointers.
func UnwrapStatus(s Status) Status {
	if s == nil {
		return nil
	}
	v := reflect.ValueOf(s)
	if v.Kind() != reflect.Pointer {
		return s
	}
	if v.IsNil() {
		return nil
	}
	return v.Elem().Interface().(Status)
}

// StatusType returns the kernel's name of the target that s is the status of;
// "" for nil.
func StatusType(s Status) string {
	if s = UnwrapStatus(s); s == nil {
		return ""
	}
	return s.targetType()
}

// Status reads l, whose Params are the text of a status call, into the struct of
// its target, or a [RawStatus] when the target is not known. Forms of older
// kernels, which print fewer words, and words that newer ones append are taken;
// see [StatusHeader]. Errors are [*ParseError] without a line number.
func (l Line) Status() (Status, error) {
	if err := checkTargetName(l.Target); err != nil {
		return nil, locate("", "target", err)
	}
	if strings.IndexByte(l.Params, 0) >= 0 {
		return nil, failf(l.Target, "", ErrSyntax, "a NUL byte cannot stand in a status")
	}
	start, ok := multiply(l.Start, SectorSize)
	if !ok {
		return nil, failf(l.Target, "start", ErrSyntax, "%d sectors are more than 2^64 bytes", l.Start)
	}
	length, ok := multiply(l.Length, SectorSize)
	if !ok {
		return nil, failf(l.Target, "length", ErrSyntax, "%d sectors are more than 2^64 bytes", l.Length)
	}
	h := StatusHeader{Start: start, Length: length}
	tgt, known := lookup(l.Target)
	if !known {
		return RawStatus{StatusHeader: h, Target: l.Target, Text: l.Params}, nil
	}
	r := &reader{target: l.Target, words: statusWords(l.Params)}
	s := tgt.status(h, r)
	if r.end(); r.err != nil {
		return nil, r.err
	}
	return s, nil
}

// StatusLine translates s into the kernel's text, which is in Params of the
// line: byte for byte what a kernel prints for the form that s has. A struct
// that no text says, because a word is empty or holds white space, or because
// Printed ends where no kernel does, is ErrSyntax in a [*ParseError].
func StatusLine(s Status) (Line, error) {
	if s = UnwrapStatus(s); s == nil {
		return Line{}, failf("", "", ErrSyntax, "no status (nil)")
	}
	l, err := statusLine(s)
	if err != nil {
		return Line{}, err
	}
	if _, raw := s.(RawStatus); raw {
		return l, nil
	}
	back, err := l.Status()
	if err != nil {
		return Line{}, err
	}
	if again, err := statusLine(back); err != nil || again != l {
		return Line{}, failf(l.Target, "", ErrSyntax, "the status does not read back from its text")
	}
	return l, nil
}

func statusLine(s Status) (Line, error) {
	target, h := s.targetType(), s.header()
	if err := checkTargetName(target); err != nil {
		return Line{}, locate("", "target", err)
	}
	if h.Start%SectorSize != 0 || h.Length%SectorSize != 0 {
		return Line{}, failf(target, "", ErrUnaligned, "%d bytes from %d: not multiples of %d", h.Length, h.Start, SectorSize)
	}
	w := &statusWriter{target: target}
	s.write(w)
	text, err := w.text(h)
	if err != nil {
		return Line{}, err
	}
	return Line{Start: h.Start / SectorSize, Length: h.Length / SectorSize, Target: target, Params: text}, nil
}
