package activate

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// Somebody else may be making the device of that name right now: how often, and how long
// apart, one looks again.
const (
	reuseAttempts = 100
	reuseDelay    = 20 * time.Millisecond
)

// errUnfinished: the device has no live table yet.
var errUnfinished = errors.New("it has no table yet")

// bringOrReuse makes the device, or finds that it is there.
func (a *Activator) bringOrReuse(ctx context.Context, name string, v Verity, d device) (VerityResult, error) {
	for made := 1; ; made++ {
		info, err := a.bring(ctx, d)
		if !errors.Is(err, kernel.ErrExists) || v.Existing == RefuseExisting {
			return VerityResult{Info: info}, err
		}
		result, rerr := a.reuse(name, v)
		switch {
		case errors.Is(rerr, kernel.ErrNotFound):
			rerr = err // removed meanwhile, or only the UUID is taken
		case !errors.Is(rerr, errUnfinished):
			return result, rerr
		}
		if made == reuseAttempts {
			return VerityResult{}, rerr
		}
		if err := sleep(ctx, reuseDelay); err != nil {
			return VerityResult{}, errors.Join(rerr, err)
		}
	}
}

// reuse takes the device of this name if it is the one asked for.
func (a *Activator) reuse(name string, v Verity) (VerityResult, error) {
	ref := kernel.ByName(name)
	report, err := a.control.TableLines(ref, kernel.TableOptions{})
	if err != nil {
		return VerityResult{}, err
	}
	if !report.Info.HasLiveTable() {
		return VerityResult{}, fmt.Errorf("%w: %w", kernel.ErrExists, errUnfinished)
	}
	if err := compare(name, report.Lines, v); err != nil {
		return VerityResult{}, err
	}
	return VerityResult{Info: report.Info, Reused: true}, nil
}

// compare holds the table of a device against what is asked for.
func compare(name string, lines []tables.Line, v Verity) error {
	differs := func(found []byte, format string, args ...any) error {
		return &MismatchError{name, found, v.RootHash, fmt.Sprintf(format, args...)}
	}
	if len(lines) != 1 || lines[0].Target != "verity" {
		return differs(nil, "it is no verity device but has %d targets, the first is %s", len(lines), lines[0].Target)
	}
	typed, err := lines[0].Table()
	if err != nil {
		return differs(nil, "its table is not understood: %v", err)
	}
	found, ok := typed.(tables.VerityTable)
	if !ok {
		return differs(nil, "its table is not understood")
	}
	want, err := v.Table()
	if err != nil {
		return err
	}
	root, _ := hex.DecodeString(found.Digest) // the parser has seen to it
	if !bytes.Equal(root, v.RootHash) {
		return differentRoots(name, root, v.RootHash)
	}
	if a, b := geometry(found), geometry(want); a != b {
		return differs(root, "its root hash is the one asked for, but its tree is %s, that asked for is %s", a, b)
	}
	options, err := found.Options()
	if err != nil {
		return err
	}
	if weaker := weakerThan(options, v); weaker != "" {
		return differs(root, "its root hash is the one asked for, but it %s", weaker)
	}
	return nil
}

// geometry is what a root hash is about, beside the digests.
func geometry(t tables.VerityTable) string {
	salt := t.Salt
	if salt == "" {
		salt = "-"
	}
	return strings.ToLower(fmt.Sprintf("%d %d %d %d %s %s", t.HashType, t.DataBlockSize, t.HashBlockSize, t.NumDataBlocks, t.Algorithm, salt))
}

// weakerThan says how a device protects less than what is asked for; "" if not.
func weakerThan(found tables.VerityOptions, v Verity) string {
	switch want := v.Options; {
	case found.IgnoreCorruption && !want.IgnoreCorruption:
		return "ignores corruption"
	case found.CheckAtMostOnce && !want.CheckAtMostOnce:
		return "checks each block at most once"
	case found.RootHashSigKeyDesc == "" && (v.Signature != nil || want.RootHashSigKeyDesc != ""):
		return "was made without a signature"
	case !found.RestartOnCorruption && want.RestartOnCorruption, !found.PanicOnCorruption && want.PanicOnCorruption:
		return "does not restart or panic on corruption"
	}
	return ""
}

// sleep waits, unless the context ends before.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
