package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/dmimg/dmimg/internal/cli/journal"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// undo puts the old bytes of the journal back.
func (j *repairJob) undo(ctx context.Context, s ui.Streams) error {
	log, in, err := j.openJournal(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return ui.Hint(ui.Failf("there is no journal %s: no repair was broken off", j.journal), "--journal names one that was kept")
	}
	if err != nil {
		return err
	}
	err = errors.Join(j.apply(log, log.Undo), in.Close())
	if err == nil {
		err = j.removeJournal()
	}
	if err != nil {
		return err
	}
	if j.o.json {
		return ui.WriteJSON(s.Out, map[string]any{"undone": true, "changes": log.Records})
	}
	_, err = fmt.Fprintf(s.Out, "undone %s\n", describeChanges(log.Records))
	return err
}

// apply opens the files that a journal changes and calls Redo or Undo.
func (j *repairJob) apply(log *journal.Journal, how func([]journal.File) error) error {
	err := log.Each(func(r journal.Record) error { return j.files.list[r.File].openWriter() })
	if err == nil {
		err = how(j.files.journaled())
	}
	if errors.Is(err, journal.ErrForeign) {
		return ui.Hint(ui.Failf("%s: %w", j.journal, err), "it is of no use then: remove it")
	}
	return err
}

// finishEarlier makes the changes of a repair that was killed, once the root hash has
// proven them.
func (j *repairJob) finishEarlier(ctx context.Context, s ui.Streams) error {
	if _, err := os.Lstat(j.journal); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	log, in, err := j.openJournal(ctx)
	if err != nil {
		return ui.Hint(err, "an earlier repair left this file; remove it to go on without it")
	}
	defer in.Close()
	done, err := log.IsDone(j.files.journaled())
	if err != nil {
		return err
	}
	if done && j.o.journal != "" {
		return ui.Hint(ui.Failf("%s is the journal of an earlier repair and is not overwritten", j.journal), "choose another name, or --undo that repair")
	}
	if err := log.Check(j.files.journaled()); err != nil {
		return ui.Hint(ui.Failf("%s: %w", j.journal, err), "it is of no use then: remove it")
	}
	if err := j.prove(ctx, log); err != nil {
		return err
	}
	if err := j.apply(log, log.Redo); err != nil {
		return err
	}
	ui.Warnf(s.Err, "an earlier repair was killed: finished %s from %s", describeChanges(log.Records), j.journal)
	return j.removeJournal()
}

// sectorSize is what offsets of all areas are multiples of.
const sectorSize = 512

// prove asks the root hash about data and tree as a journal would leave them. The
// parity is looked at afterwards, as always.
func (j *repairJob) prove(ctx context.Context, log *journal.Journal) (err error) {
	var overlays []*ui.Overlay
	defer func() {
		for _, o := range overlays {
			err = errors.Join(err, o.Close())
		}
	}()
	for _, file := range j.files.list {
		o, err := ui.NewOverlay(zeroExtended{file.Input}, sectorSize)
		if err != nil {
			return err
		}
		overlays = append(overlays, o)
	}
	err = log.Each(func(r journal.Record) error {
		for done, n := 0, 0; done < len(r.New); done += n {
			at := r.Offset + int64(done)
			n = min(len(r.New)-done, int(sectorSize-at%sectorSize))
			if err := patchBlock(overlays[r.File], sectorSize, r.New[done:done+n], at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	report, err := verity.Check(ctx, overlays[j.fileOf(dataArea)], overlays[j.fileOf(treeArea)], j.image.params, j.image.root)
	if err != nil {
		return err
	}
	return log.Each(func(r journal.Record) error {
		if !report.RootOK || report.More || j.isDamaged(report, r) {
			return ui.Hint(ui.Corruptf("%s: the root hash does not prove the %d bytes for offset %d", j.journal, len(r.New), r.Offset),
				"nothing was changed; remove the journal to go on without it")
		}
		return nil
	})
}

// isDamaged reports whether a record touches blocks that a check found damaged.
func (j *repairJob) isDamaged(report *verity.Report, r journal.Record) bool {
	in := func(area repairArea, size int, lists ...[]verity.Range) bool {
		if j.fileOf(area) != r.File {
			return false
		}
		blocks := []verity.Range{{First: uint64(r.Offset) / uint64(size), Last: uint64(r.Offset+int64(len(r.New))-1) / uint64(size)}}
		for _, list := range lists {
			if len(common(blocks, list)) > 0 {
				return true
			}
		}
		return false
	}
	return in(dataArea, j.image.params.DataBlockSize, report.Data, report.Unproven) || in(treeArea, j.image.params.HashBlockSize, report.Tree)
}
