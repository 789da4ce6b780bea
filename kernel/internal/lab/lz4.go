package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// lz4Block is the most that a block of the legacy frame unpacks to (LZ4 frame
// format description, "Legacy frame").
const lz4Block = 8 << 20

var errLZ4 = errors.New("damaged lz4 data")

// unpackLZ4 unpacks a legacy frame, the form in which kernels use lz4.
func unpackLZ4(src []byte) ([]byte, error) {
	var dst []byte
	for src = src[len(magicLZ4):]; len(src) > 0; {
		if len(src) < 4 {
			return nil, fmt.Errorf("%w: %d bytes after the last block", errLZ4, len(src))
		}
		size := uint64(binary.LittleEndian.Uint32(src))
		if src = src[4:]; size > uint64(len(src)) {
			return nil, fmt.Errorf("%w: block of %d bytes, %d left", errLZ4, size, len(src))
		}
		var err error
		if dst, err = appendLZ4(dst, src[:size]); err != nil {
			return nil, err
		}
		src = src[size:]
	}
	return dst, nil
}

// appendLZ4 unpacks one block (LZ4 block format description): literals, then a
// copy of what came before, in turn.
func appendLZ4(dst, src []byte) ([]byte, error) {
	start := len(dst)
	for len(src) > 0 {
		token := src[0]
		literals, rest, ok := lz4Length(int(token>>4), src[1:])
		if !ok || literals > len(rest) || len(dst)-start+literals > lz4Block {
			return nil, errLZ4
		}
		dst = append(dst, rest[:literals]...)
		if src = rest[literals:]; len(src) == 0 {
			return dst, nil // the last sequence has no copy
		}
		if len(src) < 2 {
			return nil, errLZ4
		}
		offset := int(binary.LittleEndian.Uint16(src))
		length, rest, ok := lz4Length(int(token&15), src[2:])
		length += 4
		if !ok || offset == 0 || offset > len(dst)-start || len(dst)-start+length > lz4Block {
			return nil, errLZ4
		}
		for i := len(dst) - offset; length > 0; length-- { // may read what it writes
			dst = append(dst, dst[i])
			i++
		}
		src = rest
	}
	return nil, errLZ4
}

// lz4Length reads the bytes that continue a length of 15.
func lz4Length(length int, src []byte) (int, []byte, bool) {
	if length < 15 {
		return length, src, true
	}
	for i, b := range src {
		if length += int(b); length > lz4Block {
			return 0, nil, false
		}
		if b != 255 {
			return length, src[i+1:], true
		}
	}
	return 0, nil, false
}
