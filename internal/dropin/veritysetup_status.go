package dropin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/dropin/popt"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// uuidVerity begins the UUIDs of devices of veritysetup.
const uuidVerity = live.UUIDPrefix + "VERITY-"

// cryptTypes are what veritysetup calls devices by their UUID.
var cryptTypes = []string{"PLAIN", "LUKS1", "LUKS2", "LOOPAES", "TCRYPT", "BITLK", "FVAULT2", "INTEGRITY", "VERITY"}

// veritysetupStatus prints the state of a mapping.
func veritysetupStatus(r *run, c *popt.Line) error {
	style, _ := styleOf(c)
	word := c.Words[0]
	return r.bodies.Machine.With(exit.Failed, func(s *live.Session) error {
		info, err := r.active(s, word)
		if err != nil {
			return err
		}
		return r.describe(s, info, style)
	})
}

// describe prints what is known of an active device.
func (r *run) describe(s *live.Session, info kernel.Info, style string) error {
	v, ok, err := verityOf(s, info)
	if err != nil {
		return formatError(err)
	}
	if !ok {
		kind, _, _ := strings.Cut(strings.TrimPrefix(info.UUID, live.UUIDPrefix), "-")
		if !strings.HasPrefix(info.UUID, live.UUIDPrefix) || !slices.Contains(cryptTypes, kind) || kind == "VERITY" {
			kind = "n/a"
		}
		fmt.Fprintf(r.Out, "  type:        %s\n", kind)
		return exit.New(exit.Failed, ui.ExitFailed, "")
	}
	_, err = r.Out.Write([]byte(v.text(style)))
	return err
}

// verityState is what status prints.
type verityState struct {
	table    tables.VerityTable
	options  tables.VerityOptions
	status   tables.VerityStatus
	size     uint64 // bytes
	readOnly bool
	place    func(word string) (device, file string)
}

// verityOf reads the table and the status of a device of veritysetup; ok is false if it is
// none.
func verityOf(s *live.Session, info kernel.Info) (v verityState, ok bool, err error) {
	if !strings.HasPrefix(info.UUID, uuidVerity) {
		return v, false, nil
	}
	ref := kernel.ByDevno(info.DevNo)
	ts, err := s.Control.Table(ref, kernel.TableOptions{NoFlush: true})
	if err != nil || len(ts) != 1 {
		return v, false, err
	}
	if v.table, ok = ts[0].(tables.VerityTable); !ok {
		return v, false, nil
	}
	if v.options, err = v.table.Options(); err != nil {
		return v, false, err
	}
	if v.status, err = s.VerityStatus(info.Name); err != nil {
		return v, false, err
	}
	v.size, v.readOnly, v.place = v.table.Length, info.ReadOnly(), s.Machine.Place
	return v, true, nil
}

// text is the report, in the form of a version.
func (v verityState) text(style string) string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-12s %s\n", label+":", fmt.Sprintf(format, args...))
	}
	bytes, sectors := "%d [bytes]", func(n uint64) string { return fmt.Sprintf("%d [512-byte units] (%d [bytes])", n/sectorSize, n) }
	if style == compat26 {
		bytes, sectors = "%d", func(n uint64) string { return fmt.Sprintf("%d sectors", n/sectorSize) }
	}
	line("type", "VERITY")
	line("status", "%s", v.verdict())
	line("hash type", "%d", v.table.HashType)
	line("data block", bytes, v.table.DataBlockSize)
	line("hash block", bytes, v.table.HashBlockSize)
	line("hash name", "%s", v.table.Algorithm)
	line("salt", "%s", v.table.Salt)
	where := func(label, word string) {
		device, file := v.place(word)
		if line(label+" device", "%s", device); file != "" {
			line(label+" loop", "%s", file)
		}
	}
	where("data", v.table.DataDevice)
	line("size", "%s", sectors(v.size))
	line("mode", "%s", map[bool]string{true: "readonly", false: "read/write"}[v.readOnly])
	where("hash", v.table.HashDevice)
	line("hash offset", "%s", sectors(v.table.HashStartBlock*v.table.HashBlockSize))
	if o := v.options; o.FECDevice != "" {
		device, file := v.place(o.FECDevice)
		if line("FEC device", "%s", device); file != "" && style != compat26 {
			line("FEC loop", "%s", file)
		}
		line("FEC offset", "%s", sectors(o.FECStart*v.table.HashBlockSize))
		line("FEC roots", "%d", o.FECRoots)
		if n := v.status.FECCorrected; n != nil && style != compat26 {
			line("FEC repaired", "%d [events]", *n)
		}
	}
	line("root hash", "%s", v.table.Digest)
	if flags := v.flags(style); flags != "" {
		line("flags", "%s", flags)
	}
	return b.String()
}

func (v verityState) verdict() string {
	text := "verified"
	if v.status.Corrupted {
		text = "corrupted"
	}
	if v.options.RootHashSigKeyDesc != "" {
		text += " (with signature)"
	}
	return text
}

// flags are words with a blank behind each; version 2.6 forgets it behind the last two.
func (v verityState) flags(style string) string {
	last := " "
	if style == compat26 {
		last = ""
	}
	text := ""
	for _, f := range []struct {
		set  bool
		word string
	}{
		{v.options.IgnoreCorruption, "ignore_corruption "},
		{v.options.RestartOnCorruption, "restart_on_corruption "},
		{v.options.PanicOnCorruption, "panic_on_corruption "},
		{v.options.RestartOnError, "restart_on_error "},
		{v.options.PanicOnError, "panic_on_error "},
		{v.options.IgnoreZeroBlocks, "ignore_zero_blocks "},
		{v.options.CheckAtMostOnce, "check_at_most_once" + last},
		{v.options.TryVerifyInTasklet, "try_verify_in_tasklet" + last},
	} {
		if f.set {
			text += f.word
		}
	}
	return text
}
