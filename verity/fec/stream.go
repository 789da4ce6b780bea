package fec

import (
	"io"
	"math"
)

// stream is the data device up to dataBytes, continued by the hash device
// from hashStart.
type stream struct {
	data, hash           io.ReaderAt
	dataBytes, hashStart int64
}

func (s *stream) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	if off < s.dataBytes {
		n = int(min(int64(len(p)), s.dataBytes-off))
		got, err := s.data.ReadAt(p[:n], off)
		if got < n {
			return got, earlyEnd(err)
		}
		if n == len(p) {
			return n, nil
		}
	}
	got, err := s.hash.ReadAt(p[n:], s.hashStart+off+int64(n)-s.dataBytes)
	if n+got == len(p) {
		err = nil
	}
	return n + got, err
}

// NextData makes the stream a [HoleFinder] as far as the data device is one.
func (s *stream) NextData(off int64) (start, end int64, err error) {
	finder, ok := s.data.(HoleFinder)
	if !ok || off >= s.dataBytes {
		return off, math.MaxInt64, nil
	}
	start, end, err = finder.NextData(off)
	switch {
	case err == io.EOF || err == nil && start >= s.dataBytes:
		return s.dataBytes, math.MaxInt64, nil
	case err == nil:
		end = min(end, s.dataBytes)
	}
	return start, end, err
}

// earlyEnd turns the end of a device into an error when more of the stream
// should follow.
func earlyEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// streamWriter writes to the two parts of a stream.
type streamWriter struct {
	data, hash           io.WriterAt
	dataBytes, hashStart int64
}

func (s *streamWriter) WriteAt(p []byte, off int64) (int, error) {
	n := 0
	if off < s.dataBytes {
		n = int(min(int64(len(p)), s.dataBytes-off))
		if got, err := s.data.WriteAt(p[:n], off); err != nil || n == len(p) {
			return got, err
		}
	}
	got, err := s.hash.WriteAt(p[n:], s.hashStart+off+int64(n)-s.dataBytes)
	return n + got, err
}
