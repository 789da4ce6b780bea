package cli

import (
	"io"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// storage is where the header is in the open file of headerFile.
func (p luksPlace) storage(s ui.Streams, file luks.Storage) (luks.Storage, error) {
	if p.header != "" {
		return file, nil
	}
	return p.part(s, file)
}

// part is the part of the open IMAGE that the place says.
func (p luksPlace) part(s ui.Streams, file luks.Storage) (luks.Storage, error) {
	if !p.isPart() {
		return file, nil
	}
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	start, end, err := p.within(s, file, size)
	return storagePart{file, start, end - start}, err
}

// headerFile is the file that the header is in.
func (p luksPlace) headerFile() string {
	if p.header != "" {
		return p.header
	}
	return p.image
}

// headerName is that file, or part of it, in words.
func (p luksPlace) headerName() string {
	if p.header != "" {
		return p.header
	}
	return p.String()
}

// storagePart is size bytes of storage from start on.
type storagePart struct {
	luks.Storage
	start, size int64
}

// ReadAt follows io.ReaderAt.
func (p storagePart) ReadAt(b []byte, off int64) (int, error) {
	return io.NewSectionReader(p.Storage, p.start, p.size).ReadAt(b, off)
}

// WriteAt follows io.WriterAt, and never writes beside the part.
func (p storagePart) WriteAt(b []byte, off int64) (int, error) {
	if off < 0 || off > p.size || int64(len(b)) > p.size-off {
		return 0, ui.Failf("writing %d bytes at %d: the image has %s there", len(b), off, ui.FormatSize(p.size))
	}
	return p.Storage.WriteAt(b, p.start+off)
}

// Size is that of the part in bytes.
func (p storagePart) Size() (int64, error) { return p.size, nil }
