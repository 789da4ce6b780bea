package verity

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// DeviceOptions are the optional parameters of a verity table line that change
// what is read. The zero value checks everything.
type DeviceOptions struct {
	// IgnoreCorruption returns damaged blocks as they are, ignore_corruption of
	// the kernel. I/O errors are still errors.
	IgnoreCorruption bool
	// IgnoreZeroBlocks returns zeros, without reading the data, for blocks that
	// should be zero according to the tree: ignore_zero_blocks of the kernel.
	IgnoreZeroBlocks bool
	// CheckAtMostOnce verifies a data block only when it is read for the first
	// time: check_at_most_once of the kernel. At most 32 MiB are spent on
	// remembering; data blocks beyond the first 2^28 are verified every time.
	CheckAtMostOnce bool
	// CacheBytes bounds the proven hash blocks that are kept. Zero means 16 MiB.
	// One block is always kept.
	CacheBytes int
	// Recover, if not nil, is asked for blocks that are damaged or cannot be
	// read, of the data and of the tree: use_fec_from_device of the kernel.
	// Nothing that it gives is returned without a proof.
	Recover RecoverFunc
}

// Device reads data that is proven against a root hash, block by block as it is
// asked for. It is safe for concurrent use. It does not close its readers.
type Device struct {
	layout   Layout
	nodes    *nodeReader
	root     []byte
	options  DeviceOptions
	cache    *blockCache
	once     *onceMap // nil: verify each time
	jobs     int
	zero     []byte    // digest of a zero data block
	readers  sync.Pool // of *deviceReader
	status   deviceStatus
	hopeless hopelessSet
}

// NewDevice makes a Device with the default options. See
// [NewDeviceWithOptions].
func NewDevice(data, hash io.ReaderAt, p Params, root []byte) (*Device, error) {
	return NewDeviceWithOptions(data, hash, p, root, DeviceOptions{})
}

// NewDeviceWithOptions makes a Device over data and its tree on hash, which
// must allow concurrent reads. Nothing is read before the first ReadAt: sizes
// and the root hash are not checked here. The error wraps [ErrBadParams].
func NewDeviceWithOptions(data, hash io.ReaderAt, p Params, root []byte, o DeviceOptions) (*Device, error) {
	l, err := NewLayout(p)
	if err != nil {
		return nil, err
	}
	if err := l.validateRoot(root); err != nil {
		return nil, err
	}
	if o.CacheBytes < 0 {
		return nil, badParams("cache of %d bytes", o.CacheBytes)
	}
	d := &Device{layout: l, root: bytes.Clone(root), options: o, jobs: p.jobs()}
	d.nodes = newNodeReader(&d.layout, data, hash)
	d.cache = newBlockCache(&d.layout, o.CacheBytes)
	if o.CheckAtMostOnce {
		d.once = newOnceMap(l.dataBlocks)
	}
	p.Salt, p.Progress = bytes.Clone(p.Salt), nil
	hashers, err := newDataHashers(p, 1)
	if err != nil {
		return nil, err
	}
	d.zero = hashers[0].zeroDigest
	d.readers.New = func() any { return newDeviceReader(d, p) }
	return d, nil
}

// Size is the length of the data in bytes.
func (d *Device) Size() int64 { return d.layout.DataBytes() }

// ReadAt implements io.ReaderAt for any offset and length: n bytes are proven,
// or were allowed to pass by the options. Where a block fails, n ends there,
// the rest of b is zeroed, and the error wraps a [CorruptError] (the block), or
// what data or hash returned. Data or hash that end too early are
// io.ErrUnexpectedEOF. Large reads use all cores; small ones allocate nothing.
func (d *Device) ReadAt(b []byte, off int64) (n int, err error) {
	switch {
	case off < 0:
		return 0, fmt.Errorf("verity: reading %d bytes at offset %d: %w", len(b), off, errNegativeOffset)
	case len(b) == 0:
		return 0, nil
	case off >= d.Size():
		return 0, io.EOF
	}
	part := b[:min(int64(len(b)), d.Size()-off)]
	if d.jobs > 1 && len(part) >= 2*d.pieceSize() {
		n, err = d.readPieces(part, off)
	} else {
		n, err = d.readSerial(part, off)
	}
	if err != nil {
		clear(b[n:])
		return n, wrapRead(err)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// wrapRead gives errors of a read their prefix; a CorruptError says it all.
func wrapRead(err error) error {
	var c *CorruptError
	if errors.As(err, &c) {
		return err
	}
	return fmt.Errorf("verity: %w", err)
}

// readSerial reads in this goroutine.
func (d *Device) readSerial(b []byte, off int64) (int, error) {
	r := d.readers.Get().(*deviceReader)
	defer d.readers.Put(r)
	return r.readAt(b, off)
}

// pieceSize is how much of a large read one goroutine takes at a time.
func (d *Device) pieceSize() int { return max(pieceBytes, d.layout.dataBlockSize) }

const pieceBytes = 128 << 10

// readPieces reads b in pieces, several at a time. Pieces begin at multiples of
// their size, so that two seldom need the same tree block.
func (d *Device) readPieces(b []byte, off int64) (int, error) {
	size := int64(d.pieceSize())
	job := &pieces{device: d, b: b, off: off, size: size, base: off / size * size}
	count := (off + int64(len(b)) - job.base + size - 1) / size
	job.failed = count
	var wg sync.WaitGroup
	for range min(int64(d.jobs), count) - 1 {
		wg.Go(job.work)
	}
	job.work()
	wg.Wait()
	if job.err != nil {
		return job.n, job.err
	}
	return len(b), nil
}

// pieces is one large read.
type pieces struct {
	device     *Device
	b          []byte
	off        int64
	base, size int64

	mu     sync.Mutex
	next   int64
	failed int64 // the first piece that failed; pieces from there on do not matter
	n      int   // bytes before the failure
	err    error
}

// work reads pieces until none is left.
func (j *pieces) work() {
	r := j.device.readers.Get().(*deviceReader)
	defer j.device.readers.Put(r)
	for i, ok := j.take(); ok; i, ok = j.take() {
		from := max(j.base+i*j.size, j.off) - j.off
		to := min(j.base+(i+1)*j.size-j.off, int64(len(j.b)))
		if n, err := r.readAt(j.b[from:to], j.off+from); err != nil {
			j.fail(i, int(from)+n, err)
		}
	}
}

func (j *pieces) take() (int64, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.next++
	return j.next - 1, j.next <= j.failed
}

func (j *pieces) fail(piece int64, n int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if piece < j.failed {
		j.failed, j.n, j.err = piece, n, err
	}
}
