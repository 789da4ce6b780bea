package verity

import (
	"context"
	"io"
)

func Build(ctx context.Context, data io.ReaderAt, hash io.WriterAt, p Params) ([]byte, error) {
	panic("verity: internal error: coming")
}

func Check(ctx context.Context, data, hash io.ReaderAt, p Params, root []byte) (*Report, error) {
	panic("verity: internal error: coming")
}

type Device struct{}

type DeviceOptions struct {
	IgnoreCorruption, IgnoreZeroBlocks, CheckAtMostOnce bool
	CacheBytes                                          int
}

func NewDevice(data, hash io.ReaderAt, p Params, root []byte) (*Device, error) {
	panic("verity: internal error: coming")
}

func NewDeviceWithOptions(data, hash io.ReaderAt, p Params, root []byte, o DeviceOptions) (*Device, error) {
	panic("verity: internal error: coming")
}
func (d *Device) ReadAt(b []byte, off int64) (int, error) { panic("verity: internal error: coming") }
func (d *Device) Size() int64                             { panic("verity: internal error: coming") }

type ReadWriterAt interface {
	io.ReaderAt
	io.WriterAt
}
type Tail int

const (
	TailError Tail = iota
	TailPad
	TailTruncate
)

type WriterOptions struct{ Tail Tail }
type Writer struct{}

func NewWriter(hash ReadWriterAt, p Params) (*Writer, error) {
	panic("verity: internal error: coming")
}

func NewWriterWithOptions(hash ReadWriterAt, p Params, o WriterOptions) (*Writer, error) {
	panic("verity: internal error: coming")
}
func (w *Writer) Write(b []byte) (int, error) { panic("verity: internal error: coming") }
func (w *Writer) Finish(ctx context.Context) (root []byte, done Params, err error) {
	panic("verity: internal error: coming")
}
