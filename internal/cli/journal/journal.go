// Package journal makes changes to files in place safe against being killed: every
// change is first written down, with the bytes before and the bytes after it, and
// only then made. Whatever the moment of the kill, the files hold a mixture of the
// two, which Redo turns into the new bytes and Undo into the old ones, as often as
// it takes.
//
//	w, err := journal.NewWriter(out, root, []int64{size})
//	err = w.Add(journal.Record{File: 0, Offset: 4096, Old: old, New: fixed})
//	err = w.Close() // then bring out to the disk and give it its name
//	j, err := journal.Read(file, fileSize)
//	err = j.Redo(files)
//
// The format, all numbers big-endian: the magic line, u16 length of the binding, u16
// number of files, the binding, the files' sizes as u64, SHA-256 of all that; then
// records of u16 file, u16 zero, u32 length, u64 offset, old bytes, new bytes and the
// SHA-256 of the record, in ascending order and apart; at the end a record without
// bytes whose file is 0xffff and whose offset is the number of records.
//
// It does not decide whether the new bytes are right, nor does it open or lock files.
package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Limits of the format.
const (
	MaxRecord  = 1 << 20 // bytes that one record changes
	MaxFiles   = 16
	MaxBinding = 256 // bytes
)

const (
	magic      = "dmimg journal 1\n"
	fixedSize  = 16 // of the head after the magic, at most, and of a record before its bytes
	lastRecord = 0xffff
)

var (
	// ErrFormat is wrapped by errors about bytes that are no journal, or a damaged one.
	ErrFormat = errors.New("not a sound journal")
	// ErrForeign is wrapped when a file holds bytes that are neither the old nor the
	// new ones: it was changed by someone else since.
	ErrForeign = errors.New("the file was changed meanwhile")
)

// Record is one change. Old and New have the same length, 1 to [MaxRecord] bytes.
type Record struct {
	File     int   // index into the sizes
	Offset   int64 // bytes
	Old, New []byte
}

// File is a file that is changed in place.
type File interface {
	io.ReaderAt
	io.WriterAt
	Sync() error // bring everything to the disk
}

// Writer writes a journal. It is not safe for concurrent use.
type Writer struct {
	w     io.Writer
	order order
	buf   []byte
	count uint64
}

// NewWriter begins a journal about files of the given sizes in bytes. binding says
// what the changes belong to; readers compare it.
func NewWriter(w io.Writer, binding []byte, sizes []int64) (*Writer, error) {
	if len(binding) > MaxBinding || len(sizes) == 0 || len(sizes) > MaxFiles {
		return nil, fmt.Errorf("journal: beginning: binding of %d bytes, %d files", len(binding), len(sizes))
	}
	head := []byte(magic)
	head = binary.BigEndian.AppendUint16(head, uint16(len(binding)))
	head = binary.BigEndian.AppendUint16(head, uint16(len(sizes)))
	head = append(head, binding...)
	for _, size := range sizes {
		head = binary.BigEndian.AppendUint64(head, uint64(size))
	}
	j := &Writer{w: w, order: order{sizes: append([]int64{}, sizes...)}}
	return j, j.emit(head)
}

// Add appends a record. Records come in ascending order of file and offset and do not
// overlap. It does not keep the slices.
func (j *Writer) Add(r Record) error {
	if len(r.Old) != len(r.New) {
		return fmt.Errorf("journal: adding a record: %d old bytes, %d new ones", len(r.Old), len(r.New))
	}
	if err := j.order.next(r.File, r.Offset, len(r.Old)); err != nil {
		return fmt.Errorf("journal: adding a record: %w", err)
	}
	j.buf = appendHead(j.buf[:0], r.File, len(r.Old), uint64(r.Offset))
	j.buf = append(append(j.buf, r.Old...), r.New...)
	j.count++
	return j.emit(j.buf)
}

// Close writes the end. Without it a journal is not sound.
func (j *Writer) Close() error { return j.emit(appendHead(nil, lastRecord, 0, j.count)) }

func appendHead(b []byte, file, length int, offset uint64) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(file)<<16)
	b = binary.BigEndian.AppendUint32(b, uint32(length))
	return binary.BigEndian.AppendUint64(b, offset)
}

// emit writes b and its digest.
func (j *Writer) emit(b []byte) error {
	sum := sha256.Sum256(b)
	if _, err := j.w.Write(b); err != nil {
		return fmt.Errorf("journal: writing: %w", err)
	}
	if _, err := j.w.Write(sum[:]); err != nil {
		return fmt.Errorf("journal: writing: %w", err)
	}
	return nil
}

// order checks that records ascend, stay apart and inside their files.
type order struct {
	sizes []int64
	file  int
	end   int64
}

func (o *order) next(file int, offset int64, length int) error {
	switch {
	case file < o.file || file >= len(o.sizes):
		return fmt.Errorf("file %d of %d after file %d", file, len(o.sizes), o.file)
	case length < 1 || length > MaxRecord:
		return fmt.Errorf("%d bytes", length)
	case file == o.file && offset < o.end || offset < 0:
		return fmt.Errorf("offset %d in front of %d", offset, o.end)
	case offset > o.sizes[file]-int64(length):
		return fmt.Errorf("%d bytes at offset %d of a file of %d", length, offset, o.sizes[file])
	}
	o.file, o.end = file, offset+int64(length)
	return nil
}

// mixed reports whether every byte of now is that of a or that of b.
func mixed(now, a, b []byte) bool {
	if bytes.Equal(now, a) || bytes.Equal(now, b) {
		return true
	}
	for i, v := range now {
		if v != a[i] && v != b[i] {
			return false
		}
	}
	return true
}
