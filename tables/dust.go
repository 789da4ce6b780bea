package tables

// DustTable is linear, and fails reads of blocks that a message has put on its
// list. Line: <dev> <offset> <block bytes> (dm-dust.rst).
type DustTable struct {
	Start     uint64 `json:"start_bytes"`  // bytes
	Length    uint64 `json:"length_bytes"` // bytes
	Device    string `json:"device"`
	Offset    uint64 `json:"offset_bytes"`     // bytes
	BlockSize uint64 `json:"block_size_bytes"` // bytes, on the line too
}

func (t DustTable) start() uint64      { return t.Start }
func (t DustTable) length() uint64     { return t.Length }
func (t DustTable) targetType() string { return "dust" }
func (t DustTable) value() Table       { return t }
func (t DustTable) devices() []string  { return []string{t.Device} }

func (t DustTable) params() (string, error) {
	b := builder{target: "dust"}
	b.word("device", t.Device)
	b.sectors("offset", t.Offset)
	if t.BlockSize%SectorSize != 0 {
		b.failf("block size", ErrUnaligned, "%d bytes are not a multiple of %d", t.BlockSize, SectorSize)
	}
	b.number(t.BlockSize)
	return b.done()
}

func parseDust(start, length uint64, r *reader) Table {
	t := DustTable{Start: start, Length: length}
	t.Device = r.word("device")
	t.Offset = r.sectors("offset")
	t.BlockSize = r.number("block size")
	if r.err == nil && t.BlockSize%SectorSize != 0 {
		r.failf("block size", ErrUnaligned, "%d bytes are not a multiple of %d", t.BlockSize, SectorSize)
	}
	return t
}

// maxDustBlock is 2097152 sectors.
const maxDustBlock = 2097152 * SectorSize

func (t DustTable) check() error {
	if !powerOfTwo(t.BlockSize, SectorSize, maxDustBlock) {
		return failf("dust", "block size", ErrInvalid, "%d bytes: want a power of two, 512 to %d", t.BlockSize, uint64(maxDustBlock))
	}
	if t.BlockSize > t.Length {
		return failf("dust", "block size", ErrInvalid, "%d bytes are more than the length of %d", t.BlockSize, t.Length)
	}
	return checkBackend("dust", "offset", t.Offset, t.Length)
}

// DustStatus is the status of a dust target.
type DustStatus struct {
	StatusHeader
	Device    string `json:"device"`     // major:minor
	FailReads bool   `json:"fail_reads"` // reads of bad blocks fail
	Quiet     bool   `json:"quiet"`      // it does not log; an older kernel does not print it
}

func (DustStatus) targetType() string { return "dust" }

func (s DustStatus) write(w *statusWriter) {
	w.word("device", s.Device)
	w.flag(s.FailReads, "fail_read_on_bad_block", "bypass")
	w.flag(s.Quiet, "quiet", "verbose")
}

func parseDustStatus(h StatusHeader, r *reader) Status {
	s := DustStatus{Device: r.word("device"), FailReads: r.flag("mode", "fail_read_on_bad_block", "bypass")}
	if r.more() {
		s.Quiet = r.flag("verbosity", "quiet", "verbose")
	}
	s.StatusHeader = r.tail(h)
	return s
}
