package dropin

import (
	"context"
	"errors"
	"fmt"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/dropin/popt"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume/integrity"
)

// integritysetupOpen maps a device, of a file over a loop device.
func integritysetupOpen(r *run, c *popt.Line) error {
	path, name := c.Words[0], c.Words[1]
	sb, err := readIntegritySuperblock(path)
	if err != nil {
		return err
	}
	a, err := r.readIntegrityAlgorithms(c)
	if err != nil {
		return err
	}
	defer a.wipe()
	return r.bodies.Machine.With(exit.Failed, func(s *live.Session) (err error) {
		if err := live.CheckName(name, exit.Failed); err != nil {
			return err
		}
		if _, err := s.Control.Info(kernel.ByName(name), kernel.InfoOptions{}); err == nil {
			return exit.New(exit.Busy, ui.ExitFailed, fmt.Sprintf("Device %s already exists.", name))
		}
		o := integrityOpen{name: name, sb: sb, algorithms: a, line: c}
		if err := o.attach(s.Machine, path, c.Values["data-device"]); err != nil {
			return errors.Join(err, o.release())
		}
		defer func() { err = errors.Join(err, o.release()) }()
		return r.openIntegrity(s, &o)
	})
}

// integrityOpen is what the action open is told, and what it finds out.
type integrityOpen struct {
	name         string
	sb           *integrity.Superblock
	algorithms   integrityAlgorithms
	line         *popt.Line
	device, data *live.Block // data nil: on device
}

// attach makes block devices of files.
func (o *integrityOpen) attach(m live.Machine, path, dataPath string) error {
	for _, d := range []struct {
		path string
		to   **live.Block
	}{{path, &o.device}, {dataPath, &o.data}} {
		if d.path == "" {
			continue
		}
		found, err := live.OpenBlock(d.path)
		if err != nil {
			return err
		}
		*d.to = &found
		if !found.Info.Mode().IsRegular() {
			if err := live.CheckUnused(d.path); err != nil {
				return err
			}
			continue
		}
		if err := found.Attach(m, activate.LoopOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func (o *integrityOpen) release() error { return errors.Join(o.device.Release(), o.data.Release()) }

// table is what the kernel is asked for.
func (o *integrityOpen) table() (tables.IntegrityTable, error) {
	size, metaSize := o.device.Size, int64(0)
	t := tables.IntegrityTable{Device: o.device.Path, TagSize: uint64(o.sb.TagSize), Mode: "J"}
	if o.data != nil {
		t.Device = o.data.Path
		size, metaSize = o.data.Size, o.device.Size
	}
	l, err := integrity.NewLayout(o.sb.Geometry(0), size, metaSize)
	if err != nil {
		return t, err
	}
	t.Length = uint64(l.Size())
	for _, m := range []struct{ option, mode string }{
		{"integrity-no-journal", "D"}, {"integrity-bitmap-mode", "B"}, {"integrity-recovery-mode", "R"},
	} {
		if o.line.Has(m.option) {
			t.Mode = m.mode
		}
	}
	t.Features = o.features()
	return t, nil
}

// features are the option words of the table.
func (o *integrityOpen) features() (words []string) {
	word := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if o.data != nil {
		word("meta_device:%s", o.device.Path)
	}
	for _, n := range []struct{ option, word string }{
		{"journal-watermark", "journal_watermark"},
		{"journal-commit-time", "commit_time"},
		{"buffer-sectors", "buffer_sectors"},
		{"bitmap-sectors-per-bit", "sectors_per_bit"},
		{"bitmap-flush-time", "bitmap_flush_interval"},
	} {
		if o.line.Has(n.option) {
			word("%s:%d", n.word, o.line.Number(n.option, 0))
		}
	}
	if size := o.sb.BlockSize(); size != sectorSize {
		word("block_size:%d", size)
	}
	for _, k := range []struct {
		option string
		a      integrity.Algorithm
	}{{"internal_hash", o.algorithms.hash}, {"journal_mac", o.algorithms.mac}, {"journal_crypt", o.algorithms.journal}} {
		switch {
		case k.a.Name != "" && len(k.a.Key) > 0:
			word("%s:%s:%x", k.option, k.a.Name, k.a.Key)
		case k.a.Name != "":
			word("%s:%s", k.option, k.a.Name)
		}
	}
	for _, f := range []struct{ option, word string }{
		{"integrity-recalculate", "recalculate"},
		{"integrity-recalculate-reset", "reset_recalculate"},
		{"integrity-legacy-recalculate", "legacy_recalculate"},
		{"allow-discards", "allow_discards"},
	} {
		if o.line.Has(f.option) {
			word("%s", f.word)
		}
	}
	return words
}

// openIntegrity makes the mapping.
func (r *run) openIntegrity(s *live.Session, o *integrityOpen) error {
	t, err := o.table()
	if err != nil {
		return integrityError(o.line.Words[0], err)
	}
	options := kernel.ActivateOptions{Create: kernel.CreateOptions{UUID: activate.DeviceUUID("INTEGRITY", "", o.name)}}
	_, err = s.Control.CreateAndLoad(r.ctx, o.name, options, t)
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, kernel.ErrExists):
		return exit.New(exit.Busy, ui.ExitFailed, fmt.Sprintf("Device %s already exists.", o.name))
	case errors.Is(err, kernel.ErrBusy):
		return exit.New(exit.Busy, ui.ExitFailed, exit.Sentence(err))
	}
	return exit.New(exit.Device, ui.ExitFailed, exit.Sentence(err))
}
