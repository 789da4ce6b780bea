package cryptsetup

import (
	"errors"
	"os"
	"strings"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// mapped is a device of the target crypt that is there.
type mapped struct {
	info   kernel.Info
	table  tables.CryptTable
	tagged bool   // lies on a device of the target integrity
	device string // block device with the data
	file   string // behind it, if it is a loop device; "": it is none
	header *luks.Header
	source *os.File // of the header
}

// Close closes the file of the header.
func (m mapped) Close() error {
	if m.source == nil {
		return nil
	}
	return m.source.Close()
}

// isMapped reports whether a device has one table of the target crypt.
func isMapped(ts []tables.Table) (t tables.CryptTable, ok bool) {
	if len(ts) != 1 {
		return t, false
	}
	t, ok = ts[0].(tables.CryptTable)
	return t, ok
}

// look finds out what is known of an active device; ok is false if it is no device of the
// target crypt. The caller closes it.
func (r *run) look(s *live.Session, info kernel.Info) (m mapped, ok bool, err error) {
	ts, err := s.Control.Table(kernel.ByDevno(info.DevNo), kernel.TableOptions{NoFlush: true})
	if err != nil {
		return m, false, exit.New(exit.Failed, ui.ExitCode(err), exit.Sentence(err))
	}
	if m.table, ok = isMapped(ts); !ok {
		return m, false, nil
	}
	m.info = info
	word := m.table.BackendDevice
	if m.table.Integrity != "" {
		if below, ok := tagsUnder(s, info.Name); ok {
			m.tagged, word = true, below.Device
		}
	}
	m.device, m.file = s.Machine.Place(word)
	if m.isLUKS() {
		m.header, m.source = r.headerOf(m)
	}
	return m, true, nil
}

// tagsUnder is the table of the device with the tags of another.
func tagsUnder(s *live.Session, name string) (t tables.IntegrityTable, ok bool) {
	ts, err := s.Control.Table(kernel.ByName(name+"_dif"), kernel.TableOptions{NoFlush: true})
	if err != nil || len(ts) != 1 {
		return t, false
	}
	t, ok = ts[0].(tables.IntegrityTable)
	return t, ok
}

// kind is what the UUID of a device says that it is.
func kind(uuid string) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(uuid, live.UUIDPrefix), "-")
	return kind
}

func (m mapped) isLUKS() bool { return strings.HasPrefix(kind(m.info.UUID), "LUKS") }

// headerOf reads the header of a device that is there: that of --header, or the one in front
// of the data. nil if there is none, or one of another volume.
func (r *run) headerOf(m mapped) (*luks.Header, *os.File) {
	path := m.device
	switch {
	case r.Has("header"):
		path = r.Values["header"]
	case m.file != "":
		path = m.file
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil
	}
	h, err := luks.Read(f)
	if err != nil || !strings.HasPrefix(m.info.UUID, live.UUIDPrefix+kind(m.info.UUID)+"-"+strings.ReplaceAll(h.UUID(), "-", "")) {
		_ = f.Close() // nothing was written
		return nil, nil
	}
	return h, f
}

// active finds the device of the target crypt that a word names; status is that of one that
// is not active. The caller closes it.
func (r *run) active(s *live.Session, word string, status int) (m mapped, err error) {
	inactive := exit.New(status, ui.ExitFailed, "Device "+word+" is not active.")
	ref, _, err := s.Named(word)
	if err != nil {
		return m, inactive
	}
	info, err := s.Control.Info(ref, kernel.InfoOptions{})
	switch {
	case errors.Is(err, kernel.ErrPermission):
		return m, exit.New(exit.Failed, ui.ExitFailed, exit.Sentence(err))
	case err != nil || !info.HasLiveTable():
		return m, inactive
	}
	m, ok, err := r.look(s, info)
	if err == nil && !ok {
		err = exit.Failf("Device %s is no device of cryptsetup.", word)
	}
	return m, err
}
