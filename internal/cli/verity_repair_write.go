package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/dmimg/dmimg/internal/cli/journal"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// journalSuffix is what the name of a journal has behind that of DATA.
const journalSuffix = ".dmimg-journal"

// journalPath is where the journal of a repair is: beside DATA or, since a folder of
// devices keeps no files, in the current folder.
func (o verityRepairOptions) journalPath(data *ui.Input) string {
	switch {
	case o.journal != "":
		return o.journal
	case data.Info().Mode().IsRegular():
		return resolved(data.Name()) + journalSuffix
	default:
		return filepath.Base(data.Name()) + journalSuffix
	}
}

// binding says what a journal belongs to.
func (j *repairJob) binding() []byte { return append([]byte("verity root "), j.image.root...) }

// eachChange calls f for every block that was repaired, in ascending order.
func (j *repairJob) eachChange(f func(journal.Record) error) error {
	type run struct {
		area repairArea
		verity.Range
	}
	var runs []run
	for area, list := range j.repaired {
		for _, r := range list {
			runs = append(runs, run{repairArea(area), r})
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
			if err := j.files.list[j.fileOf(repairArea(area))].openWriter(); err != nil {
				return err
			}
		}
	}
	if j.numRepaired() == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := j.writeJournal(); err != nil {
		return ui.Hint(err, "nothing was changed; --journal says where else the journal can go")
	}
	log, in, err := j.openJournal(ctx)
	if err == nil {
		err = errors.Join(log.Redo(j.files.journaled()), in.Close())
	}
	if err != nil {
		return ui.Hint(ui.Failf("repair is not complete: %w", err),
			"the journal %s has the old and the new bytes: repair again to finish, or --undo", j.journal)
	}
	return j.dropJournal()
}

func (j *repairJob) numRepaired() (n uint64) {
	for _, list := range j.repaired {
		n += total(list)
	}
	return n
}

// writeJournal brings the journal to the disk, under its name when it is complete.
func (j *repairJob) writeJournal() (err error) {
	out, err := ui.CreateOutput(j.journal, ui.OutputOptions{Perm: 0o600})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	buffered := bufio.NewWriterSize(out, copyChunk)
	w, err := journal.NewWriter(buffered, j.binding(), j.files.sizes())
	if err != nil {
		return err
	}
	if err := j.eachChange(w.Add); err != nil {
		return err
	}
	if err := errors.Join(w.Close(), buffered.Flush()); err != nil {
		return err
	}
	return ui.CommitAll(out)
}

// openJournal reads the journal and demands that it is about these files. The caller
// closes the input.
func (j *repairJob) openJournal(ctx context.Context) (*journal.Journal, *ui.Input, error) {
	in, err := openSized(ctx, "the journal", j.journal)
	if err != nil {
		return nil, nil, err
	}
	log, err := journal.Read(in, in.Size())
	switch {
	case err != nil:
		err = ui.Failf("%s: %w", j.journal, err)
	case !bytes.Equal(log.Binding, j.binding()):
		err = ui.Failf("%s is the journal of an image with another root hash", j.journal)
	case !slices.Equal(log.Sizes, j.files.sizes()):
		err = ui.Failf("%s is about files of %d bytes, these have %d: name the same files, --fec-device too", j.journal, log.Sizes, j.files.sizes())
	default:
		return log, in, nil
	}
	return nil, nil, errors.Join(err, in.Close())
}

// dropJournal removes a journal that has done its work, unless it was asked for.
func (j *repairJob) dropJournal() error {
	if j.o.journal != "" {
		return nil
	}
	return j.removeJournal()
}

func (j *repairJob) removeJournal() error {
	if err := os.Remove(j.journal); err != nil {
		return ui.Failf("removing the journal: %w", err)
	}
	return nil
}

// notes on an earlier run's journal
func (j *repairJob) warnOfJournal(s ui.Streams) {
	if _, err := os.Lstat(j.journal); err == nil && j.o.journal == "" {
		ui.Warnf(s.Err, "%s was left by a repair that was killed; repair in place to finish it, or --undo", j.journal)
	}
}

// describeChanges is for words about a journal.
func describeChanges(n uint64) string {
	if n == 1 {
		return "1 change"
	}
	return fmt.Sprintf("%d changes", n)
}
