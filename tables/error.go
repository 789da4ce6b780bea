package tables

// ErrorTable fails every request. Line: nothing, or <dev> <offset>, from which
// a newer kernel takes limits and zones only. The kernel accepts any other
// number of words and ignores them; so does [Parse], and they are not kept.
type ErrorTable struct {
	Start  uint64 `json:"start_bytes"`            // bytes
	Length uint64 `json:"length_bytes"`           // bytes
	Device string `json:"device,omitempty"`       // "": none
	Offset uint64 `json:"offset_bytes,omitempty"` // bytes; 0 without Device
}

func (t ErrorTable) start() uint64      { return t.Start }
func (t ErrorTable) length() uint64     { return t.Length }
func (t ErrorTable) targetType() string { return "error" }
func (t ErrorTable) value() Table       { return t }
func (t ErrorTable) devices() []string  { return []string{t.Device} }

func (t ErrorTable) params() (string, error) {
	b := builder{target: "error"}
	if t.Device == "" {
		if t.Offset != 0 {
			b.failf("offset", ErrSyntax, "there is an offset but no device")
		}
		return b.done()
	}
	b.word("device", t.Device)
	b.sectors("offset", t.Offset)
	return b.done()
}

func parseError(start, length uint64, r *reader) Table {
	t := ErrorTable{Start: start, Length: length}
	if r.left() != 2 {
		r.rest()
		return t
	}
	t.Device = r.word("device")
	t.Offset = r.sectors("offset")
	return t
}

// ErrorStatus is the status of an error target, which says nothing.
type ErrorStatus struct{ StatusHeader }

func (ErrorStatus) targetType() string { return "error" }

func (ErrorStatus) write(*statusWriter) {}

func parseErrorStatus(h StatusHeader, r *reader) Status { return ErrorStatus{r.tail(h)} }
