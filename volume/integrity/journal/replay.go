package journal

import (
	"context"
	"fmt"
	"io"
	"math/bits"
)

// Storage is the device that a journal is on. Sync makes durable what was
// written before.
type Storage interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}

// Sink takes blocks from a journal to the places they belong to. Offsets are
// those of the device as its user sees it.
type Sink interface {
	// WriteBlocks stores consecutive blocks, the first of which begins at a
	// sector, and their tags. It keeps neither slice.
	WriteBlocks(data, tags []byte, sector uint64) error
	// Sync makes durable what WriteBlocks stored.
	Sync() error
}

// Format writes a journal without blocks, and syncs. A journal of zeros is a
// damaged one.
func (j *Journal) Format(ctx context.Context, s Storage) error {
	return j.fill(ctx, s, 0, 0)
}

// Replay brings every block of the journal to its place, and then empties the
// journal. It can be stopped anywhere and begun again: what the journal holds is
// durable in its place before the journal is touched, and sections are emptied
// from the oldest on, so that what remains is always the newest. Errors: as
// [Journal.ReadOverlay], and those of s and sink.
func (j *Journal) Replay(ctx context.Context, s Storage, sink Sink) error {
	_, err := j.replay(ctx, s, sink)
	return err
}

// replay is Replay; it returns where the writing goes on.
func (j *Journal) replay(ctx context.Context, s Storage, sink Sink) (plan, error) {
	o, err := j.ReadOverlay(ctx, s)
	if err != nil {
		return plan{}, err
	}
	if o.Len() == 0 && o.plan.count == j.sections {
		return o.plan, nil
	}
	if err := o.apply(ctx, sink); err != nil {
		return plan{}, err
	}
	p, err := o.repair(s)
	if err != nil {
		return plan{}, err
	}
	if err := j.fill(ctx, s, p.first, p.seq); err != nil {
		return plan{}, err
	}
	return plan{first: p.first, seq: p.seq.next()}, nil
}

// repair empties the sections that a crash left half written, with the newer of
// their sequences, and syncs. Else crashes in the midst of emptying, one after
// the other, could bring all four sequences into the journal.
func (o *Overlay) repair(s Storage) (plan, error) {
	j, mixed := o.j, false
	section := j.newSection()
	for i, set := range o.seen {
		if bits.OnesCount8(set) == 1 {
			continue
		}
		mixed = true
		q := sequence(0)
		for set&q.bit() == 0 || set&q.next().bit() != 0 {
			q++
		}
		section.empty()
		if err := j.write(s, section, q, uint32(i)); err != nil {
			return plan{}, err
		}
		o.seen[i] = q.bit()
	}
	if !mixed {
		return o.plan, nil
	}
	if err := s.Sync(); err != nil {
		return plan{}, fmt.Errorf("journal: syncing: %w", err)
	}
	return newPlan(o.seen)
}

// maxRun bounds the bytes that go to a sink in one call.
const maxRun = 256 << 10

// apply gives the blocks of o to sink, in the order of their places.
func (o *Overlay) apply(ctx context.Context, sink Sink) error {
	j := o.j
	var data, tags []byte
	block := make([]byte, j.blockSize())
	tag := make([]byte, j.tagSize)
	flush := func(end uint64) error {
		if len(data) == 0 {
			return nil
		}
		sector := end - uint64(len(data)/SectorSize)
		if err := sink.WriteBlocks(data, tags, sector); err != nil {
			return fmt.Errorf("journal: replaying %d bytes to sector %d: %w", len(data), sector, err)
		}
		data, tags = data[:0], tags[:0]
		return nil
	}
	end := uint64(0)
	for _, p := range o.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.sector != end || len(data) >= maxRun {
			if err := flush(end); err != nil {
				return err
			}
		}
		if err := o.read(block, tag, p); err != nil {
			return err
		}
		data, tags = append(data, block...), append(tags, tag...)
		end = p.sector + uint64(j.blockSectors)
	}
	if err := flush(end); err != nil {
		return err
	}
	if err := sink.Sync(); err != nil {
		return fmt.Errorf("journal: syncing what was replayed: %w", err)
	}
	return nil
}

// fill writes every section without blocks, from first on and around, the
// passes numbered from q on, and syncs.
func (j *Journal) fill(ctx context.Context, s Storage, first uint32, q sequence) error {
	section, number := j.newSection(), first
	for range j.sections {
		if err := ctx.Err(); err != nil {
			return err
		}
		section.empty()
		if err := j.write(s, section, q, number); err != nil {
			return err
		}
		var wraps bool
		if number, wraps = j.after(number); wraps {
			q = q.next()
		}
	}
	if err := s.Sync(); err != nil {
		return fmt.Errorf("journal: syncing: %w", err)
	}
	return nil
}

// write seals and writes a section, which is of no more use then.
func (j *Journal) write(w io.WriterAt, s section, q sequence, number uint32) error {
	j.seal(s, q, number)
	if _, err := w.WriteAt(s.b, j.offset(number, 0)); err != nil {
		return fmt.Errorf("journal: writing section %d: %w", number, err)
	}
	return nil
}
