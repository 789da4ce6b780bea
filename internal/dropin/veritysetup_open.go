package dropin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/dropin/popt"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// verityOpen is what the action open is told, and what it finds out.
type verityOpen struct {
	VerityVerify
	name      string
	options   tables.VerityOptions
	signature []byte // nil: none
	shared    bool   // the data device may be in use
	refuse    bool   // an image whose first block is corrupt

	params          verity.Params
	uuid            string // of the superblock; "": there is none
	data, hash, fec *live.Block
}

// veritysetupOpen maps an image. Parameters are checked in veritysetup's order, which
// decides between the statuses.
func veritysetupOpen(r *run, c *popt.Line) error {
	o := &verityOpen{name: c.Words[1]}
	o.Data, o.HashDevice, o.NoSuperblock = c.Words[0], c.Words[2], c.Has("no-superblock")
	c.Words = append([]string{o.Data, o.HashDevice}, c.Words[3:]...) // as verify has them
	if err := o.readVerify(c); err != nil {
		return err
	}
	if err := o.readActivation(c); err != nil {
		return err
	}
	return r.bodies.Machine.With(exit.Failed, func(s *live.Session) error {
		if err := o.prepare(s); err != nil {
			return err
		}
		return r.open(s, o)
	})
}

// readActivation reads the options that only open has.
func (o *verityOpen) readActivation(c *popt.Line) (err error) {
	o.shared, o.refuse = c.Has("shared"), c.Has("fail-if-corrupt")
	o.options = tables.VerityOptions{
		IgnoreCorruption:    c.Has("ignore-corruption") && !c.Has("panic-on-corruption"), // as veritysetup does
		RestartOnCorruption: c.Has("restart-on-corruption"),
		PanicOnCorruption:   c.Has("panic-on-corruption"),
		IgnoreZeroBlocks:    c.Has("ignore-zero-blocks"),
		CheckAtMostOnce:     c.Has("check-at-most-once"),
		TryVerifyInTasklet:  c.Has("use-tasklets"),
		RestartOnError:      c.Has("error-as-corruption") && c.Has("restart-on-corruption"),
		PanicOnError:        c.Has("error-as-corruption") && c.Has("panic-on-corruption"),
	}
	if c.Has("root-hash-signature") {
		o.signature, err = readSignature(c.Values["root-hash-signature"])
	}
	return err
}

// maxSignature is more than the kernel's keyring takes, in bytes.
const maxSignature = 1 << 20

func readSignature(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, exit.Paramf("Invalid signature file %s.", path)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSignature))
	if err != nil || len(b) == 0 {
		return nil, exit.Paramf("Invalid signature file %s.", path)
	}
	return b, nil
}

// prepare finds out the geometry, and that everything is large enough.
func (o *verityOpen) prepare(s *live.Session) error {
	if err := live.CheckName(o.name, exit.Failed); err != nil {
		return err
	}
	if _, err := s.Control.Info(kernel.ByName(o.name), kernel.InfoOptions{}); err == nil {
		return o.exists()
	}
	for _, d := range []struct {
		path string
		to   **live.Block
	}{{o.HashDevice, &o.hash}, {o.Data, &o.data}, {o.FEC.Device, &o.fec}} {
		if d.path == "" {
			continue
		}
		found, err := live.OpenBlock(d.path)
		if err != nil {
			return err
		}
		*d.to = &found
	}
	if err := o.readParams(); err != nil {
		return err
	}
	if err := o.fits(); err != nil || o.fec == nil {
		return err
	}
	return o.coverFEC()
}

func (o *verityOpen) exists() error {
	return exit.New(exit.Busy, ui.ExitFailed, fmt.Sprintf("Device %s already exists.", o.name))
}

// readParams takes the geometry from the superblock, or from the options.
func (o *verityOpen) readParams() (err error) {
	if o.NoSuperblock {
		o.params = verity.Params{
			HashType: o.Format, Algorithm: o.Hash, DataBlockSize: o.DataBlockSize, HashBlockSize: o.HashBlockSize,
			DataBlocks: o.DataBlocks, Salt: o.Salt,
		}
		if o.DataBlocks == 0 {
			o.params.DataBlocks = uint64(o.data.Size / int64(o.DataBlockSize))
		}
		o.params.HashStartBlock, err = verity.HashStart(o.HashOffset, false, o.HashBlockSize)
		return formatError(err)
	}
	f, err := os.Open(o.HashDevice)
	if err != nil {
		return deviceError(o.HashDevice, "does not exist or access denied")
	}
	defer f.Close()
	sb, err := verity.ReadSuperblock(f, o.HashOffset)
	if err == nil {
		o.uuid = fmt.Sprintf("%x-%x-%x-%x-%x", sb.UUID[:4], sb.UUID[4:6], sb.UUID[6:8], sb.UUID[8:10], sb.UUID[10:])
		o.params, err = sb.Params(o.HashOffset)
	}
	return formatError(err)
}

