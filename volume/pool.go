package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/dmimg/dmimg/crypt"
)

// Pool opens each backing device once, however many tables or devices name it,
// and closes all of them together. It is the [Env] of [Open]; package stack
// shares one between several devices. Methods may be called concurrently.
type Pool struct {
	o       Options
	byPath  bool // names are paths: two spellings may mean one file
	mu      sync.Mutex
	entries []entry
	closed  bool
}

// entry is one open device and the words it goes by.
type entry struct {
	names   []string
	info    fs.FileInfo // nil when names are not paths
	backend Backend
}

// NewPool returns an empty pool that opens devices as o says (Flag, Perm, Open
// and Key).
func NewPool(o Options) *Pool {
	byPath := o.Open == nil
	if byPath {
		o.Open = openFile
	}
	return &Pool{o: o, byPath: byPath}
}

// Backend returns the device that name means, opened at the first call. It
// belongs to the pool: do not close it. When names are paths, two spellings of
// one file, or links to it, give one device.
func (p *Pool) Backend(name string) (Backend, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, err := p.backend(name)
	if err != nil {
		return nil, fmt.Errorf("device %q: %w", name, err)
	}
	return b, nil
}

func (p *Pool) backend(name string) (Backend, error) {
	if p.closed {
		return nil, fs.ErrClosed
	}
	if p.byPath && name != "" {
		name = filepath.Clean(name)
	}
	for _, e := range p.entries {
		if slices.Contains(e.names, name) {
			return e.backend, nil
		}
	}
	if i := p.sameFile(name); i >= 0 {
		p.entries[i].names = append(p.entries[i].names, name)
		return p.entries[i].backend, nil
	}
	b, err := p.o.Open(name, p.o.Flag, p.o.Perm)
	if err != nil {
		return nil, err
	}
	e := entry{names: []string{name}, backend: b}
	if s, ok := b.(interface{ stat() (fs.FileInfo, error) }); ok {
		e.info, _ = s.stat() // without it the file merely is not recognised by another name
	}
	p.entries = append(p.entries, e)
	return b, nil
}

// sameFile finds the open device that name is another spelling of, or -1.
func (p *Pool) sameFile(name string) int {
	if !p.byPath {
		return -1
	}
	info, err := os.Stat(name)
	if err != nil {
		return -1
	}
	return slices.IndexFunc(p.entries, func(e entry) bool {
		return e.info != nil && os.SameFile(e.info, info)
	})
}

// Key returns the payload for a table's key word, of exactly the size that the
// word says; ErrNoKey when Options have none to give.
func (p *Pool) Key(id string) ([]byte, error) {
	k, err := ParseKeyID(id)
	if err != nil {
		return nil, err
	}
	if p.o.Key == nil {
		return nil, fmt.Errorf("key %q: %w", k.Description, ErrNoKey)
	}
	key, err := p.o.Key(id)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", k.Description, err)
	}
	if uint64(len(key)) != k.Size {
		return nil, fmt.Errorf("key %q has %d bytes, the table wants %d: %w", k.Description, len(key), k.Size, crypt.ErrKeySize)
	}
	return key, nil
}

// Sync makes everything durable that was written to the devices.
func (p *Pool) Sync() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	errs := make([]error, 0, len(p.entries))
	for _, e := range p.entries {
		errs = append(errs, e.backend.Sync())
	}
	return errors.Join(errs...)
}

// Close closes the devices, the last opened first, and returns every error.
// A second Close gives fs.ErrClosed.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fs.ErrClosed
	}
	p.closed = true
	errs := make([]error, 0, len(p.entries))
	for _, e := range slices.Backward(p.entries) {
		errs = append(errs, e.backend.Close())
	}
	return errors.Join(errs...)
}

// Abandon closes the devices after an open that failed, and removes the files
// that it made.
func (p *Pool) Abandon() error {
	errs := []error{p.Close()}
	for _, e := range p.entries {
		if c, ok := e.backend.(created); ok {
			errs = append(errs, c.remove())
		}
	}
	return errors.Join(errs...)
}
