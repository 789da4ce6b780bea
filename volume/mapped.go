package volume

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/tables"
)

// Mapped is an open volume that knows its size; it is a [Backend] itself, so
// volumes stack. All methods may be called concurrently; Close waits for the
// calls that are under way.
type Mapped struct {
	spans    []span // in order, from 0, without gaps
	size     int64
	unit     limits // the largest of the spans
	writable bool
	devices  *Pool              // nil when somebody else owns the devices
	uses     map[string]Backend // what the engines were given, by name

	mu     sync.RWMutex // held for reading during I/O, for writing by Close
	closed bool
}

// span is one target: bytes [start, end) of the volume.
type span struct {
	start, end int64
	engine     Engine
	unit       limits
	target     string
	status     tables.Status // if the engine is no Statuser; nil: not known
}

// add opens the engine of one table.
func (m *Mapped) add(r Registry, env Env, t tables.Table) error {
	start, length := tables.Extent(t)
	target := tables.TargetType(t)
	fail := func(err error) error {
		return fmt.Errorf("volume: opening the %s target at byte %d: %w", target, start, err)
	}
	if length == 0 || start != uint64(m.size) || length > uint64(math.MaxInt64-m.size) {
		return fail(tables.ErrOverlap)
	}
	engine, err := r.open(env, t)
	if err != nil {
		return fail(err)
	}
	s := span{m.size, m.size + int64(length), engine, limitsOf(engine), target, fixedStatus(t)}
	m.spans = append(m.spans, s)
	m.size = s.end
	if r, ok := engine.(interface{ ReadOnly() bool }); ok && r.ReadOnly() && m.writable {
		return fail(fmt.Errorf("%w: open it without O_RDWR", ErrReadOnly))
	}
	if s.start%int64(s.unit.block) != 0 {
		return fail(fmt.Errorf("it has blocks of %d bytes: %w", s.unit.block, ErrUnaligned))
	}
	return nil
}

// settle finishes a volume whose targets are all there.
func (m *Mapped) settle() error {
	for _, s := range m.spans {
		m.unit = limitsOf(m.unit, s.unit)
	}
	if len(m.spans) == 0 {
		return fmt.Errorf("volume: opening: no tables: %w", fs.ErrInvalid)
	}
	if m.size%int64(m.unit.block) != 0 {
		return fmt.Errorf("volume: opening: size of %d bytes, blocks of %d: %w", m.size, m.unit.block, ErrUnaligned)
	}
	return nil
}

// Size returns the size in bytes. The error is always nil.
func (m *Mapped) Size() (int64, error) { return m.size, nil }

// BlockSize is the largest unit in bytes that is read, or fails, as a whole.
func (m *Mapped) BlockSize() int { return m.unit.block }

// Alignment is the unit in bytes whose multiples every range of the volume
// accepts as offset and length; most ranges accept 512.
func (m *Mapped) Alignment() int { return m.unit.align }

// ReadOnly says whether writes are refused.
func (m *Mapped) ReadOnly() bool { return !m.writable }

// ReadAt reads len(p) bytes at off, both multiples of 512, and of the
// encryption sector inside a crypt target (ErrUnaligned). When several parts
// fail, the error is that of the lowest offset, and n the good bytes before
// it. At the end of the volume it returns io.EOF as io.ReaderAt says.
func (m *Mapped) ReadAt(p []byte, off int64) (n int, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.check("reading", len(p), off); err != nil || len(p) == 0 {
		return 0, err
	}
	if off >= m.size {
		return 0, io.EOF
	}
	want := len(p)
	n, err = m.run(upTo(p, m.size-off), off, false)
	if err == nil && n < want {
		err = io.EOF
	}
	return n, err
}

// WriteAt writes p at off, aligned as for ReadAt. A write that would reach past
// the end is ErrPastEnd and writes nothing; on a volume opened for reading it
// is ErrReadOnly. When it fails half way, n counts the bytes before the lowest
// offset that failed; bytes after that may have been written too.
func (m *Mapped) WriteAt(p []byte, off int64) (n int, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.check("writing", len(p), off); err != nil {
		return 0, err
	}
	switch {
	case !m.writable:
		return 0, fmt.Errorf("volume: writing %d bytes at %d: %w", len(p), off, ErrReadOnly)
	case off > m.size || int64(len(p)) > m.size-off:
		return 0, fmt.Errorf("volume: writing %d bytes at %d of %d: %w", len(p), off, m.size, ErrPastEnd)
	case len(p) == 0:
		return 0, nil
	}
	return m.run(p, off, true)
}

