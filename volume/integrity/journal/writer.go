package journal

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
)

// maxPending bounds the bytes of sections that a Writer collects before it
// commits them.
const maxPending = 4 << 20

// Writer writes blocks through a journal, so that a crash at any moment loses
// nothing that was synced, and leaves every block with the tag that belongs to
// it. Its methods may be called concurrently, except Close.
//
// Blocks are collected in memory. Commit, Sync and a collection that is full
// put them into the next sections of the journal, sync it, and only then give
// them to the sink; a section is used again when the sink has synced what it
// held. After an error of the storage or of the sink nothing more is written:
// what was synced is safe in the journal for the next one who opens it.
type Writer struct {
	j     *Journal
	store Storage
	sink  Sink

	writing  sync.Mutex // held by who changes anything, before mu
	room     int        // blocks that are collected at most
	buffer   section
	next     uint32   // the section to write
	seq      sequence // with this
	unsynced int      // sections whose blocks the sink may not have made durable
	err      error    // why nothing more is written

	mu      sync.RWMutex // held by readers, and while pending changes or blocks move
	pending blocks
}

// blocks are collected blocks with their tags.
type blocks struct {
	at         map[uint64]int // sector → index
	sectors    []uint64       // by index
	data, tags []byte
	order      []int // room for indexes
}

// NewWriter replays and empties the journal on store, as [Journal.Replay] does,
// and returns a writer. Whoever writes to such a device in another way must have
// emptied its journal too, or the next replay puts old blocks over the new ones.
func (j *Journal) NewWriter(ctx context.Context, store Storage, sink Sink) (*Writer, error) {
	p, err := j.replay(ctx, store, sink)
	if err != nil {
		return nil, err
	}
	group := max(1, min(int(j.sections/4), maxPending/j.sectionSize()))
	return &Writer{
		j: j, store: store, sink: sink,
		pending: blocks{at: make(map[uint64]int)}, room: group * j.entries,
		buffer: j.newSection(), next: p.first, seq: p.seq,
	}, nil
}

// WriteBlocks writes consecutive blocks, the first of which begins at a sector,
// with their tags. They are safe after the next [Writer.Sync]. The error wraps
// [ErrRange] for what is not whole blocks of the device.
func (w *Writer) WriteBlocks(data, tags []byte, sector uint64) error {
	j := w.j
	size := j.blockSize()
	count := len(data) / size
	if len(data)%size != 0 || len(tags) != count*j.tagSize {
		return fmt.Errorf("journal: writing %d bytes with %d bytes of tags: %w", len(data), len(tags), ErrRange)
	}
	if count > 0 && (!j.holds(sector) || !j.holds(sector+uint64((count-1)*j.blockSectors))) {
		return fmt.Errorf("journal: writing %d bytes at sector %d: %w", len(data), sector, ErrRange)
	}
	w.writing.Lock()
	defer w.writing.Unlock()
	for first := 0; first < count; {
		if w.err != nil {
			return w.err
		}
		n := w.collect(data[first*size:], tags[first*j.tagSize:], sector+uint64(first*j.blockSectors))
		if first += n; first == count {
			break
		}
		if err := w.commit(); err != nil {
			return err
		}
	}
	return nil
}

// collect takes blocks up while there is room, and returns how many.
func (w *Writer) collect(data, tags []byte, sector uint64) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, size := &w.pending, w.j.blockSize()
	for ; len(data) > 0; n++ {
		block, tag := data[:size], tags[:w.j.tagSize]
		if i, ok := p.at[sector]; ok {
			copy(p.data[i*size:], block)
			copy(p.tags[i*len(tag):], tag)
		} else if len(p.sectors) == w.room {
			return n
		} else {
			p.at[sector] = len(p.sectors)
			p.sectors = append(p.sectors, sector)
			p.data = append(p.data, block...)
			p.tags = append(p.tags, tag...)
		}
		data, tags, sector = data[size:], tags[len(tag):], sector+uint64(w.j.blockSectors)
	}
	return n
}

