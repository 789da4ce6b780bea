package activate

// LoopOptions of [AttachLoop]. The zero value is the whole file, writable, with blocks of
// 512 bytes.
type LoopOptions struct {
	ReadOnly  bool
	Offset    uint64 // bytes, where the device begins in the file
	Size      uint64 // bytes; 0: up to the end of the file
	BlockSize uint32 // bytes of a logical block: 512 to 4096, a power of two; 0: 512
}

// Loop is a block device over a file (loop(4)). It goes by itself when nobody has it open
// any more: Close it once a table uses it, and it lives as long as that table; Close it
// without one, and it is gone.
type Loop struct {
	path  string
	close func() error
}

// Path is the path of the block device.
func (l *Loop) Path() string { return l.path }

// Close lets go of the device.
func (l *Loop) Close() error { return l.close() }
