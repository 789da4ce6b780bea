package hashes

import (
	"encoding/binary"
	"errors"
)

// buffer64 collects input into whole 64-byte blocks, for the algorithms that
// pad at the end and so may process a block as soon as it is full.
type buffer64 struct {
	tail   [128]byte // one block of input; pad may need two
	fill   int       // bytes used in tail, always below 64
	length uint64    // bytes written since reset
}

func (b *buffer64) reset() { b.fill, b.length = 0, 0 }

// take consumes input from p and returns the next run of whole blocks to
// process, perhaps empty, and the input that is left. The run is valid until
// the next call.
func (b *buffer64) take(p []byte) (run, rest []byte) {
	whole := len(p) &^ 63
	switch {
	case b.fill > 0:
		n := copy(b.tail[b.fill:64], p)
		b.length += uint64(n)
		b.fill += n
		if b.fill < 64 {
			return nil, nil
		}
		b.fill = 0
		return b.tail[:64], p[n:]
	case whole > 0:
		b.length += uint64(whole)
		return p[:whole], p[whole:]
	default:
		b.fill = copy(b.tail[:], p)
		b.length += uint64(b.fill)
		return nil, nil
	}
}

// pad returns the last one or two blocks: the waiting input, the byte 0x80 and
// zeros, with at least lengthBytes of them at the end for the message length.
func (b *buffer64) pad(lengthBytes int) []byte {
	end := 64
	if b.fill+1+lengthBytes > end {
		end = 128
	}
	b.tail[b.fill] = 0x80
	clear(b.tail[b.fill+1 : end])
	return b.tail[:end]
}

// errSavedState is the error for bytes that save did not make.
var errSavedState = errors.New("hashes: loading a saved state: it has another length")

// save appends what load takes.
func (b *buffer64) save(out []byte) []byte {
	out = append(out, b.tail[:b.fill]...)
	return binary.BigEndian.AppendUint64(out, b.length)
}

// load is the inverse of save.
func (b *buffer64) load(saved []byte) error {
	n := len(saved) - 8
	if n < 0 || n >= 64 {
		return errSavedState
	}
	b.length = binary.BigEndian.Uint64(saved[n:])
	b.fill = copy(b.tail[:], saved[:n])
	return nil
}
