package kernel

// MessageOptions of [Control.Message].
type MessageOptions struct {
	ReplySize int // room for the answer in bytes; 0: 64 KiB
}

// Message sends text to the target at this sector of the live table; words that begin with
// @ go to device-mapper itself. The answer is nil when there is none, and has no NUL at its
// end.
//
// An answer that does not fit is asked for again only when the message changes nothing
// (@stats_print, @stats_list, …); otherwise what fitted is returned with ErrTruncated.
// text may hold a key: it is the caller's to wipe, this package wipes its copies.
func (c *Control) Message(ref Ref, sector uint64, text []byte, o MessageOptions) ([]byte, error) {
	return nil, &Error{Op: "message", Name: ref.String(), Err: ErrNotSupported}
}

// Geometry is the legacy geometry of a disk.
type Geometry struct {
	Cylinders uint32 // at most 65535
	Heads     uint32 // at most 255
	Sectors   uint32 // per track, at most 255
	Start     uint64 // 512-byte sectors
}

// SetGeometry sets what HDIO_GETGEO says of a device, which must have a live table.
func (c *Control) SetGeometry(ref Ref, g Geometry) error {
	return &Error{Op: "set-geometry", Name: ref.String(), Err: ErrNotSupported}
}
