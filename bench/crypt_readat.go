package bench

import (
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
)

const (
	readAtMost  = 64 << 20 // of one call
	patternSize = 1 << 20  // of the memory that the ciphertext comes from
)

// readAtLoops are one large read of a volume, with all cores and with one. The
// ciphertext comes from memory that stays in a cache, so that they show how the work
// is shared. Of AES-XTS one core already fills memory at most of the speed that all
// cores together can; serpent shows the sharing alone.
func readAtLoops() ([]loop, error) {
	aes, err := readAtLoop(readAt64, "aes-xts-plain64", readAtMost, 20)
	if err != nil {
		return nil, err
	}
	aes.length = 100 * time.Millisecond // several calls: the second core sleeps before the first
	serpent, err := readAtLoop(readAtSerpent, "serpent-xts-plain64", readAtMost/4, 10)
	return []loop{aes, serpent}, err
}

func readAtLoop(name, spec string, size uint64, turns int) (loop, error) {
	pattern := make(patternBackend, patternSize)
	copy(pattern, testKey(len(pattern)))
	v, err := volume.Open(volume.Options{
		Flag: os.O_RDONLY,
		Open: func(string, int, fs.FileMode) (volume.Backend, error) { return pattern, nil },
	}, tables.CryptTable{
		Length: size, BackendDevice: "memory", Encryption: spec, Key: testKey(64), SectorSize: 4096,
		Flags: []string{tables.CryptFlagIVLargeSectors},
	})
	if err != nil {
		return loop{}, err
	}
	var p []byte // made by the first call: not every loop that is listed is run
	read := func() {
		if p == nil {
			p = make([]byte, size)
		}
		if _, err := v.ReadAt(p, 0); err != nil {
			panic("bench: internal error: reading memory: " + err.Error())
		}
	}
	return loop{name: name, clock: processTime, wall: true, turns: turns, contestants: []contestant{
		{name: "dmimg, all cores", bytes: int64(size), call: read},
		{name: "dmimg, one core", baseline: true, bytes: int64(size), call: func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			read()
		}},
	}}, nil
}

// patternBackend is a backend of any size that holds the same bytes over and over.
type patternBackend []byte

// ReadAt implements [volume.Backend].
func (b patternBackend) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, b[off%int64(len(b)):])
	for n < len(p) {
		n += copy(p[n:], b)
	}
	return n, nil
}

// WriteAt implements [volume.Backend]. It refuses.
func (patternBackend) WriteAt([]byte, int64) (int, error) { return 0, volume.ErrReadOnly }

// Size implements [volume.Backend].
func (patternBackend) Size() (int64, error) { return readAtMost, nil }

// Sync implements [volume.Backend].
func (patternBackend) Sync() error { return nil }

// Close implements [volume.Backend].
func (patternBackend) Close() error { return nil }
