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

var errNoBackupFile = exit.Paramf("Option --header-backup-file is required.")

// luksHeaderBackup saves header and key slots in a new file.
func (r *run) luksHeaderBackup() (err error) {
	if !r.Has("header-backup-file") {
		return errNoBackupFile
	}
	r.kind = "" // any LUKS will do
	d, err := r.openHeader(false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	path := r.Values["header-backup-file"]
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	switch {
	case errors.Is(err, fs.ErrExist):
		return exit.Failf("Requested header backup file %s already exists.", path)
	case err != nil:
		return exit.Failf("Cannot create header backup file %s.", path)
	}
	err = luks.Backup(d.File, f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(exit.Failf("Cannot write header backup file %s: %v.", path, err), os.Remove(path))
	}
	return nil
}

// luksHeaderRestore writes back what luksHeaderBackup saved.
func (r *run) luksHeaderRestore() (err error) {
	if !r.Has("header-backup-file") {
		return errNoBackupFile
	}
	f, err := openFile(r.headerPath(), true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	const notCompatible = "Header backup file does not contain compatible LUKS header."
	backup, err := openFile(r.Values["header-backup-file"], false)
	if err != nil {
		return exit.New(exit.Failed, ui.ExitFailed, err.Error()+"\n"+notCompatible)
	}
	defer func() { err = errors.Join(err, backup.Close()) }()
	size, err := backup.Size()
	if err != nil {
		return err
	}
	saved, err := luks.Read(backup)
	switch {
	case errors.Is(err, luks.ErrNotLUKS) || err == nil && !r.wants(saved.Version):
		return exit.Failf("%s", notCompatible)
	case err != nil || saved.AreaSize() > size:
		return exit.Failf("Backup file does not contain valid LUKS header.")
	}
	if err := r.confirmRestore(f, saved); err != nil {
		return err
	}
	if err := luks.Restore(f, backup, size, luks.RestoreOptions{Replace: true}); err != nil {
		return explainRestore(err)
	}
	if saved.Version == 1 {
		r.sayf("No known problems detected for LUKS header.")
	}
	return nil
}

// confirmRestore says what is there that will be replaced.
func (r *run) confirmRestore(f *luks.File, saved *luks.Header) error {
	question := fmt.Sprintf("Device %s does not contain LUKS%d header. Replacing header can destroy data on that device.", r.headerPath(), saved.Version)
	there, err := luks.Read(f)
	if err == nil && there.Version == saved.Version {
		question = fmt.Sprintf("Device %s already contains LUKS%d header. Replacing header will destroy existing keyslots.", r.headerPath(), saved.Version)
		if there.UUID() != saved.UUID() {
			question += "\nWARNING: real device header has different UUID than backup!"
		}
	}
	return r.confirmOr(question, refusal(exit.Failed, ""))
}

func explainRestore(err error) error {
	if errors.Is(err, luks.ErrOtherLayout) {
		return exit.Failf("%s\nData offset or key size differs on device and backup, restore failed.", sentence(err))
	}
	return exit.New(exit.Failed, ui.ExitCode(err), sentence(err))
}

// convert makes the header one of the other version.
func (r *run) convert() error {
	version := map[string]int{"luks1": 1, "luks2": 2}[r.kind]
	if version == 0 {
		return exit.Paramf("Invalid LUKS type, only luks1 and luks2 are supported.")
	}
	r.kind = ""
	return r.edit(func(d *device, e *luks.Editor) error {
		if d.header.Version == version {
			return exit.Failf("Device is already LUKS%d type.", version)
		}
		err := r.confirmOr(fmt.Sprintf("This operation will convert %s to LUKS%d format.\n", r.word(0), version),
			refusal(exit.Mismatch, "Operation aborted, device was NOT converted."))
		if err != nil {
			return err
		}
		err = e.Convert(r.ctx, version)
		switch {
		case err == nil, r.ctx.Err() != nil:
			return err
		case errors.Is(err, luks.ErrOption):
			return exit.Failf("Cannot convert to LUKS%d format: %s", version, sentence(err))
		}
		return exit.New(exit.Failed, ui.ExitCode(err), sentence(err))
	})
}

// repair mends the header, and says what was wrong.
func (r *run) repair() (err error) {
	f, err := openFile(r.headerPath(), true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h, err := luks.Read(f)
	if err == nil && len(h.Problems) == 0 {
		r.sayf("No known problems detected for LUKS header.")
		return nil
	}
	if errors.Is(err, luks.ErrNotLUKS) {
		return r.explainHeader(r.headerPath(), err)
	}
	if err := r.confirmOr("Really try to repair LUKS device header?", refusal(exit.Mismatch, "Operation aborted.")); err != nil {
		return err
	}
	report, err := luks.Repair(f)
	if err != nil {
		return r.explainHeader(r.headerPath(), err)
	}
	for _, line := range report {
		r.printf("%s: %s\n", r.headerPath(), line)
	}
	if len(report) == 0 { // a problem that is none of the header itself
		r.sayf("No known problems detected for LUKS header.")
	}
	return nil
}
