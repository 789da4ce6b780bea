package activate

import (
	"errors"
	"fmt"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// existingLUKS looks for a device of the name. found is true if it is the one asked for
// and may be taken; want are the tables asked for.
func (a *Activator) existingLUKS(name string, l LUKS, want []tables.Table) (result LUKSResult, found bool, err error) {
	report, err := a.control.TableLines(kernel.ByName(name), kernel.TableOptions{})
	switch {
	case errors.Is(err, kernel.ErrNotFound):
		return result, false, nil
	case err != nil:
		return result, false, err
	case l.Existing == RefuseExisting:
		return result, false, kernel.ErrExists
	case !report.Info.HasLiveTable():
		return result, false, fmt.Errorf("%w: %w", kernel.ErrExists, errUnfinished)
	}
	if what := differsFromLUKS(name, l, report, want); what != "" {
		return result, false, &MismatchError{Name: name, What: what}
	}
	return LUKSResult{Info: report.Info, Reused: true}, true, nil
}

// differsFromLUKS says how a device is not the one asked for; "" if it is.
func differsFromLUKS(name string, l LUKS, report kernel.Report, want []tables.Table) string {
	if uuid := LUKSDeviceUUID(l.Header, name); report.Info.UUID != uuid {
		return fmt.Sprintf("its UUID is %q, that of the volume is %q", report.Info.UUID, uuid)
	}
	if report.Info.ReadOnly() && !l.Options.ReadOnly && l.Existing != ReloadSame {
		return "its UUID is the one asked for, but it is read-only"
	}
	if len(report.Lines) != len(want) {
		return fmt.Sprintf("its UUID is the one asked for, but it has %d targets, the header asks for %d", len(report.Lines), len(want))
	}
	for i, line := range report.Lines {
		if a, b := shape(line), shapeOf(want[i]); a != b {
			return fmt.Sprintf("its UUID is the one asked for, but target %d is %s, the header asks for %s", i, a, b)
		}
	}
	return ""
}

// shape is what a target must have in common with what a header asks for: all but the key,
// the device and the options that do not change what is read.
func shape(l tables.Line) string {
	t, err := l.Table()
	if err != nil {
		return fmt.Sprintf("%d %d %s", l.Start, l.Length, l.Target)
	}
	return shapeOf(t)
}

func shapeOf(t tables.Table) string {
	t = tables.Unwrap(t)
	start, length := tables.Extent(t)
	text := fmt.Sprintf("%d+%d %s", start, length, tables.TargetType(t))
	switch t := t.(type) {
	case tables.CryptTable:
		return fmt.Sprintf("%s %s iv %d from byte %d, sectors of %d bytes %s", text, t.Encryption, t.IVTweak, t.BackendOffset, max(t.SectorSize, tables.SectorSize), t.Integrity)
	case tables.LinearTable:
		return fmt.Sprintf("%s from byte %d", text, t.BackendOffset)
	}
	return text
}
