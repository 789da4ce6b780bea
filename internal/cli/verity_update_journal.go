package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// settleEarlier finishes the work of an update that was killed. Its root hash takes the
// place of the one that the tree had to have before.
func (j *updateJob) settleEarlier(ctx context.Context, s ui.Streams) (err error) {
	if j.o.dryRun {
		j.journal.warn(s)
		return nil
	}
	log, err := j.journal.openEarlier(ctx)
	if err != nil || log == nil {
		return err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	if err := j.owns(log); err != nil {
		return err
	}
	if err := j.journal.apply(log, log.Redo); err != nil {
		return err
	}
	if err := j.rootFile.replace(log.owner.root, j.o.force); err != nil {
		return err
	}
	if j.root != nil {
		j.root = log.owner.root
	}
	ui.Warnf(s.Err, "an earlier update was killed: finished %s from %s", describeChanges(log.Records), j.journal.path)
	return j.journal.remove()
}

// owns demands that a journal is of an update and that the root hash, if one is given,
// is that before or that after it.
func (j *updateJob) owns(log *openedJournal) error {
	switch {
	case !log.owner.update:
		return ui.Hint(ui.Failf("%s was left by a repair that was killed", j.journal.path),
			"finish that first: verity repair %s %s ROOT", j.data.Name(), j.hash.Name())
	case j.root != nil && !bytes.Equal(j.root, log.owner.old) && !bytes.Equal(j.root, log.owner.root):
		return ui.Hint(ui.Failf("%s is the journal of an image with another root hash", j.journal.path), "an earlier run left this file; remove it to go on without it")
	}
	return nil
}

// takeBack puts the old bytes of the journal back, and the old root hash.
func (j *updateJob) takeBack(ctx context.Context, s ui.Streams) (err error) {
	log, err := j.journal.open(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return ui.Hint(ui.Failf("there is no journal %s: no update was broken off", j.journal.path), "--journal names one that was kept")
	}
	if err != nil {
		return err
	}
	err = j.owns(log)
	if err == nil {
		err = j.journal.apply(log, log.Undo)
	}
	if err == nil && len(log.owner.old) > 0 {
		err = j.rootFile.replace(log.owner.old, j.o.force)
	}
	if err = errors.Join(err, log.close()); err == nil {
		err = j.journal.remove()
	}
	if err != nil {
		return err
	}
	root := hex.EncodeToString(log.owner.old)
	if j.o.json {
		return ui.WriteJSON(s.Out, map[string]any{"undone": true, "changes": log.Records, "root_hash": orNull(root)})
	}
	if root == "" {
		return nil
	}
	_, err = fmt.Fprintln(s.Out, root)
	return err
}
