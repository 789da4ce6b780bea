package dropin

import (
	"fmt"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/dropin/popt"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

const uuidIntegrity = "CRYPT-INTEGRITY-"

// integritysetupStatus prints the state of a mapping.
func integritysetupStatus(r *run, c *popt.Line) error {
	word := c.Words[0]
	return r.bodies.Machine.With(exit.Failed, func(s *live.Session) error {
		info, err := r.active(s, word)
		if err != nil {
			return err
		}
		v, ok, err := integrityOf(s, info)
		switch {
		case err != nil:
			return formatError(err)
		case !ok:
			fmt.Fprint(r.Out, "  type:    n/a\n")
			return exit.New(exit.Failed, ui.ExitFailed, "")
		}
		_, err = fmt.Fprint(r.Out, v.text())
		return err
	})
}

// integrityState is what status prints.
type integrityState struct {
	table    tables.IntegrityTable
	options  tables.IntegrityOptions
	status   tables.IntegrityStatus
	readOnly bool
	place    func(word string) (device, file string)
}

// integrityOf reads the table and the status of a device of integritysetup; ok is false
// if it is none.
func integrityOf(s *live.Session, info kernel.Info) (v integrityState, ok bool, err error) {
	if !strings.HasPrefix(info.UUID, uuidIntegrity) {
		return v, false, nil
	}
	ref := kernel.ByDevno(info.DevNo)
	ts, err := s.Control.Table(ref, kernel.TableOptions{NoFlush: true})
	if err != nil || len(ts) != 1 {
		return v, false, err
	}
	if v.table, ok = ts[0].(tables.IntegrityTable); !ok {
		return v, false, nil
	}
	if v.options, err = v.table.Options(); err != nil {
		return v, false, err
	}
	report, err := s.Control.Status(ref, kernel.StatusOptions{NoFlush: true})
	if err != nil || len(report.Lines) != 1 {
		return v, false, err
	}
	status, err := report.Lines[0].Status()
	if err != nil {
		return v, false, err
	}
	if v.status, ok = status.(tables.IntegrityStatus); !ok {
		return v, false, nil
	}
	v.readOnly, v.place = info.ReadOnly(), s.Machine.Place
	return v, true, nil
}

// text is the report.
func (v integrityState) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	o := v.options
	line("type:    INTEGRITY")
	line("tag size: %d", v.table.TagSize)
	line("integrity: %s", integrityName(o.InternalHash))
	where := func(label, word, remark string) {
		device, file := v.place(word)
		line("%s:  %s%s", label, device, remark)
		if file != "" {
			line("loop:    %s", file)
		}
	}
	if o.MetaDevice == "" {
		where("device", v.table.Device, "")
	} else {
		where("device", v.table.Device, " (detached)")
		where("metadata device", o.MetaDevice, "")
	}
	line("sector size:  %d bytes", max(o.BlockSize, sectorSize))
	line("interleave sectors: %d", o.InterleaveSectors)
	line("size:    %d sectors", v.table.Length/sectorSize)
	mode := map[bool]string{true: "readonly", false: "read/write"}[v.readOnly]
	if v.table.Mode == "R" {
		mode += " recovery"
	}
	line("mode:    %s", mode)
	line("failures: %d", v.status.Mismatches)
	if v.table.Mode == "B" {
		line("bitmap 512-byte sectors per bit: %d", o.SectorsPerBit)
		line("bitmap flush interval: %d ms", o.BitmapFlushInterval)
	}
	v.journal(line)
	if o.AllowDiscards {
		line("flags: discards ")
	}
	return b.String()
}

// journal prints what is said of the journal.
func (v integrityState) journal(line func(format string, args ...any)) {
	o := v.options
	if v.table.Mode == "D" || v.table.Mode == "B" {
		line("journal: not active")
		return
	}
	line("journal size: %d bytes", o.JournalSectors*sectorSize)
	line("journal watermark: %d%%", o.JournalWatermark)
	line("journal commit time: %d ms", o.CommitTime)
	if o.JournalMAC.Name != "" {
		line("journal integrity MAC: %s", o.JournalMAC.Name)
	}
	if o.JournalCrypt.Name != "" {
		line("journal encryption: %s", o.JournalCrypt.Name)
	}
}

func integrityName(a tables.IntegrityAlgorithm) string {
	if a.Name == "" {
		return "(none)"
	}
	return a.Name
}