// ReadBlocks reads consecutive blocks and their tags. below reads them from
// their places; what is newer is put over that. No block moves while it runs, so
// below finds each with the tag that belongs to it.
func (w *Writer) ReadBlocks(data, tags []byte, sector uint64, below func(data, tags []byte, sector uint64) error) error {
	j := w.j
	size := j.blockSize()
	if len(data)%size != 0 || len(tags) != len(data)/size*j.tagSize {
		return fmt.Errorf("journal: reading %d bytes with %d bytes of tags: %w", len(data), len(tags), ErrRange)
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	if err := below(data, tags, sector); err != nil {
		return err
	}
	if len(w.pending.sectors) == 0 {
		return nil
	}
	for n := range len(data) / size {
		if i, ok := w.pending.at[sector+uint64(n*j.blockSectors)]; ok {
			copy(data[n*size:(n+1)*size], w.pending.data[i*size:])
			copy(tags[n*j.tagSize:(n+1)*j.tagSize], w.pending.tags[i*j.tagSize:])
		}
	}
	return nil
}

// Sync makes durable everything that was written before.
func (w *Writer) Sync() error {
	w.writing.Lock()
	defer w.writing.Unlock()
	return w.commit()
}

// Close commits, lets the sink sync, and empties the journal, so that the device
// can be written without it. It closes neither storage nor sink nor the
// [Journal].
func (w *Writer) Close(ctx context.Context) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	if err := w.commit(); err != nil {
		return err
	}
	if w.unsynced > 0 {
		if err := w.syncSink(); err != nil {
			return err
		}
		if err := w.j.fill(ctx, w.store, w.next, w.seq); err != nil {
			return err
		}
	}
	w.err = fmt.Errorf("journal: writing: %w", ErrClosed)
	return nil
}

// commit puts the pending blocks into the journal and then to their places.
func (w *Writer) commit() error {
	if w.err != nil || len(w.pending.sectors) == 0 {
		return w.err
	}
	if w.err = w.journal(); w.err == nil {
		w.err = w.place()
	}
	return w.err
}

// journal writes the pending blocks to the next sections, and syncs.
func (w *Writer) journal() error {
	j := w.j
	size, count := j.blockSize(), len(w.pending.sectors)
	sections := (count + j.entries - 1) / j.entries
	if int64(w.unsynced)+int64(sections) > int64(j.sections) {
		if err := w.syncSink(); err != nil {
			return err
		}
	}
	for first := 0; first < count; first += j.entries {
		w.buffer.empty()
		for i := first; i < min(count, first+j.entries); i++ {
			w.buffer.put(i-first, w.pending.sectors[i], w.pending.data[i*size:], w.pending.tags[i*j.tagSize:(i+1)*j.tagSize])
		}
		if err := j.write(w.store, w.buffer, w.seq, w.next); err != nil {
			return err
		}
		var wraps bool
		if w.next, wraps = j.after(w.next); wraps {
			w.seq = w.seq.next()
		}
	}
	if err := w.store.Sync(); err != nil {
		return fmt.Errorf("journal: syncing: %w", err)
	}
	w.unsynced += sections
	return nil
}

// place gives the pending blocks to the sink in the order of their sectors,
// those together that were collected one after the other.
func (w *Writer) place() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	j, p := w.j, &w.pending
	size := j.blockSize()
	order := p.sorted()
	for first := 0; first < len(order); {
		start, sector := order[first], p.sectors[order[first]]
		n := 1
		for first+n < len(order) && n*size < maxRun && order[first+n] == start+n && p.sectors[start+n] == sector+uint64(n*j.blockSectors) {
			n++
		}
		end := start + n
		if err := w.sink.WriteBlocks(p.data[start*size:end*size], p.tags[start*j.tagSize:end*j.tagSize], sector); err != nil {
			return fmt.Errorf("journal: writing %d bytes at sector %d: %w", n*size, sector, err)
		}
		first += n
	}
	clear(p.at)
	p.sectors, p.data, p.tags = p.sectors[:0], p.data[:0], p.tags[:0]
	return nil
}

// sorted lists the indexes of blocks in the order of their sectors.
func (p *blocks) sorted() []int {
	p.order = p.order[:0]
	for i := range p.sectors {
		p.order = append(p.order, i)
	}
	if !slices.IsSorted(p.sectors) {
		slices.SortFunc(p.order, func(a, b int) int { return cmp.Compare(p.sectors[a], p.sectors[b]) })
	}
	return p.order
}

// syncSink makes what the sink has durable, so that no section is needed.
func (w *Writer) syncSink() error {
	if err := w.sink.Sync(); err != nil {
		w.err = fmt.Errorf("journal: syncing data and tags: %w", err)
		return w.err
	}
	w.unsynced = 0
	return nil
}
