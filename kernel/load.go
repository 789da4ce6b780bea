package kernel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
	"github.com/dmimg/dmimg/tables"
)

// LoadOptions of [Control.Load].
type LoadOptions struct {
	ReadOnly bool // the device becomes read-only; verity wants it
	// Unchecked leaves all checks of the tables to the kernel, which says no more than
	// "invalid argument" and writes the reason to its log.
	Unchecked bool

	flags uint32 // further bits, of the seed's verbs
}

// Load stages tables; [Control.Resume] makes them live. A table that was staged before
// is dropped. Keys in the tables are wiped from the request afterwards, and by the kernel
// from its copy; what the caller's tables and the Go strings made of them hold cannot be.
//
// Errors of the tables are those of package tables, or what the kernel says: ErrInvalid
// (the reason is in the kernel's log), ErrBusy (an underlying device is claimed), ENODEV
// or ENOENT (there is none), ErrNotFound.
func (c *Control) Load(ref Ref, o LoadOptions, ts ...Table) (Info, error) {
	specs, err := specsOf(o, ts)
	if err != nil {
		return Info{}, wrap("load", ref.String(), nil, err)
	}
	return c.load(context.Background(), ref, o, specs)
}

func (c *Control) load(ctx context.Context, ref Ref, o LoadOptions, specs []dmioctl.Spec) (Info, error) {
	k := call{command: dmioctl.CmdLoad, ref: ref, secret: true}
	k.payload = dmioctl.Specs{Convention: dmioctl.FromSpec, List: specs}
	k.header.TargetCount = uint32(len(specs))
	k.header.Flags = o.flags | flagIf(o.ReadOnly, dmioctl.FlagReadOnly)
	return c.info(ctx, k)
}

// specsOf translates tables, in the order of their starts unless the kernel is to judge.
func specsOf(o LoadOptions, ts []Table) ([]dmioctl.Spec, error) {
	if len(ts) == 0 {
		return nil, fmt.Errorf("%w: a table needs at least one target", ErrInvalid)
	}
	if !o.Unchecked {
		if err := tables.Validate(ts...); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		ts = sorted(ts)
	}
	specs := make([]dmioctl.Spec, len(ts))
	for i, t := range ts {
		line, err := tables.LineOf(t)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		specs[i] = dmioctl.Spec{Start: line.Start, Length: line.Length, Target: line.Target, Params: line.Params}
	}
	return specs, nil
}

// Clear drops the staged table. It is no error when there is none.
func (c *Control) Clear(ref Ref) (Info, error) {
	return c.info(context.Background(), call{command: dmioctl.CmdClear, ref: ref})
}

// ReloadOptions of [Control.Reload].
type ReloadOptions struct {
	Load    LoadOptions
	Suspend SuspendOptions
	Resume  ResumeOptions
}

// Reload exchanges the table of a device: load, suspend, resume. When a step fails, the
// staged table is dropped and a device that was running runs on with the table it had; when
// the context ends during the suspend, as soon as the kernel has suspended it.
func (c *Control) Reload(ctx context.Context, ref Ref, o ReloadOptions, ts ...Table) (Info, error) {
	before, err := c.Load(ref, o.Load, ts...)
	if err != nil {
		return Info{}, err
	}
	_, err = c.suspend(ctx, ref, o.Suspend, func() {
		k := call{command: dmioctl.CmdClear, ref: ref}
		if c.prepare(&k) == nil {
			_, _ = c.rounds(k, nil)
		}
		c.resumeLater(ref)
	})
	if isEnd(err) || errors.Is(err, fs.ErrClosed) {
		_, cerr := c.Clear(ref)
		return Info{}, errors.Join(err, cerr)
	}
	var info Info
	if err == nil {
		info, err = c.Resume(ctx, ref, o.Resume)
	}
	if err == nil || errors.Is(err, ErrUdevTimeout) {
		return info, err
	}
	return Info{}, errors.Join(err, c.undoReload(ctx, ref, before, o))
}

// undoReload drops the staged table, and resumes a device that was running.
func (c *Control) undoReload(ctx context.Context, ref Ref, before Info, o ReloadOptions) error {
	_, err := c.Clear(ref)
	if before.Suspended() || !before.HasLiveTable() {
		return err
	}
	undo := ResumeOptions{Node: o.Resume.Node, Udev: UdevOptions{Flags: o.Resume.Udev.Flags}}
	_, rerr := c.Resume(context.WithoutCancel(ctx), ref, undo)
	return errors.Join(err, rerr)
}

// sorted is ts in the order of their starts, which the kernel wants; ts stays as it is.
func sorted(ts []Table) []Table {
	ts = slices.Clone(ts)
	slices.SortStableFunc(ts, func(a, b Table) int {
		x, _ := tables.Extent(a)
		y, _ := tables.Extent(b)
		return cmp.Compare(x, y)
	})
	return ts
}
