package volume

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// verityEngine is dm-verity (Linux,
// Documentation/admin-guide/device-mapper/verity.rst): every block that is
// read is proven against the root hash, then, not at open. A block that cannot
// be proven is an error that matches verity.ErrCorrupt. The options:
//
//   - ignore_corruption gives the bytes as they are; they count in the status.
//   - restart_on_corruption and panic_on_corruption change nothing but the text
//     of that error, which says what a kernel would have done; nor do
//     restart_on_error and panic_on_error for blocks that cannot be read.
//   - ignore_zero_blocks gives zeros for blocks that should be zero, without
//     reading them. check_at_most_once proves a data block only the first time.
//   - use_fec_from_device recovers blocks of data and tree that are damaged or
//     cannot be read from the parity where it allows; they are proven like any
//     other, and the devices stay as they are.
//   - try_verify_in_tasklet is about the kernel's scheduling and does nothing.
//   - root_hash_sig_key_desc does nothing: the signature is in a key of the
//     kernel's keyring, and whom to trust is known to the kernel only. Package
//     verity/signature checks signatures.
type verityEngine struct {
	*verity.Device
	limits
	start, length uint64 // bytes
	recovers      bool   // from parity
	modes         verityModes
}

// verityModes are what a kernel would do at a failure, "" for nothing special.
type verityModes struct{ corruption, failure string }

func openVerity(env Env, t tables.Table) (Engine, error) {
	table, err := as[tables.VerityTable](t)
	if err != nil {
		return nil, err
	}
	p, root, err := verityParams(table)
	if err != nil {
		return nil, err
	}
	options, err := table.Options()
	if err != nil {
		return nil, err
	}
	data, err := verityData(env, table)
	if err != nil {
		return nil, err
	}
	hash, err := verityHash(env, table, p)
	if err != nil {
		return nil, err
	}
	known := &zeroBlocks{Backend: data, size: int64(p.DataBlockSize)}
	mend, err := verityFEC(env, table, options, known, hash)
	if err != nil {
		return nil, err
	}
	device, err := verity.NewDeviceWithOptions(data, hash, p, root, verity.DeviceOptions{
		IgnoreCorruption: options.IgnoreCorruption,
		IgnoreZeroBlocks: options.IgnoreZeroBlocks,
		CheckAtMostOnce:  options.CheckAtMostOnce,
		Recover:          mend,
	})
	if err != nil {
		return nil, err
	}
	if options.IgnoreZeroBlocks {
		known.device = device
	}
	return &verityEngine{
		Device: device,
		limits: limitsOf(data, limits{p.DataBlockSize, tables.SectorSize}),
		start:  table.Start, length: table.Length,
		recovers: mend != nil, modes: modesOf(options),
	}, nil
}

func modesOf(o tables.VerityOptions) (m verityModes) {
	switch {
	case o.RestartOnCorruption:
		m.corruption = "restart_on_corruption"
	case o.PanicOnCorruption:
		m.corruption = "panic_on_corruption"
	}
	switch {
	case o.RestartOnError:
		m.failure = "restart_on_error"
	case o.PanicOnError:
		m.failure = "panic_on_error"
	}
	return m
}

// verityParams translates the words of the table. Sizes out of range are left
// to verity.Params.Validate, which runs before anything is opened.
func verityParams(table tables.VerityTable) (p verity.Params, root []byte, err error) {
	p = verity.Params{
		HashType:       int(min(table.HashType, math.MaxInt32)),
		Algorithm:      table.Algorithm,
		DataBlockSize:  int(min(table.DataBlockSize, math.MaxInt32)),
		HashBlockSize:  int(min(table.HashBlockSize, math.MaxInt32)),
		DataBlocks:     table.NumDataBlocks,
		HashStartBlock: table.HashStartBlock,
	}
	if table.Salt != "-" {
		if p.Salt, err = hex.DecodeString(table.Salt); err != nil {
			return p, nil, fmt.Errorf("salt: %w", err)
		}
	}
	if root, err = hex.DecodeString(table.Digest); err != nil {
		return p, nil, fmt.Errorf("root hash: %w", err)
	}
	return p, root, p.Validate()
}

// verityData opens the data device. The kernel wants the target no longer than
// the blocks that are hashed, and the device no shorter than the target.
func verityData(env Env, table tables.VerityTable) (Backend, error) {
	hashed, ok := mulAdd(table.NumDataBlocks, table.DataBlockSize, 0)
	if !ok || table.Length > hashed {
		return nil, fmt.Errorf("%d bytes are mapped and %d blocks of %d hashed: %w", table.Length, table.NumDataBlocks, table.DataBlockSize, ErrDeviceTooSmall)
	}
	if table.Length%table.DataBlockSize != 0 {
		return nil, fmt.Errorf("length of %d bytes: not whole data blocks of %d: %w", table.Length, table.DataBlockSize, ErrUnaligned)
	}
	b, err := area(env, table.DataDevice, 0, table.Length)
	if err != nil {
		return nil, fmt.Errorf("data %w", err)
	}
	return b, wantBlocks(b, table.DataDevice, table.DataBlockSize)
}

// wantBlocks refuses verity blocks smaller than the blocks of their device.
func wantBlocks(b Backend, name string, size uint64) error {
	if block := uint64(limitsOf(b).block); size < block {
		return fmt.Errorf("device %q has blocks of %d bytes, verity of %d: %w", name, block, size, ErrUnaligned)
	}
	return nil
}

