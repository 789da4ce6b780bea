package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/dmimg/dmimg/internal/cli/journal"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// undo puts the old bytes of the journal back.
func (j *repairJob) undo(ctx context.Context, s ui.Streams) (err error) {
	log, err := j.journal.open(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return ui.Hint(ui.Failf("there is no journal %s: no repair was broken off", j.journal.path), "--journal names one that was kept")
	}
	if err != nil {
		return err
	}
	_, err = j.direction(log)
	if err == nil {
		err = j.journal.apply(log, log.Undo)
	}
	if err = errors.Join(err, log.close()); err == nil {
		err = j.journal.remove()
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

// direction says whether the image of the root hash is that after the changes of a
// journal or that before them, which only an update has a root hash for.
func (j *repairJob) direction(log *openedJournal) (back bool, err error) {
	switch {
	case bytes.Equal(log.owner.root, j.image.root):
		return false, nil
	case log.owner.update && bytes.Equal(log.owner.old, j.image.root):
		return true, nil
	}
	return false, ui.Failf("%s is the journal of an image with another root hash", j.journal.path)
}

// finishEarlier makes the changes of a run that was killed, or takes those of an
// update back, once the root hash has proven what the result is.
func (j *repairJob) finishEarlier(ctx context.Context, s ui.Streams) (err error) {
	log, err := j.journal.openEarlier(ctx)
	if err != nil || log == nil {
		return err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	back, err := j.direction(log)
	if err != nil {
		return ui.Hint(err, "an earlier run left this file; remove it to go on without it")
	}
	if err := j.prove(ctx, log, back); err != nil {
		return err
	}
	apply, done := log.Redo, "finished"
	if back {
		apply, done = log.Undo, "took back"
	}
	if err := j.journal.apply(log, apply); err != nil {
		return err
	}
	ui.Warnf(s.Err, "an earlier %s was killed: %s %s from %s", log.owner.verb(), done, describeChanges(log.Records), j.journal.path)
	return j.journal.remove()
}

// sectorSize is what offsets of all areas are multiples of.
const sectorSize = 512

// prove asks the root hash about data and tree as a journal would leave them, with
// its new bytes or, back, with the old ones. The parity is looked at afterwards, as
// always.
func (j *repairJob) prove(ctx context.Context, log *openedJournal, back bool) (err error) {
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
		result := r.New
		if back {
			result = r.Old
		}
		for done, n := 0, 0; done < len(result); done += n {
			at := r.Offset + int64(done)
			n = min(len(result)-done, int(sectorSize-at%sectorSize))
			if err := patchBlock(overlays[r.File], sectorSize, result[done:done+n], at); err != nil {
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
			return ui.Hint(ui.Corruptf("%s: the root hash does not prove the %d bytes for offset %d", j.journal.path, len(r.New), r.Offset),
				"nothing was changed; remove the journal to go on without it")
		}
		return nil
	})
}

// isDamaged reports whether a record touches blocks that a check found damaged.
func (j *repairJob) isDamaged(report *verity.Report, r journal.Record) bool {
	in := func(area imageArea, size int, lists ...[]verity.Range) bool {
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
