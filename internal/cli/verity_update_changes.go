package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// changedBytes is bytes of DATA that have changed.
type changedBytes struct{ offset, length int64 }

var errChange = errors.New("want OFFSET:LENGTH, two sizes such as 4096 or 1M")

// parseChange reads OFFSET:LENGTH. The end fits an int64.
func parseChange(text string) (changedBytes, error) {
	first, second, ok := strings.Cut(text, ":")
	if !ok {
		return changedBytes{}, errChange
	}
	offset, err := ui.ParseSize(first)
	if err != nil {
		return changedBytes{}, err
	}
	length, err := ui.ParseSize(second)
	if err != nil {
		return changedBytes{}, err
	}
	if offset > math.MaxInt64-length {
		return changedBytes{}, fmt.Errorf("it ends behind byte %d", int64(math.MaxInt64))
	}
	return changedBytes{offset, length}, nil
}

// maxChanges is how many separate runs of blocks are kept of a list; beyond, runs near
// each other are taken as one.
const maxChanges = 1 << 18

// changeList turns bytes into blocks.
type changeList struct {
	name      string // of DATA
	blockSize int64
	size      int64 // bytes of all data blocks
	blocks    []verity.Range
}

// add appends the blocks that bytes touch. Bytes outside the data are wrong use.
func (l *changeList) add(r changedBytes) error {
	if end := r.offset + r.length; end > l.size {
		return fmt.Errorf("it ends at byte %d, the tree covers %d bytes of %s", end, l.size, l.name)
	}
	if r.length == 0 {
		return nil
	}
	if len(l.blocks) == 2*maxChanges {
		l.blocks = verity.JoinRanges(l.blocks, maxChanges)
	}
	l.blocks = append(l.blocks, verity.Range{
		First: uint64(r.offset / l.blockSize), Last: uint64((r.offset + r.length - 1) / l.blockSize),
	})
	return nil
}

// maxChangeLine is the longest line of a list.
const maxChangeLine = 4096

// read appends a list: OFFSET:LENGTH on each line; # begins a comment. Errors name the
// line.
func (l *changeList) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxChangeLine)
	n := 1
	for ; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		c, err := parseChange(text)
		if err == nil {
			err = l.add(c)
		}
		if err != nil {
			return ui.Usagef("line %d, %q: %w", n, text, err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return ui.Usagef("line %d: longer than %d bytes", n, maxChangeLine)
	}
	return lines.Err()
}

// listChanges fills in the list of changed blocks.
func (j *updateJob) listChanges(ctx context.Context, s ui.Streams) error {
	if j.old != nil {
		return j.compare(ctx, s)
	}
	l := changeList{name: j.data.Name(), blockSize: int64(j.params.DataBlockSize), size: j.layout.DataBytes()}
	for _, r := range j.o.changed {
		if err := l.add(r); err != nil {
			return j.likeHint(ui.Usagef("--changed %d:%d: %w", r.offset, r.length, err))
		}
	}
	if j.o.changedList != "" {
		in, err := ui.OpenInput(ctx, j.o.changedList, s.In)
		if err != nil {
			return err
		}
		defer in.Close()
		r, err := in.Reader(0, -1)
		if err == nil {
			err = l.read(r)
		}
		if err != nil {
			return j.likeHint(fmt.Errorf("--changed-list %s: %w", j.o.changedList, err))
		}
	}
	j.changed = verity.JoinRanges(l.blocks, maxChanges)
	return nil
}

// likeHint says what to do where the number of blocks would have to change.
func (j *updateJob) likeHint(err error) error {
	if j.data.Size() < j.layout.DataBytes()+int64(j.params.DataBlockSize) {
		return err
	}
	return ui.Hint(err, "an update does not change the number of blocks: verity format --like %s makes a tree of all of %s", j.hash.Name(), j.data.Name())
}

// compare finds what differs between the old image and DATA.
func (j *updateJob) compare(ctx context.Context, s ui.Streams) (err error) {
	progress := ui.NewProgress(s.Err, j.o.progress, "compare", j.layout.DataBytes())
	defer progress.Close()
	p := j.params
	p.Progress = progress.Add
	if j.changed, err = verity.ChangedBlocks(ctx, zeroExtended{j.old}, zeroExtended{j.data}, p); err == nil {
		progress.Finish()
	}
	return err
}