// verityHash opens the hash device, which must hold the whole tree.
func verityHash(env Env, table tables.VerityTable, p verity.Params) (Backend, error) {
	layout, err := verity.NewLayout(p)
	if err != nil {
		return nil, err
	}
	end, ok := mulAdd(layout.HashEnd(), table.HashBlockSize, 0)
	if !ok {
		return nil, fmt.Errorf("hash device %q: %w", table.HashDevice, ErrDeviceTooSmall)
	}
	b, err := area(env, table.HashDevice, 0, end)
	if err != nil {
		return nil, fmt.Errorf("hash %w", err)
	}
	return b, wantBlocks(b, table.HashDevice, table.HashBlockSize)
}

// verityFEC opens the parity device, with the kernel's demands on it, and returns
// what recovers blocks from it; nil if the table names none.
func verityFEC(env Env, table tables.VerityTable, o tables.VerityOptions, data *zeroBlocks, hash Backend) (verity.RecoverFunc, error) {
	if o.FECDevice == "" {
		return nil, nil
	}
	if table.DataBlockSize != table.HashBlockSize {
		return nil, fmt.Errorf("data blocks of %d and hash blocks of %d bytes: must be equal with parity: %w", table.DataBlockSize, table.HashBlockSize, verity.ErrBadParams)
	}
	p := fec.Params{Roots: int(min(o.FECRoots, math.MaxInt32)), BlockSize: int(table.DataBlockSize), Blocks: o.FECBlocks}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := verityCovered(table, o, hash); err != nil {
		return nil, err
	}
	start, ok := mulAdd(o.FECStart, table.DataBlockSize, 0)
	end := start + uint64(p.ParityBytes())
	if !ok || end < start {
		return nil, fmt.Errorf("parity device %q: %w", o.FECDevice, ErrDeviceTooSmall)
	}
	parity, err := area(env, o.FECDevice, 0, end)
	if err != nil {
		return nil, fmt.Errorf("parity %w", err)
	}
	covered := fec.Area{BlockSize: p.BlockSize, DataBlocks: table.NumDataBlocks, HashStart: table.HashStartBlock}
	decoder, err := fec.NewDecoder(covered.Stream(data, hash), parity, int64(start), p)
	if err != nil {
		return nil, err
	}
	return func(b []byte, block uint64, bad func(uint64, []byte) bool) error {
		err := decoder.Recover(b, block, bad)
		if errors.Is(err, fec.ErrUnrepairable) {
			return fmt.Errorf("%w: %w", verity.ErrLost, err)
		}
		return err
	}, nil
}

// zeroBlocks is the data as error correction takes it: with ignore_zero_blocks,
// blocks that should be zero are, whatever the device holds.
type zeroBlocks struct {
	Backend
	device *verity.Device // nil: no block is known to be zero
	size   int64          // of a block
}

// ReadAt reads a block or a part of one.
func (z *zeroBlocks) ReadAt(p []byte, off int64) (int, error) {
	if z.device != nil && z.device.ShouldBeZero(uint64(off/z.size)) {
		clear(p)
		return len(p), nil
	}
	return z.Backend.ReadAt(p, off)
}

// verityCovered checks fec_blocks as the kernel does: the parity covers all data and
// the whole tree, and what it covers is there.
func verityCovered(table tables.VerityTable, o tables.VerityOptions, hash Backend) error {
	p, _, err := verityParams(table)
	if err != nil {
		return err
	}
	layout, err := verity.NewLayout(p)
	if err != nil {
		return err
	}
	if tree := layout.HashBlocks(); o.FECBlocks < table.NumDataBlocks || o.FECBlocks-table.NumDataBlocks < tree {
		return fmt.Errorf("fec_blocks %d: less than the %d blocks of data and %d of the tree: %w", o.FECBlocks, table.NumDataBlocks, tree, verity.ErrBadParams)
	}
	size, err := hash.Size()
	if err != nil {
		return err
	}
	if covered := o.FECBlocks - table.NumDataBlocks; covered > uint64(size)/table.HashBlockSize {
		return fmt.Errorf("fec_blocks %d: cover %d blocks of hash device %q: %w", o.FECBlocks, covered, table.HashDevice, ErrDeviceTooSmall)
	}
	return nil
}

// ReadAt adds to an error what a kernel would have done.
func (e *verityEngine) ReadAt(p []byte, off int64) (int, error) {
	n, err := e.Device.ReadAt(p, off)
	mode := e.modes.failure
	if errors.Is(err, verity.ErrCorrupt) {
		mode = e.modes.corruption
	}
	if err != nil && err != io.EOF && mode != "" {
		err = fmt.Errorf("%w (%s: a kernel would stop here)", err, mode)
	}
	return n, err
}

// Status is V, or C once a block could not be proven. The blocks recovered from
// parity are counted, but only kernels newer than that text print them.
func (e *verityEngine) Status() tables.Status {
	s := tables.VerityStatus{StatusHeader: tables.StatusHeader{Start: e.start, Length: e.length, Printed: 1}}
	found := e.Device.Status()
	s.Corrupted = found.Corrupted
	if e.recovers {
		s.FECCorrected = &found.Recovered
	}
	return s
}

// ReadOnly: a verity device cannot be opened for writing.
func (e *verityEngine) ReadOnly() bool { return true }

// WriteAt always fails.
func (e *verityEngine) WriteAt([]byte, int64) (int, error) { return 0, ErrReadOnly }
