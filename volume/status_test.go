package volume_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// statusLines is the status of a volume as text.
func statusLines(t *testing.T, m *volume.Mapped) []string {
	t.Helper()
	list, err := m.Status()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range list {
		l, err := tables.StatusLine(s)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.TrimSpace(l.Target+" "+l.Params))
	}
	return lines
}

// TestStatus: what the kernel prints for targets that have nothing to report.
func TestStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, want string }{
		{"0 64 linear a 0", "linear"},
		{"0 64 zero", "zero"},
		{"0 64 error", "error"},
		{"0 64 unstriped 2 8 1 a 0", "unstriped"},
		{"0 64 crypt aes-xts-plain64 " + key512 + " 0 a 0", "crypt"},
		{"0 64 striped 2 8 a 0 b 0", "striped 2 a b 1 AA"},
		{"0 64 delay a 0 5", "delay 0 0 0"},
	} {
		m := mustOpen(t, disks(200, 200), os.O_RDONLY, c.line)
		if got := statusLines(t, m); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%q: status %q, want %q", c.line, got, c.want)
		}
	}
	m := mustOpen(t, disks(200), os.O_RDONLY, "0 64 linear a 0", "64 8 zero")
	list, err := m.Status()
	want := []tables.Status{
		tables.LinearStatus{StatusHeader: tables.StatusHeader{Length: 64 * sector}},
		tables.ZeroStatus{StatusHeader: tables.StatusHeader{Start: 64 * sector, Length: 8 * sector}},
	}
	if err != nil || len(list) != 2 || tables.StatusType(list[0]) != "linear" || tables.StatusType(list[1]) != "zero" {
		t.Fatalf("got %+v, %v, want %+v", list, err, want)
	}
	for i := range want {
		got, _ := tables.StatusLine(list[i])
		if wanted, _ := tables.StatusLine(want[i]); got != wanted {
			t.Errorf("target %d: got %+v, want %+v", i, got, wanted)
		}
	}
}

// mute is an engine that does not say what its target must.
type mute struct{ volume.Engine }

// TestStatusUnknown: no made-up text for an engine that does not tell.
func TestStatusUnknown(t *testing.T) {
	t.Parallel()
	r := volume.Registry{"thin-pool": func(volume.Env, tables.Table) (volume.Engine, error) { return mute{}, nil }}
	m, err := volume.Open(volume.Options{Targets: r}, parse(t, "0 64 thin-pool a b 128 0")...)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got, err := m.Status(); !errors.Is(err, volume.ErrUnsupported) {
		t.Errorf("got %v, %v, want ErrUnsupported", got, err)
	}
}

// TestVerityStatus: C once a block was wrong and could not be recovered, whether it
// was let pass or not; V otherwise, also when blocks cannot be read.
func TestVerityStatus(t *testing.T) {
	t.Parallel()
	const blocks, size = 40, 4096
	f, line := verityDisk(t, blocks, size)
	damage := func(device string, block int) func(g *volumetest.Files) {
		return func(g *volumetest.Files) { spoilDevice(t, g, device, int64(block*size+9)) }
	}
	for _, c := range []struct {
		name, options, want string
		do                  func(g *volumetest.Files)
		fails               string // words in the error
	}{
		{"nothing", "", "verity V", func(*volumetest.Files) {}, ""},
		{"data", "", "verity C", damage("d", 7), "block 7"},
		{"tree", "", "verity C", damage("t", 1), "level"},
		{"data let pass", " 1 ignore_corruption", "verity C", damage("d", 7), ""},
		{"tree let pass", " 1 ignore_corruption", "verity C", damage("t", 1), ""},
		{"restart", " 1 restart_on_corruption", "verity C", damage("d", 7), "restart_on_corruption: a kernel would stop here"},
		{"panic", " 2 panic_on_corruption check_at_most_once", "verity C", damage("d", 7), "panic_on_corruption: a kernel would stop here"},
		{"other mode", " 1 panic_on_error", "verity C", damage("d", 7), "block 7"},
		{"unreadable", "", "verity V", func(g *volumetest.Files) { g.Devices["d"].FailRead(0, size, volume.ErrIO) }, "input/output error"},
		{"unreadable, restart", " 1 restart_on_error", "verity V", func(g *volumetest.Files) { g.Devices["t"].FailRead(0, 40*size, volume.ErrIO) }, "restart_on_error: a kernel would stop here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := copyOf(f)
			c.do(g)
			m := mustOpen(t, g, os.O_RDONLY, line+c.options)
			if got := statusLines(t, m); got[0] != "verity V" {
				t.Errorf("before reading: %q, want verity V", got)
			}
			_, err := m.ReadAt(make([]byte, blocks*size), 0)
			if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("ReadAt: %v, want an error with %q", err, c.fails)
			}
			if isCorrupt := strings.Contains(c.want, "C") && c.fails != ""; isCorrupt != errors.Is(err, verity.ErrCorrupt) {
				t.Errorf("ReadAt: %v, is verity.ErrCorrupt: %t, want %t", err, !isCorrupt, isCorrupt)
			}
			if got := statusLines(t, m); got[0] != c.want {
				t.Errorf("status %q, want %q", got, c.want)
			}
		})
	}
}

// spoilDevice changes a byte.
func spoilDevice(t *testing.T, f *volumetest.Files, device string, at int64) {
	t.Helper()
	var b [1]byte
	if _, err := f.Devices[device].ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.Devices[device].WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

// TestVerityStatusRecovered: blocks recovered from parity are counted and leave the
// verdict as it is; those beyond its power do not.
func TestVerityStatusRecovered(t *testing.T) {
	t.Parallel()
	i := newParityImage(t, "")
	status := func(m *volume.Mapped) tables.VerityStatus {
		list, err := m.Status()
		if err != nil {
			t.Fatal(err)
		}
		return list[0].(tables.VerityStatus)
	}
	data := slices.Clone(i.data)
	for _, b := range []int{3, 4, 4 + i.rounds} {
		spoil(data, b)
	}
	m := i.open(t, data, i.hash)
	for range 2 {
		if _, err := m.ReadAt(make([]byte, len(data)), 0); err != nil {
			t.Fatal(err)
		}
	}
	if s := status(m); s.Corrupted || s.FECCorrected == nil || *s.FECCorrected != 6 {
		t.Errorf("got %+v, want 6 recovered blocks, not corrupted", s)
	}
	if got := statusLines(t, m); got[0] != "verity V" {
		t.Errorf("status %q, want verity V", got)
	}
	spoil(data, 4+2*i.rounds)
	m = i.open(t, data, i.hash)
	if _, err := m.ReadAt(make([]byte, len(data)), 0); !errors.Is(err, verity.ErrCorrupt) {
		t.Errorf("three blocks of a codeword: %v, want verity.ErrCorrupt", err)
	}
	if s := status(m); !s.Corrupted {
		t.Errorf("got %+v, want corrupted", s)
	}
}
