package activate

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/verity"
)

// Existing says what to do when a device of the name is there already.
type Existing int

// What to do with a device that is there.
const (
	// RefuseExisting makes it kernel.ErrExists.
	RefuseExisting Existing = iota
	// ReuseSame takes it if it is the one asked for, otherwise it is [ErrMismatch]: a
	// verity device must have the root hash asked for and protect no less than was asked
	// for; of LUKS volumes see [LUKS].
	ReuseSame
	// ReloadSame does as ReuseSame, and gives a LUKS volume its table anew, with the
	// options asked for. Verity devices are never changed: for them it is ReuseSame.
	ReloadSame
)

// Verity is a device of the target verity.
type Verity struct {
	// Params are those of the tree; Salt and sizes as in the superblock.
	Params verity.Params
	// RootHash is what all trust hangs on, in raw bytes.
	RootHash []byte
	// DataDevice and HashDevice are block devices, which may be one; see [AttachLoop] for
	// files.
	DataDevice, HashDevice string
	// UUID of the device, see [DeviceUUID]; "": none.
	UUID string
	// Options of the target, among them error correction. RootHashSigKeyDesc is a key that
	// is in a keyring already; Signature sets it.
	Options tables.VerityOptions
	// Signature of the root hash in hexadecimal, PKCS#7 in DER, which the kernel holds
	// against the keys that it trusts; nil: none.
	Signature []byte
	// SignatureDescription names the signature in the keyring while the table is loaded,
	// and on the table line; "" makes one of the device's name. cryptsetup's is
	// "cryptsetup:UUID-NAME".
	SignatureDescription string
	// Existing says what to do when a device of the name is there already.
	Existing Existing
	// Check says how a device that is corrupted already is found out; the zero value does
	// not.
	Check Check
	// Resume says how nodes are made and what udev is told.
	Resume kernel.ResumeOptions
}

// VerityResult is a verity device that is there.
type VerityResult struct {
	Info   kernel.Info
	Reused bool // it was there before
}

// veritySignature is the first version of the target that knows signatures.
var veritySignature = kernel.Version{Major: 1, Minor: 5}

// Table is the table of the device. A Signature is not in it.
func (v Verity) Table() (tables.VerityTable, error) {
	layout, err := verity.NewLayout(v.Params)
	if err != nil {
		return tables.VerityTable{}, err
	}
	if len(v.RootHash) != layout.DigestSize() {
		return tables.VerityTable{}, fmt.Errorf("a root hash of %d bytes: those of %s have %d", len(v.RootHash), v.Params.Algorithm, layout.DigestSize())
	}
	if n := layout.DataBytes() % kernel.SectorSize; n != 0 {
		return tables.VerityTable{}, fmt.Errorf("data of %d bytes are no whole sectors", layout.DataBytes())
	}
	t := tables.VerityTable{
		Length: uint64(layout.DataBytes()), HashType: uint64(v.Params.HashType),
		DataDevice: v.DataDevice, HashDevice: v.HashDevice,
		DataBlockSize: uint64(v.Params.DataBlockSize), HashBlockSize: uint64(v.Params.HashBlockSize),
		NumDataBlocks: v.Params.DataBlocks, HashStartBlock: v.Params.HashStartBlock,
		Algorithm: v.Params.Algorithm, Digest: hex.EncodeToString(v.RootHash), Salt: hex.EncodeToString(v.Params.Salt),
		Params: v.Options.Params(),
	}
	return t, tables.Validate(t)
}

// Verity makes the device, read-only, and returns when udev has made its node. When it
// fails no device and no key is left, but for a device that was there before: that one
// stays as it is.
//
// kernel.ErrExists or [ErrMismatch] when the name is taken, depending on Existing;
// [ErrCorrupt] when the Check finds the device corrupted, which includes a wrong root hash;
// [ErrSignature] when the kernel does not take the signature.
func (a *Activator) Verity(ctx context.Context, name string, v Verity) (VerityResult, error) {
	result, err := a.verity(ctx, name, v)
	if err != nil {
		return VerityResult{}, fmt.Errorf("activate: verity %s: %w", strconv.Quote(name), err)
	}
	return result, nil
}

func (a *Activator) verity(ctx context.Context, name string, v Verity) (result VerityResult, err error) {
	d, err := v.device(name)
	if err != nil {
		return result, err
	}
	if v.Signature != nil {
		if err := a.needTarget("verity", veritySignature, "a root hash signature"); err != nil {
			return result, err
		}
	}
	if result, err = a.bringOrReuse(ctx, name, v, d); err != nil {
		return result, explainSignature(v, err)
	}
	err = a.check(ctx, name, v)
	if err != nil && !result.Reused {
		err = errors.Join(err, a.undo(ctx, name, v.Resume.Udev.Flags))
	}
	return result, err
}

func (v Verity) device(name string) (device, error) {
	d := device{name: name, uuid: v.UUID, readOnly: true, resume: v.Resume}
	if v.Signature != nil {
		if v.Options.RootHashSigKeyDesc != "" {
			return d, errors.New("a signature and the description of one exclude each other")
		}
		k := key{kind: UserKey, description: v.SignatureDescription, payload: v.Signature}
		if k.description == "" {
			k.description = ourDescription(name)
		}
		v.Options.RootHashSigKeyDesc = k.description
		d.keys = []key{k}
	}
	t, err := v.Table()
	d.tables = []tables.Table{t}
	return d, err
}
