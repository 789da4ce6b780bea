package journal

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Journal is a sound journal. It reads its records anew each time; memory does not
// depend on their number.
type Journal struct {
	Binding []byte
	Sizes   []int64 // of the files, in bytes
	Records uint64

	r       io.ReaderAt
	begin   int64 // of the first record
	size    int64
	trusted bool // digests are not computed
}

// Read checks all of a journal of size bytes. Errors wrap [ErrFormat], or are those of
// the reader.
func Read(r io.ReaderAt, size int64) (*Journal, error) {
	j := &Journal{r: r, size: size}
	err := j.readHead()
	if err == nil {
		err = j.Each(func(Record) error { j.Records++; return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("journal: reading: %w", err)
	}
	return j, nil
}

func (j *Journal) readHead() error {
	s := newScanner(j, 0)
	b, err := s.take(len(magic) + 4)
	if err != nil {
		return err
	}
	if string(b[:len(magic)]) != magic {
		return fmt.Errorf("no magic: %w", ErrFormat)
	}
	binding, files := int(binary.BigEndian.Uint16(b[len(magic):])), int(binary.BigEndian.Uint16(b[len(magic)+2:]))
	if binding > MaxBinding || files == 0 || files > MaxFiles {
		return fmt.Errorf("binding of %d bytes, %d files: %w", binding, files, ErrFormat)
	}
	if b, err = s.take(binding); err != nil {
		return err
	}
	j.Binding = bytes.Clone(b)
	if b, err = s.take(8 * files); err != nil {
		return err
	}
	for ; len(b) > 0; b = b[8:] {
		size := binary.BigEndian.Uint64(b)
		if size > math.MaxInt64 {
			return fmt.Errorf("file of %d bytes: %w", size, ErrFormat)
		}
		j.Sizes = append(j.Sizes, int64(size))
	}
	j.begin = s.at + sha256.Size
	return s.sum()
}

// Each calls f for every record, in order. The slices are valid until f returns.
func (j *Journal) Each(f func(Record) error) error {
	s := newScanner(j, j.begin)
	o := order{sizes: j.Sizes}
	for n := uint64(0); ; n++ {
		r, last, err := s.record(&o)
		if err != nil {
			return fmt.Errorf("record %d: %w", n, err)
		}
		if last {
			if uint64(r.Offset) != n || s.at != j.size {
				return fmt.Errorf("%d records and %d bytes more than the end says: %w", n, j.size-s.at, ErrFormat)
			}
			return nil
		}
		if err := f(r); err != nil {
			return err
		}
	}
}

// scanner reads a journal in order and hashes what it reads.
type scanner struct {
	r        *bufio.Reader
	at, size int64
	hashed   []byte // since the last sum
	trusted  bool
}

func newScanner(j *Journal, at int64) *scanner {
	section := io.NewSectionReader(j.r, at, max(0, j.size-at))
	return &scanner{r: bufio.NewReaderSize(section, 64<<10), at: at, size: j.size, trusted: j.trusted}
}

// take reads n bytes, which are there or the journal is not sound. They are valid
// until the next call.
func (s *scanner) take(n int) ([]byte, error) {
	if int64(n) > s.size-s.at {
		return nil, fmt.Errorf("it ends at byte %d: %w", s.size, ErrFormat)
	}
	begin := len(s.hashed)
	s.hashed = append(s.hashed, make([]byte, n)...)
	got, err := io.ReadFull(s.r, s.hashed[begin:])
	s.at += int64(got)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("it ends at byte %d: %w", s.at, ErrFormat)
	}
	return s.hashed[begin:], err
}

// sum reads the digest of what was taken since the last one.
func (s *scanner) sum() error {
	var want [sha256.Size]byte
	if !s.trusted {
		want = sha256.Sum256(s.hashed)
	}
	got, err := s.take(sha256.Size)
	if err != nil {
		return err
	}
	s.hashed = s.hashed[:len(s.hashed)-sha256.Size]
	if !s.trusted && !bytes.Equal(got, want[:]) {
		return fmt.Errorf("digest in front of byte %d differs: %w", s.at, ErrFormat)
	}
	return nil
}

// record reads the next record, or the end.
func (s *scanner) record(o *order) (r Record, last bool, err error) {
	s.hashed = s.hashed[:0]
	head, err := s.take(fixedSize)
	if err != nil {
		return r, false, err
	}
	file, zero := binary.BigEndian.Uint16(head), binary.BigEndian.Uint16(head[2:])
	length, offset := binary.BigEndian.Uint32(head[4:]), binary.BigEndian.Uint64(head[8:])
	if zero != 0 || offset > math.MaxInt64 || length > MaxRecord {
		return r, false, fmt.Errorf("%d bytes at offset %d: %w", length, offset, ErrFormat)
	}
	r = Record{File: int(file), Offset: int64(offset)}
	if last = file == lastRecord; last {
		if length != 0 {
			return r, false, fmt.Errorf("%d bytes at the end: %w", length, ErrFormat)
		}
	} else if err := o.next(r.File, r.Offset, int(length)); err != nil {
		return r, false, fmt.Errorf("%w: %w", err, ErrFormat)
	}
	if _, err := s.take(2 * int(length)); err != nil {
		return r, false, err
	}
	r.Old, r.New = s.hashed[fixedSize:][:length], s.hashed[fixedSize+length:][:length]
	return r, last, s.sum()
}
