package difftest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/stack"
)

// compareText compares what the kernel prints of each device with what was loaded, and
// with what package tables makes of it.
func (s *setup) compareText() error {
	for _, d := range s.row.devices {
		ref := kernel.ByName(s.deviceName(d))
		report, err := s.control.TableLines(ref, kernel.TableOptions{})
		if err != nil {
			return err
		}
		typed, err := s.control.Table(ref, kernel.TableOptions{})
		if err != nil {
			return err
		}
		want := s.printed(d)
		if len(report.Lines) != len(want) || len(typed) != len(want) {
			return fmt.Errorf("%d lines, %d tables, want %d", len(report.Lines), len(typed), len(want))
		}
		for i, l := range report.Lines {
			printed := lineText(l)
			if wanted := s.fill(want[i : i+1]); !matches(printed, wanted) {
				return fmt.Errorf("the kernel prints %q, want %q", printed, wanted)
			}
			again, err := tables.LineOf(typed[i])
			if err != nil {
				return fmt.Errorf("writing the table again: %w", err)
			}
			if lineText(again) != printed {
				return fmt.Errorf("the kernel prints %q, package tables %q", printed, lineText(again))
			}
			if _, raw := typed[i].(tables.RawTable); raw {
				return fmt.Errorf("%q is no typed table", printed)
			}
		}
	}
	return nil
}

// printed is what this kernel should print of a device.
func (s *setup) printed(d device) []string {
	switch {
	case d.older != nil && s.old:
		return d.older
	case d.printed != nil:
		return d.printed
	}
	return d.lines
}

// lineText is a line with its keys, which are made for this test. The kernel ends some
// lines with a blank.
func lineText(l tables.Line) string {
	return strings.TrimSpace(fmt.Sprintf("%d %d %s %s", l.Start, l.Length, l.Target, l.Params))
}

// matches compares line by words: * in want stands for any text in the word's place.
func matches(got, want string) bool {
	g, w := strings.Fields(got), strings.Fields(want)
	return slices.EqualFunc(g, w, func(g, w string) bool {
		if prefix, ok := strings.CutSuffix(w, "*"); ok {
			return len(g) > len(prefix) && strings.HasPrefix(g, prefix)
		}
		return g == w
	})
}

// compareStatus takes the status text of each device apart and puts it together again.
func (s *setup) compareStatus() error {
	for _, d := range s.row.devices {
		report, err := s.control.Status(kernel.ByName(s.deviceName(d)), kernel.StatusOptions{})
		if err != nil {
			return err
		}
		for _, l := range report.Lines {
			parsed, err := l.Status()
			if err != nil {
				return fmt.Errorf("status %q: %w", l.Params, err)
			}
			if _, raw := parsed.(tables.RawStatus); raw {
				return fmt.Errorf("status %q of %s is not understood", l.Params, l.Target)
			}
			again, err := tables.StatusLine(parsed)
			if err != nil {
				return fmt.Errorf("status %q: writing it again: %w", l.Params, err)
			}
			if again.Params != l.Params || again.Start != l.Start || again.Length != l.Length || again.Target != l.Target {
				return fmt.Errorf("status %q becomes %q", l.Params, again.Params)
			}
		}
	}
	return nil
}

// engine compares the engine of the row with what the kernel showed. pending says why
// there may be none.
func (s *setup) engine(t *testing.T, res *result, seen sight, pending string) {
	v, err := s.open(os.O_RDONLY)
	if (errors.Is(err, volume.ErrUnsupported) || errors.Is(err, crypt.ErrUnsupported)) && pending != "" {
		res.Cells[reads] = notYet
		if !s.row.readOnly && s.row.noWrite == "" {
			res.Cells[writes] = notYet
		}
		return
	}
	if err == nil { // look at the files as the kernel left them
		err = v.Close()
	}
	statusText, serr := s.kernelStatus()
	if err = errors.Join(err, serr, s.down()); err == nil {
		err = s.engineReads(seen, statusText)
	}
	if !step(t, res, reads, err) {
		return
	}
	switch {
	case s.row.readOnly:
		err = s.up()
		if err == nil {
			err = s.engineRefusesWriting()
		}
		if err != nil {
			step(t, res, reads, err)
		}
	case s.row.noWrite != "":
		if err := s.up(); err != nil {
			step(t, res, reads, err)
		}
	default:
		step(t, res, writes, s.engineWrites(seen))
	}
}

// open opens the row's devices in userspace, by the very words that the kernel got.
func (s *setup) open(flag int) (*stack.Stack, error) {
	var devices []tables.Device
	for _, d := range s.row.devices {
		ts, err := tables.Parse(strings.NewReader(s.fill(d.lines)))
		if err != nil {
			return nil, err
		}
		devices = append(devices, tables.Device{Name: s.deviceName(d), Tables: ts})
	}
	return stack.Open(stack.Options{Options: volume.Options{Flag: flag}, Map: s.paths}, devices, s.top())
}

// kernelStatus is the status text of the top device.
func (s *setup) kernelStatus() ([]string, error) {
	report, err := s.control.Status(kernel.ByName(s.top()), kernel.StatusOptions{})
	var list []string
	for _, l := range report.Lines {
		list = append(list, lineText(l))
	}
	return list, err
}

