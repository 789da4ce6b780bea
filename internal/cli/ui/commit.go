package ui

import (
	"errors"
	"io"
)

// Target is where a verb writes: an [Output] or a [Patch]. What was written counts
// after [CommitAll] only; Close before it drops everything.
type Target interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Path() string
	Grow(size int64) error // make it at least that long, with zeros

	finish() error   // bring all bytes to the disk
	publish() error  // make them count
	withdraw() error // undo finish, or finish and publish
}

// CommitAll makes several targets count, or none: all bytes are brought to the disk
// before the first new name appears, and what was done is undone if a later step
// fails. The caller still closes every target.
func CommitAll(targets ...Target) error {
	for i, t := range targets {
		if err := t.finish(); err != nil {
			return errors.Join(err, withdraw(targets[:i]))
		}
	}
	for _, t := range targets {
		if err := t.publish(); err != nil {
			return errors.Join(err, withdraw(targets))
		}
	}
	return nil
}

// withdraw undoes targets in reverse order.
func withdraw(targets []Target) error {
	var errs []error
	for i := len(targets) - 1; i >= 0; i-- {
		errs = append(errs, targets[i].withdraw())
	}
	return errors.Join(errs...)
}