// check refuses what no read or write may ask for.
func (m *Mapped) check(doing string, length int, off int64) error {
	switch {
	case m.closed:
		return fmt.Errorf("volume: %s: %w", doing, fs.ErrClosed)
	case off < 0:
		return fmt.Errorf("volume: %s: offset %d: %w", doing, off, fs.ErrInvalid)
	case off%tables.SectorSize != 0 || length%tables.SectorSize != 0:
		return fmt.Errorf("volume: %s %d bytes at %d: sectors have %d bytes: %w", doing, length, off, tables.SectorSize, ErrUnaligned)
	case m.unit.align > tables.SectorSize && length > 0 && off < m.size:
		return m.checkSpans(doing, off, off+min(int64(length), m.size-off))
	}
	return nil
}

// checkSpans makes sure that [off, end) cuts no encryption sector.
func (m *Mapped) checkSpans(doing string, off, end int64) error {
	for i := m.find(off); i < len(m.spans) && m.spans[i].start < end; i++ {
		s := &m.spans[i]
		align := int64(s.unit.align)
		if from, to := max(off, s.start), min(end, s.end); from%align != 0 || to%align != 0 {
			return fmt.Errorf("volume: %s bytes %d to %d: the %s target has sectors of %d bytes: %w", doing, from, to, s.target, align, ErrUnaligned)
		}
	}
	return nil
}

// find returns the span that holds byte off, which must be inside the volume.
func (m *Mapped) find(off int64) int {
	if len(m.spans) == 1 {
		return 0
	}
	return sort.Search(len(m.spans), func(i int) bool { return m.spans[i].end > off })
}

// serial moves all of p, which lies inside the volume, span by span.
func (m *Mapped) serial(p []byte, off int64, write bool) (int, error) {
	done := 0
	for i := m.find(off); done < len(p); i++ {
		s := &m.spans[i]
		at := off + int64(done)
		n, err := transfer(s.engine, upTo(p[done:], s.end-at), at-s.start, write)
		done += n
		if err != nil {
			return done, s.fail(off+int64(done), err, write)
		}
	}
	return done, nil
}

// fail says where in the volume an engine failed.
func (s *span) fail(at int64, err error, write bool) error {
	doing := "reading"
	if write {
		doing = "writing"
	}
	return &placeError{doing, at, s.target, err}
}

// Sync makes what was written durable, in the engines and on all devices that
// they use.
func (m *Mapped) Sync() error {
	err := m.SyncEngines()
	if !m.writable || errors.Is(err, fs.ErrClosed) {
		return err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	errs := []error{err}
	for _, b := range m.uses {
		errs = append(errs, b.Sync())
	}
	return errors.Join(errs...)
}

// SyncEngines lets the engines pass on what they hold back, as one with a journal
// does. It is for the owner of the devices of [OpenIn], who flushes them then.
func (m *Mapped) SyncEngines() error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return fmt.Errorf("volume: syncing: %w", fs.ErrClosed)
	}
	var errs []error
	for _, s := range m.spans {
		if e, ok := s.engine.(interface{ Sync() error }); ok && m.writable {
			errs = append(errs, e.Sync())
		}
	}
	return errors.Join(errs...)
}

// using is an environment that notes the devices it gives to the engines of m.
type using struct {
	Env
	m *Mapped
}

func (u using) Backend(name string) (Backend, error) {
	b, err := u.Env.Backend(name)
	if err == nil {
		u.m.uses[name] = b
	}
	return b, err
}

// Close closes the engines, which wipes keys, then the devices, and returns
// every error (errors.Join). A second Close gives fs.ErrClosed.
func (m *Mapped) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fmt.Errorf("volume: closing: %w", fs.ErrClosed)
	}
	m.closed = true
	err := m.closeEngines()
	if m.devices != nil {
		err = errors.Join(err, m.devices.Close())
	}
	if err != nil {
		return fmt.Errorf("volume: closing: %w", err)
	}
	return nil
}

func (m *Mapped) closeEngines() error {
	var errs []error
	for _, s := range slices.Backward(m.spans) {
		if c, ok := s.engine.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// Tagged returns the sectors with their tags if the volume is an integrity
// device that stores tags for a crypt target above it.
func (m *Mapped) Tagged() (crypt.TaggedStorage, bool) {
	if len(m.spans) != 1 {
		return nil, false
	}
	e, ok := m.spans[0].engine.(interface {
		Tagged() (crypt.TaggedStorage, bool)
	})
	if !ok {
		return nil, false
	}
	t, ok := e.Tagged()
	if ok && !m.writable {
		t = readOnlyTags{t}
	}
	return t, ok
}

// readOnlyTags are those of a volume that was opened for reading.
type readOnlyTags struct{ crypt.TaggedStorage }

// WriteTagged is refused.
func (readOnlyTags) WriteTagged(p, _ []byte, off int64) error {
	return fmt.Errorf("volume: writing %d bytes at %d: %w", len(p), off, ErrReadOnly)
}
