package cli

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"slices"

	"github.com/dmimg/dmimg/internal/cli/journal"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity/fec"
)

// carryOut makes all changes by way of the journal and gives the root hash file its new
// content; a dry run only counts.
func (j *updateJob) carryOut(ctx context.Context, s ui.Streams) error {
	if j.o.dryRun {
		return j.eachChange(ctx, s, func(journal.Record) error { return nil })
	}
	if err := j.rootFile.create(j.o.force); err != nil {
		return err
	}
	if err := j.openWriters(); err != nil {
		return err
	}
	owner := journalOwner{update: true, old: j.result.OldRoot, root: j.result.Root}
	made, err := j.journal.write(owner, func(add func(journal.Record) error) error {
		if err := j.eachChange(ctx, s, add); err != nil {
			return err
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	if made {
		err = j.journal.carryOut(ctx)
	}
	if err == nil {
		err = j.rootFile.commit(j.result.Root)
	}
	if !made {
		return err
	}
	if err != nil {
		return ui.Hint(ui.Failf("update is not complete: %w", err),
			"the journal %s has the old and the new bytes: update again to finish, or --undo", j.journal.path)
	}
	return j.journal.drop()
}

// openWriters opens the files that are to be changed, before anything is written.
func (j *updateJob) openWriters() error {
	if j.result.HashBlocks > 0 {
		if err := j.files.list[j.files.role[treeArea]].openWriter(); err != nil {
			return err
		}
	}
	if j.way == noParity {
		return nil
	}
	return j.files.list[j.files.role[parityArea]].openWriter()
}

// eachChange calls add for all that differs from the files, in ascending order.
func (j *updateJob) eachChange(ctx context.Context, s ui.Streams, add func(journal.Record) error) error {
	type part struct {
		area   imageArea
		offset int64
		write  func(out io.WriterAt) error
	}
	parts := []part{{treeArea, j.layout.HashOffset(), j.writeTree}}
	if j.way != noParity {
		parts = append(parts, part{parityArea, j.area.Offset, func(out io.WriterAt) error { return j.writeParity(ctx, s, out) }})
	}
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(j.files.role[a.area], j.files.role[b.area]), cmp.Compare(a.offset, b.offset))
	})
	for _, p := range parts {
		out := &differences{file: j.files.role[p.area], old: j.files.list[j.files.role[p.area]], unit: j.params.HashBlockSize, add: add}
		if err := p.write(out); err != nil {
			return err
		}
		j.written[p.area] = out.bytes
	}
	return nil
}

// writeTree writes the new blocks above what has changed.
func (j *updateJob) writeTree(out io.WriterAt) error {
	size := int64(j.params.HashBlockSize)
	buf := make([]byte, max(journalChunk, size))
	for _, r := range j.result.Path {
		for at, end := int64(r.First)*size, int64(r.Last+1)*size; at < end; {
			n := min(end-at, int64(len(buf)))
			if got, err := j.tree.ReadAt(buf[:n], at); int64(got) < n {
				return ui.Failf("reading the new tree at offset %d: %w", at, err)
			}
			if _, err := out.WriteAt(buf[:n], at); err != nil {
				return err
			}
			at += n
		}
	}
	return nil
}

// writeParity writes the new parity of what has changed.
func (j *updateJob) writeParity(ctx context.Context, s ui.Streams, out io.WriterAt) error {
	c := j.changes()
	progress := ui.NewProgress(s.Err, j.o.progress, "parity", j.fec.TouchedBytes(c.Blocks))
	defer progress.Close()
	p := j.fec
	p.Progress = progress.Add
	update := fec.Reencode
	if j.way == parityByDifference {
		update = fec.Adjust
	}
	err := update(ctx, c, out, j.area.Offset, p)
	if err == nil {
		progress.Finish()
	}
	return err
}

// differences turns what is written to it into records of what differs from a file, by
// units of some bytes. Writes come in ascending order, one at a time.
type differences struct {
	file  int
	old   io.ReaderAt
	unit  int
	add   func(journal.Record) error
	buf   []byte
	bytes int64 // in all records
}

// WriteAt compares p with the file at offset off.
func (d *differences) WriteAt(p []byte, off int64) (int, error) {
	if cap(d.buf) < len(p) {
		d.buf = make([]byte, len(p))
	}
	old := d.buf[:len(p)]
	if n, err := d.old.ReadAt(old, off); n < len(p) {
		return 0, ui.Failf("reading old bytes at offset %d: %w", off, err)
	}
	same := func(at int) bool {
		end := min(len(p), at+d.unit)
		return bytes.Equal(p[at:end], old[at:end])
	}
	for at := 0; at < len(p); {
		if same(at) {
			at += d.unit
			continue
		}
		begin := at
		for at < len(p) && at-begin < journal.MaxRecord && !same(at) {
			at += d.unit
		}
		end := min(at, len(p), begin+journal.MaxRecord)
		if err := d.add(journal.Record{File: d.file, Offset: off + int64(begin), Old: old[begin:end], New: p[begin:end]}); err != nil {
			return begin, err
		}
		d.bytes += int64(end - begin)
		at = end
	}
	return len(p), nil
}
