package volumetest

import (
	"fmt"
	"io/fs"
	"sync"

	"github.com/dmimg/dmimg/volume"
)

// Files are memory devices by name; Open is a volume.OpenFunc. It records what
// happens, so that a test can demand that each device was opened once and
// nothing stays open.
type Files struct {
	Devices map[string]*Memory
	FailAt  int   // the number of the Open that fails, from 1; 0: none
	FailErr error // with this

	mu    sync.Mutex
	opens int
	names []string
}

// Open returns the device of that name; volume.ErrNoDevice if there is none.
func (f *Files) Open(name string, _ int, _ fs.FileMode) (volume.Backend, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opens++
	if f.opens == f.FailAt {
		return nil, f.FailErr
	}
	m, ok := f.Devices[name]
	if !ok {
		return nil, fmt.Errorf("volumetest: %q: %w", name, volume.ErrNoDevice)
	}
	f.names = append(f.names, name)
	return m, nil
}

// Opened lists the names that were opened, in order.
func (f *Files) Opened() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.names...)
}

// Opens counts the calls of Open, failed ones too.
func (f *Files) Opens() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opens
}

// StillOpen lists the devices that were opened and not closed as often.
func (f *Files) StillOpen() []string {
	var left []string
	count := make(map[string]int64)
	for _, name := range f.Opened() {
		count[name]++
	}
	for name, n := range count {
		if f.Devices[name].Closes() != n {
			left = append(left, name)
		}
	}
	return left
}