// engineReads reads everything through the engine, which must see what the kernel saw,
// and say the same in its status.
func (s *setup) engineReads(seen sight, statusText []string) error {
	v, err := s.open(os.O_RDONLY)
	if err != nil {
		return err
	}
	var content bytes.Buffer
	unreadable, err := volume.ReadRange(background, v, &content, 0, int64(len(seen.content)), volume.ReadOptions{KeepGoing: true})
	list, serr := v.Status()
	if err := errors.Join(err, serr, v.Close()); err != nil {
		return err
	}
	if err := s.sameSight(seen, content.Bytes(), unreadable); err != nil {
		return err
	}
	if s.row.better != "" || s.row.status != "" {
		return nil
	}
	for i, status := range list {
		line, err := tables.StatusLine(status)
		if err != nil {
			return err
		}
		if i >= len(statusText) || lineText(line) != statusText[i] {
			return wrapUp("status", fmt.Errorf("the engine says %q, the kernel %q", lineText(line), statusText))
		}
	}
	return nil
}

// sameSight compares what the engine read with what the kernel did. Of a row where the
// engine is better only what both could read is compared.
func (s *setup) sameSight(seen sight, content []byte, unreadable []volume.Extent) error {
	var sure []bool
	same := slices.Equal(unreadable, seen.unreadable)
	switch {
	case s.row.better != "" && (same || len(unreadable) > 0):
		return fmt.Errorf("the kernel cannot read %v, the engine %v: it should read all", seen.unreadable, unreadable)
	case s.row.better != "":
		sure = slices.Repeat([]bool{true}, len(content))
		for _, e := range seen.unreadable {
			clear(sure[e.Offset : e.Offset+e.Length])
		}
	case !same:
		return fmt.Errorf("the kernel cannot read %v, the engine %v", seen.unreadable, unreadable)
	}
	if at := differ(content, seen.content, sure); at >= 0 {
		return fmt.Errorf("byte %d differs from what the kernel reads", at)
	}
	return nil
}

// engineRefusesWriting opens a read-only target for writing.
func (s *setup) engineRefusesWriting() error {
	if s.row.target() != "verity" {
		return nil // the device was made read-only, the table does not say so
	}
	v, err := s.open(os.O_RDWR)
	if err == nil {
		return errors.Join(errors.New("the engine opens it for writing"), v.Close())
	}
	if !errors.Is(err, volume.ErrReadOnly) {
		return fmt.Errorf("opening for writing: %w, want %w", err, volume.ErrReadOnly)
	}
	return nil
}

// engineWrites writes a second pattern through the engine, makes the device again and
// reads it.
func (s *setup) engineWrites(seen sight) error {
	size := int64(len(seen.content))
	v, err := s.open(os.O_RDWR)
	if err != nil {
		return err
	}
	list := pieces(2, size, int64(s.unit(v)))
	var failed []volume.Extent
	for _, p := range list {
		switch _, err := v.WriteAt(p.content, p.off); {
		case errors.Is(err, volume.ErrIO):
			failed = append(failed, p.extent())
		case err != nil:
			return errors.Join(err, v.Close())
		}
	}
	if err := errors.Join(v.Sync(), v.Close()); err != nil {
		return err
	}
	if !slices.Equal(failed, seen.failed) {
		return fmt.Errorf("the kernel cannot write %v, the engine %v", seen.failed, failed)
	}
	if err := s.up(); err != nil {
		return err
	}
	content, unreadable, err := s.kernelRead()
	if err != nil {
		return err
	}
	if !slices.Equal(unreadable, seen.unreadable) {
		return fmt.Errorf("the kernel cannot read %v afterwards, before it was %v", unreadable, seen.unreadable)
	}
	want, sure := s.expected(seen.content, list, failed, unreadable)
	if at := differ(content, want, sure); at >= 0 {
		return fmt.Errorf("the kernel reads another byte at %d than was written", at)
	}
	return nil
}

// unit is what a write must be a multiple of: the kernel's logical block size.
func (s *setup) unit(v *stack.Stack) int {
	unit := max(v.Alignment(), v.BlockSize())
	for _, d := range s.row.disks {
		unit = max(unit, int(d.block))
	}
	return unit
}

// expected is what the kernel should read: the pieces, but zeros from a zero target.
func (s *setup) expected(before []byte, list []piece, failed, unreadable []volume.Extent) (want []byte, sure []bool) {
	if s.row.elsewhere {
		list = nil
	}
	want, sure = model(before, list, failed)
	for _, e := range unreadable {
		clear(want[e.Offset : e.Offset+e.Length])
	}
	ts, err := s.topTables()
	if err != nil {
		return want, sure
	}
	for _, t := range ts {
		if start, length := tables.Extent(t); tables.TargetType(t) == "zero" {
			clear(want[start : start+length])
		}
	}
	return want, sure
}

// differ returns the first byte that differs and is sure, -1 if there is none.
func differ(a, b []byte, sure []bool) int {
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	for i := range a {
		if a[i] != b[i] && (sure == nil || sure[i]) {
			return i
		}
	}
	return -1
}
