package tables

// ThinPoolStatus is the status of a thin-pool target (thin-provisioning.rst).
type ThinPoolStatus struct {
	StatusHeader
	// State is "Fail" or "Error" when the kernel printed that in place of all
	// fields, which are then zero; "" otherwise.
	State                  string  `json:"state,omitempty"`
	TransactionID          uint64  `json:"transaction_id"`
	UsedMetadataBlocks     uint64  `json:"used_metadata_blocks"`      // 4096 bytes each
	TotalMetadataBlocks    uint64  `json:"total_metadata_blocks"`     // 4096 bytes each
	UsedDataBlocks         uint64  `json:"used_data_blocks"`          // of the pool's block size
	TotalDataBlocks        uint64  `json:"total_data_blocks"`         // of the pool's block size
	HeldRoot               *uint64 `json:"held_root"`                 // metadata block of the metadata snapshot; nil: none
	Mode                   string  `json:"mode"`                      // "rw", "ro" or "out_of_data_space"
	Discard                string  `json:"discard"`                   // "ignore_discard", "discard_passdown" or "no_discard_passdown"
	ErrorIfNoSpace         bool    `json:"error_if_no_space"`         // false: requests wait for space
	NeedsCheck             bool    `json:"needs_check"`               // the metadata must be checked and repaired
	MetadataLowWaterBlocks uint64  `json:"metadata_low_water_blocks"` // 4096 bytes each; free blocks at which an event is sent
}

func (ThinPoolStatus) targetType() string { return "thin-pool" }

// printedDiscard is the number of words of the kernels whose text ends with the
// discard word, after which alone there is no blank.
const printedDiscard = 6

func (s ThinPoolStatus) write(w *statusWriter) {
	if w.state(s.State) {
		return
	}
	w.number(s.TransactionID)
	w.ratio(s.UsedMetadataBlocks, s.TotalMetadataBlocks)
	w.ratio(s.UsedDataBlocks, s.TotalDataBlocks)
	w.maybe(s.HeldRoot)
	w.word("mode", s.Mode)
	w.word("discard", s.Discard)
	w.flag(s.ErrorIfNoSpace, "error_if_no_space", "queue_if_no_space")
	w.flag(s.NeedsCheck, needsCheck, none)
	w.number(s.MetadataLowWaterBlocks)
	w.closed = s.Printed != printedDiscard
}

// needsCheck is what thin-pool and cache print when their metadata is in doubt.
const needsCheck = "needs_check"

func parseThinPoolStatus(h StatusHeader, r *reader) Status {
	s := ThinPoolStatus{State: r.state("Fail", "Error")}
	if s.State == "" {
		s.read(r)
	}
	s.StatusHeader = r.tail(h)
	return s
}

func (s *ThinPoolStatus) read(r *reader) {
	s.TransactionID = r.number("transaction id")
	s.UsedMetadataBlocks, s.TotalMetadataBlocks = r.ratio("metadata blocks")
	s.UsedDataBlocks, s.TotalDataBlocks = r.ratio("data blocks")
	if r.more() {
		s.HeldRoot = r.maybe("held root")
	}
	if r.more() {
		s.Mode = r.word("mode")
	}
	if r.more() {
		s.Discard = r.word("discard")
	}
	if r.more() {
		s.ErrorIfNoSpace = r.flag("no space", "error_if_no_space", "queue_if_no_space")
	}
	if r.more() {
		s.NeedsCheck = r.flag("needs check", needsCheck, none)
	}
	if r.more() {
		s.MetadataLowWaterBlocks = r.number("metadata low water mark")
	}
}