// fits checks sizes: what is too small for the kernel is told here with better words.
func (o *verityOpen) fits() error {
	layout, err := verity.NewLayout(o.params)
	if err != nil {
		return formatError(err)
	}
	if len(o.Root) != layout.DigestSize() {
		return exit.Paramf("Invalid root hash string specified.")
	}
	if layout.DataBytes() > o.data.Size {
		return exit.New(exit.Failed, ui.ExitFailed, fmt.Sprintf("Device %s is too small.", o.Data))
	}
	return nil
}

// coverFEC works out what the parity covers, which must be what it was made for.
func (o *verityOpen) coverFEC() error {
	if o.FEC.Offset >= o.fec.Size {
		return exit.Paramf("Requested offset is beyond real size of device %s.", o.FEC.Device)
	}
	layout, err := verity.NewLayout(o.params)
	if err != nil {
		return formatError(err)
	}
	area := fec.Area{
		BlockSize: o.params.DataBlockSize, Roots: o.FEC.Roots, DataBlocks: o.params.DataBlocks,
		HashStart: o.params.HashStartBlock, HashBlocks: layout.HashBlocks(), HashDeviceBytes: o.hash.Size, Offset: o.FEC.Offset,
		WithData: ui.IsSameFile(o.fec.Info, o.data.Info), WithHash: ui.IsSameFile(o.fec.Info, o.hash.Info),
	}
	if o.params.DataBlockSize != o.params.HashBlockSize {
		return o.unusable("Block sizes must match for FEC.")
	}
	p, err := area.Params()
	if err != nil {
		return o.unusable(exit.Sentence(err))
	}
	start, ok := area.StartBlock()
	if !ok {
		return exit.Paramf("Unsupported VERITY FEC offset: the kernel needs a multiple of the block size, %d bytes.", area.BlockSize)
	}
	o.options.FECRoots, o.options.FECBlocks, o.options.FECStart = uint64(p.Roots), p.Blocks, start
	return nil
}

// unusable is a geometry that veritysetup leaves to the kernel to refuse.
func (o *verityOpen) unusable(text string) error {
	return exit.New(exit.Device, ui.ExitFailed, text)
}

// open makes the devices that the kernel needs, and the mapping.
func (r *run) open(s *live.Session, o *verityOpen) (err error) {
	if !o.shared && !o.data.Info.Mode().IsRegular() {
		if err := live.CheckUnused(o.Data); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, o.hash.Release(), o.data.Release(), o.fec.Release()) }()
	if err := o.attach(s.Machine); err != nil {
		return err
	}
	_, err = s.Verity(r.ctx, o.name, o.device())
	if err != nil {
		return o.explain(err)
	}
	status, err := s.VerityStatus(o.name)
	switch {
	case errors.Is(err, kernel.ErrNotFound): // removed meanwhile
		return nil
	case err == nil && status.Corrupted:
		fmt.Fprintln(r.Err, "Verity device detected corruption after activation.")
	}
	return err
}

// attach makes loop devices of files, with blocks as large as those of the tree where
// there is a superblock, as veritysetup does.
func (o *verityOpen) attach(m live.Machine) error {
	dataBlock, hashBlock := o.params.DataBlockSize, o.params.HashBlockSize
	if o.NoSuperblock {
		dataBlock, hashBlock = 0, 0
	}
	if err := o.hash.Attach(m, readOnlyLoop(hashBlock)); err != nil {
		return err
	}
	if err := o.data.Attach(m, readOnlyLoop(dataBlock)); err != nil {
		return err
	}
	if o.fec == nil {
		return nil
	}
	err := o.fec.Attach(m, readOnlyLoop(0))
	o.options.FECDevice = o.fec.Path
	return err
}

// readOnlyLoop is a loop device with blocks of blockSize bytes, as far as there are such.
func readOnlyLoop(blockSize int) activate.LoopOptions {
	return activate.LoopOptions{ReadOnly: true, BlockSize: uint32(min(blockSize, defaultBlockSize))}
}

// device is what the kernel is asked for.
func (o *verityOpen) device() activate.Verity {
	v := activate.Verity{
		Params: o.params, RootHash: o.Root, DataDevice: o.data.Path, HashDevice: o.hash.Path,
		UUID: activate.DeviceUUID("VERITY", o.uuid, o.name), Options: o.options, Signature: o.signature,
	}
	if o.uuid != "" && !strings.ContainsFunc(o.name, isBlank) {
		v.SignatureDescription = "cryptsetup:" + o.uuid + "-" + o.name
	}
	if o.refuse {
		v.Check = activate.CheckFirstBlock
	}
	return v
}

// isBlank reports whether r cannot be in the description of a key on a table line.
func isBlank(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }

// explain gives a failed activation veritysetup's status.
func (o *verityOpen) explain(err error) error {
	status, strict, text := exit.Device, ui.ExitFailed, exit.Sentence(err)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, kernel.ErrExists):
		return o.exists()
	case errors.Is(err, activate.ErrCorrupt):
		status, strict = exit.Mismatch, ui.ExitCorrupt
	case errors.Is(err, activate.ErrKeyring):
		status, text = exit.Failed, "Failed to load key in kernel keyring.\n"+text
	case errors.Is(err, kernel.ErrBusy):
		status = exit.Busy
	}
	return exit.New(status, strict, text)
}
