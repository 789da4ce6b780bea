package cli

import (
	"errors"
	"io"
	"sync"

	"github.com/dmimg/dmimg/verity"
)

// blockJudge asks the root hash about single blocks of data before they are anywhere:
// it reads them through a verified device whose data they are.
type blockJudge struct {
	mu      sync.Mutex
	device  *verity.Device
	content candidate
	scratch []byte
	blocks  uint64
}

// candidate is data that has the same bytes wherever it is read.
type candidate struct{ bytes []byte }

// ReadAt reads from the start, whatever off is.
func (c *candidate) ReadAt(p []byte, _ int64) (int, error) {
	n := copy(p, c.bytes)
	if n < len(p) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}

func newBlockJudge(m *mender) (*blockJudge, error) {
	j := &blockJudge{scratch: make([]byte, m.params.DataBlockSize), blocks: m.params.DataBlocks}
	var err error
	j.device, err = verity.NewDevice(&j.content, m.hash, m.params, m.root)
	return j, err
}

// isBad reports whether data is certainly not what a block of data must be. Of other
// blocks, and of data under a damaged tree, it knows nothing. It is a fec.BadFunc.
func (j *blockJudge) isBad(block uint64, data []byte) bool {
	if block >= j.blocks {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.content.bytes = data
	_, err := j.device.ReadAt(j.scratch, int64(block)*int64(len(j.scratch)))
	j.content.bytes = nil
	var corrupt *verity.CorruptError
	return errors.As(err, &corrupt) && corrupt.Level < 0
}
