package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/dmimg/dmimg/internal/cli/journal"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// journalSuffix is what the name of a journal has behind that of DATA.
const journalSuffix = ".dmimg-journal"

// journalChunk is how many bytes of a journal are gathered before they are written.
const journalChunk = 256 << 10

// imageJournal is where changes of an image in place are written down before the
// first one is made. All verbs that make some use the same name, so that each finds
// what another left.
type imageJournal struct {
	path  string
	kept  bool // named by the user: it stays, so that --undo works later too
	files *imageFiles
}

// newImageJournal names the journal of an image: beside DATA or, since a folder of
// devices keeps no files, in the current folder, unless the user has named one.
func newImageJournal(name string, files *imageFiles) imageJournal {
	j := imageJournal{path: name, kept: name != "", files: files}
	data := files.list[0]
	switch {
	case j.kept:
	case data.Info().Mode().IsRegular():
		j.path = resolved(data.Name()) + journalSuffix
	default:
		j.path = filepath.Base(data.Name()) + journalSuffix
	}
	return j
}

// exists reports whether there is a journal.
func (j imageJournal) exists() bool {
	_, err := os.Lstat(j.path)
	return !errors.Is(err, fs.ErrNotExist)
}

// write brings the changes that each lists to the disk, under the journal's name when
// they are complete. Without changes there is no journal.
func (j imageJournal) write(owner journalOwner, each func(add func(journal.Record) error) error) (made bool, err error) {
	hint := func(err error) error {
		return ui.Hint(err, "nothing was changed; --journal says where else the journal can go")
	}
	out, err := ui.CreateOutput(j.path, ui.OutputOptions{Perm: 0o600})
	if err != nil {
		return false, hint(err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	buffered := bufio.NewWriterSize(out, journalChunk)
	w, err := journal.NewWriter(buffered, owner.binding(), j.files.sizes())
	if err != nil {
		return false, hint(err)
	}
	err = each(func(r journal.Record) error {
		made = true
		return hint(w.Add(r))
	})
	if err != nil || !made {
		return false, err
	}
	if err := errors.Join(w.Close(), buffered.Flush()); err != nil {
		return false, hint(err)
	}
	return true, hint(ui.CommitAll(out))
}

// openedJournal is a sound journal about the files at hand.
type openedJournal struct {
	*journal.Journal

	owner journalOwner
	in    *ui.Input
}

func (o *openedJournal) close() error { return o.in.Close() }

// open reads the journal and demands that it is about these files.
func (j imageJournal) open(ctx context.Context) (*openedJournal, error) {
	in, err := openSized(ctx, "the journal", j.path)
	if err != nil {
		return nil, err
	}
	o := &openedJournal{in: in}
	if o.Journal, err = journal.Read(in, in.Size()); err != nil {
		err = ui.Failf("%s: %w", j.path, err)
	} else if o.owner, err = ownerOf(o.Binding); err != nil {
		err = ui.Failf("%s: %w", j.path, err)
	} else if !slices.Equal(o.Sizes, j.files.sizes()) {
		err = ui.Failf("%s is about files of %d bytes, these have %d: name the same files, --fec-device too", j.path, o.Sizes, j.files.sizes())
	}
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return o, nil
}

// openEarlier opens what an earlier run left, nil if there is nothing. The files hold
// nothing but old and new bytes where it changes them.
func (j imageJournal) openEarlier(ctx context.Context) (*openedJournal, error) {
	if !j.exists() {
		return nil, nil
	}
	log, err := j.open(ctx)
	if err != nil {
		return nil, ui.Hint(err, "an earlier run left this file; remove it to go on without it")
	}
	done, err := log.IsDone(j.files.journaled())
	switch {
	case err != nil:
	case done && j.kept:
		err = ui.Hint(ui.Failf("%s is the journal of an earlier %s and is not overwritten", j.path, log.owner.verb()),
			"choose another name, or --undo that %s", log.owner.verb())
	default:
		err = j.foreign(log.Check(j.files.journaled()))
	}
	if err != nil {
		return nil, errors.Join(err, log.close())
	}
	return log, nil
}

// carryOut makes all changes of a journal that write has just made.
func (j imageJournal) carryOut(ctx context.Context) error {
	in, err := openSized(ctx, "the journal", j.path)
	if err != nil {
		return err
	}
	return errors.Join(journal.Replay(in, in.Size(), j.files.journaled()), in.Close())
}

// apply opens the files that a journal changes and calls its Redo or Undo.
func (j imageJournal) apply(log *openedJournal, how func([]journal.File) error) error {
	err := log.Each(func(r journal.Record) error { return j.files.list[r.File].openWriter() })
	if err == nil {
		err = how(j.files.journaled())
	}
	return j.foreign(err)
}

// foreign adds what to do about a journal of files that were changed since.
func (j imageJournal) foreign(err error) error {
	if errors.Is(err, journal.ErrForeign) {
		return ui.Hint(ui.Failf("%s: %w", j.path, err), "it is of no use then: remove it")
	}
	return err
}

// drop removes a journal that has done its work, unless it was asked for.
func (j imageJournal) drop() error {
	if j.kept {
		return nil
	}
	return j.remove()
}

func (j imageJournal) remove() error {
	if err := os.Remove(j.path); err != nil {
		return ui.Failf("removing the journal: %w", err)
	}
	return nil
}

// warn says that an earlier run left a journal, where that is not what is dealt with.
func (j imageJournal) warn(s ui.Streams) {
	if !j.kept && j.exists() {
		ui.Warnf(s.Err, "%s was left by a run that was killed; repair or update in place to finish it, or --undo", j.path)
	}
}

// journalOwner is what a journal belongs to.
type journalOwner struct {
	update bool   // verity update wrote it, otherwise verity repair
	old    []byte // root hash before an update; empty where nobody knows it
	root   []byte // root hash when all changes are made
}

const (
	repairBinding = "verity root "
	updateBinding = "verity update " // then a byte with the length of old
)

// verb is the verb that wrote the journal.
func (o journalOwner) verb() string {
	if o.update {
		return "update"
	}
	return "repair"
}

func (o journalOwner) binding() []byte {
	if !o.update {
		return append([]byte(repairBinding), o.root...)
	}
	b := append([]byte(updateBinding), byte(len(o.old)))
	return append(append(b, o.old...), o.root...)
}

func ownerOf(binding []byte) (journalOwner, error) {
	if root, ok := bytes.CutPrefix(binding, []byte(repairBinding)); ok {
		return journalOwner{root: root}, nil
	}
	b, ok := bytes.CutPrefix(binding, []byte(updateBinding))
	if !ok || len(b) == 0 || len(b) < 1+int(b[0]) {
		return journalOwner{}, errors.New("it belongs to no verity image")
	}
	n := int(b[0])
	return journalOwner{update: true, old: b[1 : 1+n], root: b[1+n:]}, nil
}

// describeChanges is for words about a journal.
func describeChanges(n uint64) string {
	if n == 1 {
		return "1 change"
	}
	return fmt.Sprintf("%d changes", n)
}
