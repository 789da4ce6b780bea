package difftest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// batch is how many rows keep their devices until dmsetup has looked at all of them.
const batch = 40

// TestLiveRows runs the rows under the live kernel, and leaves the matrix. Rows are not
// parallel: dmsetup is compared on all devices of the machine at once.
func TestLiveRows(t *testing.T) {
	labtest.Inside(t)
	hurry(t)
	list := rows()
	if testing.Short() {
		list = slices.DeleteFunc(list, func(r row) bool { return !r.short })
	}
	m := &matrix{Kernel: release(t)}
	for group := range slices.Chunk(list, batch) {
		g := &machine{control: kerneltest.Require(t)}
		first := len(m.Rows)
		for _, r := range group {
			m.Rows = append(m.Rows, g.row(t, r))
		}
		g.compareTool(t, m.Rows[first:])
		g.end(t)
	}
	t.Run("refusals", func(t *testing.T) { runRefusals(t, m) })
	t.Run("matrix", func(t *testing.T) { leave(t, m) })
}

// hurry makes the kernel end grace periods at once: making and removing a device waits
// for several of them.
func hurry(t *testing.T) {
	t.Helper()
	if err := os.WriteFile("/sys/kernel/rcu_expedited", []byte("1"), 0o644); err != nil {
		t.Log(err)
	}
}

// leave prints the matrix and gives it out as artifacts.
func leave(t *testing.T, m *matrix) {
	var b, markdown strings.Builder
	if err := errors.Join(m.writeText(&b), writeMarkdown(&markdown, []*matrix{m})); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + b.String())
	content, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(guest.OutDir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"matrix.json": string(content), "matrix.txt": b.String(), "matrix.md": markdown.String(),
	} {
		if err := os.WriteFile(filepath.Join(guest.OutDir, name), []byte(content), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// release is that of the running kernel.
func release(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

// oldKernel reports Linux 6.1, the older of the lab's kernels.
func oldKernel() bool {
	content, err := os.ReadFile("/proc/sys/kernel/osrelease")
	return err == nil && strings.HasPrefix(string(content), "6.1.")
}

// machine is the live kernel, with the devices that rows left.
type machine struct {
	control *kernel.Control
	setups  []*setup
}

// row runs one row as a subtest.
func (g *machine) row(t *testing.T, r row) (res result) {
	res.Name = r.name
	t.Run(r.name, func(t *testing.T) {
		s, err := newSetup(g.control, r, len(g.setups))
		if err != nil {
			t.Fatal(err)
		}
		g.setups = append(g.setups, s)
		s.run(t, &res)
	})
	return res
}

// end removes all devices, the last made first.
func (g *machine) end(t *testing.T) {
	t.Helper()
	for _, s := range slices.Backward(g.setups) {
		if err := s.end(); err != nil {
			t.Errorf("%s: %v", s.row.name, err)
		}
	}
}

// step is a comparison: it sets a cell.
func step(t *testing.T, res *result, c column, err error) bool {
	t.Helper()
	if err == nil {
		res.Cells[c] = good
		return true
	}
	res.Cells[c] = bad
	res.Note = strings.TrimPrefix(res.Note+"; "+columnNames[c]+": "+err.Error(), "; ")
	t.Errorf("%s: %v", columnNames[c], err)
	return false
}

// run does everything that a row asks for.
func (s *setup) run(t *testing.T, res *result) {
	err := s.up()
	if why := s.missing(err); why != "" {
		res.Cells[made], res.Note = noModule, why
		return
	}
	if !step(t, res, made, err) {
		return
	}
	step(t, res, text, s.compareText())
	seen, err := s.firstUse()
	if err != nil {
		step(t, res, made, err)
		return
	}
	step(t, res, status, s.compareStatus())
	why := s.row.pending()
	if why == "" || s.row.noRead == "" {
		s.engine(t, res, seen, why)
	}
}

// firstUse writes the first pattern and reads everything.
func (s *setup) firstUse() (seen sight, err error) {
	if s.row.noRead != "" {
		return sight{}, nil
	}
	if !s.row.readOnly && s.row.noWrite == "" {
		if seen.failed, err = s.kernelWrite(1); err != nil {
			return seen, err
		}
	}
	seen.content, seen.unreadable, err = s.kernelRead()
	return seen, err
}

// missing says what the kernel lacks for the row to be made, "" if nothing.
func (s *setup) missing(err error) string {
	if err == nil {
		return ""
	}
	for _, d := range s.row.devices {
		for _, line := range d.lines {
			target := strings.Fields(line)[2]
			if _, err := s.control.TargetVersion(target); errors.Is(err, kernel.ErrNotFound) {
				return "this kernel has no target " + target
			}
		}
	}
	if s.row.newer && s.old {
		return "this kernel is too old: " + err.Error()
	}
	if s.row.extra && !s.cryptoThere() {
		return "this kernel lacks a module of it: " + err.Error()
	}
	return ""
}

// cryptoThere reports that a row for which modules had to be built is not refused for the
// lack of a cipher or a path selector: those cannot be asked for by name.
func (s *setup) cryptoThere() bool {
	return s.row.target() != "crypt" && s.row.target() != "multipath"
}

// log returns the last words of device-mapper in the kernel's log: why it refused.
func kernelLog() string {
	buf := make([]byte, 64*kib)
	n, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, buf)
	if err != nil {
		return err.Error()
	}
	var said []string
	for line := range strings.Lines(string(buf[:n])) {
		if strings.Contains(line, "device-mapper") || strings.Contains(line, "md/") || strings.Contains(line, "md:") {
			said = append(said, strings.TrimSpace(line))
		}
	}
	return strings.Join(said[max(0, len(said)-6):], " / ")
}

var background = context.Background()

// wrapUp adds what the kernel said to an error.
func wrapUp(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w (kernel: %s)", doing, err, kernelLog())
}
