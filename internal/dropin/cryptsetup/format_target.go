package cryptsetup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// target is what is formatted.
type target struct {
	path         string // of the header
	header, data *luks.File
	made         bool // the file of the header is new
}

// close closes the files; err is why nothing was made of them, or nil.
func (t *target) close(err error) error {
	if t.header != nil {
		err = errors.Join(err, t.header.Close())
	}
	if t.data != nil && t.data != t.header {
		err = errors.Join(err, t.data.Close())
	}
	if err != nil && t.made {
		err = errors.Join(err, os.Remove(t.path))
	}
	return err
}

// grows reports whether the header may be larger than the device: a file grows, if it has a
// sector at all.
func (t *target) grows() bool {
	info := ui.StatFile(t.path)
	return t.header == t.data && info != nil && info.Mode().IsRegular() && info.Size() >= luks.SectorSize
}

// openToFormat opens the device, or the file of a detached header, which is made if it is
// not there, and the device that it is for.
func (r *run) openToFormat(o *luks.FormatOptions) (t *target, err error) {
	t = &target{path: r.headerPath()}
	if !r.Has("header") {
		t.header, err = luks.OpenUnused(t.path)
		t.data = t.header
		return t, explainOpen(t.path, true, err)
	}
	if ui.IsSameFile(ui.StatFile(r.word(0)), ui.StatFile(t.path)) {
		return nil, exit.Paramf("Device %s cannot have its header apart from itself: leave --header out.", r.word(0))
	}
	if o.Integrity != "" { // which puts tags there
		t.data, err = luks.OpenUnused(r.word(0))
	} else {
		t.data, err = luks.OpenFile(r.word(0), false)
	}
	if err != nil {
		return nil, explainOpen(r.word(0), o.Integrity != "", err)
	}
	o.Detached = true
	if o.DataSize, err = t.data.Size(); err != nil {
		return nil, t.close(err)
	}
	if t.made, err = makeHeader(t.path); err != nil {
		return nil, t.close(err)
	}
	if t.header, err = luks.OpenUnused(t.path); err != nil {
		return nil, t.close(explainOpen(t.path, true, err))
	}
	return t, nil
}

// makeIntegrity makes the tags of the data, and says so where cryptsetup does.
func (r *run) makeIntegrity(t *target, h *luks.Header, key *luks.Key, o luks.FormatOptions) error {
	progress := ui.ProgressMode("auto")
	switch {
	case r.Has("progress-json"):
		progress = "json"
	case r.Has("batch-mode"):
		progress = ui.ProgressNever
	}
	err := r.bodies.MakeIntegrity(r.ctx, r.Streams, Integrity{
		Path: r.word(0), Data: t.data, Header: h, Key: key,
		LegacyPadding: o.IntegrityLegacyPadding, NoWipe: r.Has("integrity-no-wipe"), Progress: progress,
	})
	if err != nil && r.ctx.Err() == nil {
		return exit.New(exit.Failed, ui.ExitCode(err), fmt.Sprintf("%s\nCannot format integrity for device %s.", sentence(err), r.word(0)))
	}
	return err
}

// makeHeader makes the file of a detached header, as small as a header can be.
func makeHeader(path string) (made bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return false, nil
	case err != nil:
		return false, exit.Failf("Cannot create header file %s.", path)
	}
	return true, f.Close()
}

// sayWhatIsLost says what is on the device, and asks whether it may go.
func (r *run) sayWhatIsLost(f *luks.File) error {
	size, err := f.Size()
	if err != nil {
		return err
	}
	found := signatures(f, size)
	if !r.Has("batch-mode") {
		for _, s := range found {
			r.printf("WARNING: Device %s already contains a '%s' %s signature.\n", r.headerPath(), s.name, s.what)
		}
	}
	err = r.confirmOr(fmt.Sprintf("This will overwrite data on %s irrevocably.", r.headerPath()), refusal(exit.Failed, "Operation aborted."))
	if err != nil {
		return err
	}
	for _, s := range found {
		for range s.places {
			r.sayf("Existing '%s' %s signature on device %s will be wiped.", s.name, s.what, r.headerPath())
		}
	}
	return nil
}
