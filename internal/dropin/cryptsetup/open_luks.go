package cryptsetup

import (
	"errors"
	"os"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/volume/stack"
)

// openLUKS maps a LUKS device.
func (r *run) openLUKS() error {
	d, err := r.openHeader(false)
	if err != nil {
		return err
	}
	err = r.checkRoom(d.header)
	if err == nil {
		err = r.bodies.Machine.With(exit.Failed, func(s *live.Session) error { return r.openLUKSWith(s, d.header) })
	}
	if err = errors.Join(err, d.Close()); err != nil || !r.Has("persistent") {
		return err
	}
	return r.keepFlags(d.header, r.headerPath())
}

// checkRoom demands that there is data behind the header.
func (r *run) checkRoom(h *luks.Header) error {
	path, data := r.word(0), dataOffset(h)
	block, err := live.OpenBlock(path)
	switch {
	case err != nil:
		return err
	case r.Has("header") && block.Size < data+sectorBytes:
		return exit.Failf("Header detected but device %s is too small.", path)
	case !r.Has("header") && h.Version == 2 && data < int64(2*h.V2.Size):
		return exit.Failf("Reduced data offset is allowed only for detached LUKS header.")
	case block.Size <= data:
		return exit.Failf("LUKS file container %s is too small for activation, there is no remaining space for data.", path)
	}
	return nil
}

// openLUKSWith gets the key and maps the data.
func (r *run) openLUKSWith(s *live.Session, h *luks.Header) error {
	if err := free(s, r.word(1)); err != nil {
		return err
	}
	key, err := r.openKey(h, luks.UnlockOptions{})
	if err != nil {
		return err
	}
	defer key.Wipe()
	if r.Has("allow-discards") && integrityOf(h) != "" {
		return exit.Failf("Discard/TRIM is not supported.")
	}
	return r.mapLUKS(s, h, key)
}

// integrityOf is the kind of tags that the sectors of the data carry, "" for none.
func integrityOf(h *luks.Header) string {
	if h.Version == 2 {
		for _, s := range h.V2.Metadata.Segments {
			if s.Integrity != nil {
				return s.Integrity.Type
			}
		}
	}
	return ""
}

// mapLUKS maps the data.
func (r *run) mapLUKS(s *live.Session, h *luks.Header, key *luks.Key) (err error) {
	sector := 0
	if h.Version == 2 {
		sector = sectorSize(h)
	}
	block, err := r.data(s, sector)
	if err != nil {
		return errors.Join(err, block.Release())
	}
	defer func() { err = errors.Join(err, block.Release()) }()
	image, err := os.Open(r.word(0))
	if err != nil {
		return exit.Devicef("Device %s does not exist or access denied.", r.word(0))
	}
	defer image.Close()
	l := activate.LUKS{
		Header: h, Key: key, Device: block.Path, Size: block.Size, Options: r.crypt(), NoJournal: r.Has("integrity-no-journal"), IgnoreFlags: r.Has("persistent"),
		Integrity: func(offset int64) (luks.IntegrityArea, error) { return stack.IntegrityUnder(image, block.Size, offset) },
	}
	l.Options.Place = r.keyPlace(h)
	_, err = s.LUKS(r.ctx, r.word(1), l)
	return explainMapping(r.word(1), err)
}

// keyPlace is how the key gets to the kernel: that of LUKS1 always stands on the table line.
func (r *run) keyPlace(h *luks.Header) activate.KeyPlace {
	if h.Version == 1 || r.Has("disable-keyring") {
		return activate.KeyOnTableLine
	}
	return activate.KeyLogon
}

// sectorSize is how large the sectors of the data are in bytes.
func sectorSize(h *luks.Header) int {
	for _, s := range h.V2.Metadata.Segments {
		if !s.IsBackup() && s.SectorSize > 0 {
			return int(s.SectorSize)
		}
	}
	return 0
}

// activationFlags are the options of a mapping that a header of LUKS2 can keep, and what it
// calls them.
var activationFlags = []struct{ option, flag string }{
	{"allow-discards", "allow-discards"},
	{"perf-same_cpu_crypt", "same-cpu-crypt"},
	{"perf-submit_from_crypt_cpus", "submit-from-crypt-cpus"},
	{"integrity-no-journal", "no-journal"},
	{"perf-no_read_workqueue", "no-read-workqueue"},
	{"perf-no_write_workqueue", "no-write-workqueue"},
}

// keepFlags writes the options of the mapping into the header at path, in place of those in
// it.
func (r *run) keepFlags(h *luks.Header, path string) (err error) {
	if h.Version == 1 { // as cryptsetup, which does not fail
		r.complainf("This operation is supported only for LUKS2 device.\nDevice activated but cannot make flags persistent.")
		return nil
	}
	var flags []string
	for _, f := range activationFlags {
		if r.Has(f.option) {
			flags = append(flags, f.flag)
		}
	}
	file, err := openFile(path, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	e, err := luks.Edit(file)
	if err == nil {
		err = e.SetFlags(flags)
	}
	if err != nil {
		return exit.New(exit.Failed, ui.ExitCode(err), exit.Sentence(err))
	}
	return nil
}
