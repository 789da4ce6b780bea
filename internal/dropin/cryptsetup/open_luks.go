package cryptsetup

import (
	"errors"
	"io"
	"os"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/volume/integrity"
)

// openLUKS maps a LUKS device.
func (r *run) openLUKS() error {
	d, err := r.openHeader(false)
	if err != nil {
		return err
	}
	header := d.header
	err = r.bodies.Machine.With(exit.Failed, func(s *live.Session) error {
		key, err := r.openKeyFor(s, d)
		if err != nil {
			return err
		}
		defer key.Wipe()
		return r.mapLUKS(s, header, key)
	})
	if err = errors.Join(err, d.Close()); err != nil || !r.Has("persistent") {
		return err
	}
	return r.keepFlags(header)
}

// openKeyFor gets the volume key of a device that is to be mapped.
func (r *run) openKeyFor(s *live.Session, d *device) (*luks.Key, error) {
	if err := free(s, r.word(1)); err != nil {
		return nil, err
	}
	return r.openKey(d.header, luks.UnlockOptions{})
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
		Header: h, Key: key, Device: block.Path, Size: block.Size, Options: r.crypt(), NoJournal: r.Has("integrity-no-journal"),
		Integrity: func(offset int64) (luks.IntegrityArea, error) { return tagged(image, block.Size, offset) },
	}
	if h.Version == 1 || r.Has("disable-keyring") {
		l.Options.Place = activate.KeyOnTableLine
	}
	name := r.word(1)
	_, err = s.LUKS(r.ctx, name, l)
	if errors.Is(err, luks.ErrNoData) {
		return exit.New(exit.Failed, ui.ExitFailed, "Requested offset is beyond real size of device "+r.word(0)+".")
	}
	return explainMapping(name, err)
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

// tagged reads what the superblock of dm-integrity under the data says.
func tagged(image io.ReaderAt, size, offset int64) (area luks.IntegrityArea, err error) {
	sb, err := integrity.ReadSuperblock(image, offset)
	if err != nil {
		return area, err
	}
	layout, err := integrity.NewLayout(sb.Geometry(offset), size, 0)
	if err != nil {
		return area, err
	}
	area = luks.IntegrityArea{TagSize: uint64(sb.TagSize), DataSize: uint64(layout.Size())}
	if sb.Flags&integrity.FlagFixPadding != 0 {
		area.Features = []string{"fix_padding"}
	}
	return area, nil
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

// keepFlags writes the options of the mapping into the header, in place of those in it.
func (r *run) keepFlags(h *luks.Header) (err error) {
	if h.Version == 1 {
		return exit.Failf("Activation flags cannot be kept in a header of LUKS1.")
	}
	var flags []string
	for _, f := range activationFlags {
		if r.Has(f.option) {
			flags = append(flags, f.flag)
		}
	}
	file, err := openFile(r.headerPath(), true)
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
