package cli

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/dmimg/dmimg/internal/cli/journal"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// eachChange calls f for every block that was repaired, in ascending order.
func (j *repairJob) eachChange(f func(journal.Record) error) error {
	type run struct {
		area imageArea
		verity.Range
	}
	var runs []run
	for area, list := range j.repaired {
		for _, r := range list {
			runs = append(runs, run{imageArea(area), r})
		}
	}
	slices.SortFunc(runs, func(a, b run) int {
		return cmp.Or(cmp.Compare(j.fileOf(a.area), j.fileOf(b.area)), cmp.Compare(j.offset(a.area, a.First), j.offset(b.area, b.First)))
	})
	for _, r := range runs {
		for b := r.First; b <= r.Last; b++ {
			old, fresh, err := j.block(r.area, b)
			if err != nil {
				return err
			}
			record := journal.Record{File: j.fileOf(r.area), Offset: j.offset(r.area, b)}
			n := min(int64(len(old)), j.files.list[record.File].Size()-record.Offset) // a block that --pad filled up
			record.Old, record.New = old[:n], fresh[:n]
			if bytes.Equal(record.Old, record.New) {
				continue
			}
			if err := f(record); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeInPlace makes all changes by way of the journal.
func (j *repairJob) writeInPlace(ctx context.Context) error {
	for area, list := range j.repaired {
		if len(list) > 0 {
			if err := j.files.list[j.fileOf(imageArea(area))].openWriter(); err != nil {
				return err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	made, err := j.journal.write(journalOwner{root: j.image.root}, j.eachChange)
	if err != nil || !made {
		return err
	}
	if err := j.journal.carryOut(ctx); err != nil {
		return ui.Hint(ui.Failf("repair is not complete: %w", err),
			"the journal %s has the old and the new bytes: repair again to finish, or --undo", j.journal.path)
	}
	return j.journal.drop()
}
