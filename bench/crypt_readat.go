package bench

import (
	"io/fs"
	"os"
	"runtime"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
)

const (
	readAtBytes = 64 << 20 // of one call
	patternSize = 1 << 20  // of the memory that the ciphertext comes from
)

// readAtLoop is one large read of a volume, with all cores and with one. The
// ciphertext comes from memory that stays in a cache, so that it shows how the work
// is shared and not how much memory two cores can read.
func readAtLoop() (loop, error) {
	pattern := make(patternBackend, patternSize)
	copy(pattern, testKey(len(pattern)))
	v, err := volume.Open(volume.Options{
		Flag: os.O_RDONLY,
		Open: func(string, int, fs.FileMode) (volume.Backend, error) { return pattern, nil },
	}, tables.CryptTable{
		Length: readAtBytes, BackendDevice: "memory", Encryption: "aes-xts-plain64", Key: testKey(64), SectorSize: 4096,
		Flags: []string{tables.CryptFlagIVLargeSectors},
	})
	if err != nil {
		return loop{}, err
	}
	var p []byte // made by the first call: not every loop that is listed is run
	read := func() {
		if p == nil {
			p = make([]byte, readAtBytes)
		}
		if _, err := v.ReadAt(p, 0); err != nil {
			panic("bench: internal error: reading memory: " + err.Error())
		}
	}
	return loop{name: readAt64, clock: processTime, wall: true, contestants: []contestant{
		{name: "dmimg, all cores", bytes: readAtBytes, call: read},
		{name: "dmimg, one core", baseline: true, bytes: readAtBytes, call: func() {
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
func (patternBackend) Size() (int64, error) { return readAtBytes, nil }

// Sync implements [volume.Backend].
func (patternBackend) Sync() error { return nil }

// Close implements [volume.Backend].
func (patternBackend) Close() error { return nil }
