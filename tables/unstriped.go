package tables

// UnstripedTable picks one column out of a striped device. Line:
// <n> <chunk> <stripe> <dev> <offset> (unstriped.rst).
type UnstripedTable struct {
	Start      uint64 `json:"start_bytes"`  // bytes
	Length     uint64 `json:"length_bytes"` // bytes
	NumStripes uint64 `json:"num_stripes"`
	ChunkSize  uint64 `json:"chunk_size_bytes"` // bytes
	StripeNum  uint64 `json:"stripe_num"`       // counted from 0
	Device     string `json:"device"`
	Offset     uint64 `json:"offset_bytes"` // bytes
}

func (t UnstripedTable) start() uint64      { return t.Start }
func (t UnstripedTable) length() uint64     { return t.Length }
func (t UnstripedTable) targetType() string { return "unstriped" }
func (t UnstripedTable) value() Table       { return t }
func (t UnstripedTable) devices() []string  { return []string{t.Device} }

func (t UnstripedTable) params() (string, error) {
	b := builder{target: "unstriped"}
	b.number(t.NumStripes)
	b.sectors("chunk size", t.ChunkSize)
	b.number(t.StripeNum)
	b.word("device", t.Device)
	b.sectors("offset", t.Offset)
	return b.done()
}

func parseUnstriped(start, length uint64, r *reader) Table {
	t := UnstripedTable{Start: start, Length: length}
	t.NumStripes = r.number("stripes")
	t.ChunkSize = r.sectors("chunk size")
	t.StripeNum = r.number("stripe number")
	t.Device = r.word("device")
	t.Offset = r.sectors("offset")
	return t
}

// check refuses a stripe number equal to the count, which a kernel lets pass;
// with a single stripe it takes any number.
func (t UnstripedTable) check() error {
	switch {
	case t.NumStripes == 0:
		return failf("unstriped", "stripes", ErrInvalid, "it is 0")
	case t.ChunkSize == 0:
		return failf("unstriped", "chunk size", ErrInvalid, "it is 0")
	case t.NumStripes > 1 && t.StripeNum >= t.NumStripes:
		return failf("unstriped", "stripe number", ErrInvalid, "%d is not below the %d stripes", t.StripeNum, t.NumStripes)
	case t.Length%t.ChunkSize != 0:
		return failf("unstriped", "length", ErrInvalid, "%d sectors are not a multiple of the chunk of %d sectors",
			t.Length/SectorSize, t.ChunkSize/SectorSize)
	}
	span, ok := multiply(t.Length, t.NumStripes)
	if !ok {
		return failf("unstriped", "stripes", ErrInvalid, "the striped device would be larger than 2^63 bytes")
	}
	return checkBackend("unstriped", "offset", t.Offset, span)
}

// UnstripedStatus is the status of an unstriped target, which says nothing.
type UnstripedStatus struct{ StatusHeader }

func (UnstripedStatus) targetType() string { return "unstriped" }

func (UnstripedStatus) write(*statusWriter) {}

func parseUnstripedStatus(h StatusHeader, r *reader) Status { return UnstripedStatus{r.tail(h)} }
