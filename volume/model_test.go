package volume_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// model is a slow and obvious volume: for each sector, where it is read and
// where it is written, straight from the formulas of the kernel's documents.
type model struct {
	lines       []string
	read, write []place
	disks       map[string][]byte
}

// place is a sector of a device; "" reads as zeros and loses writes, "!" fails.
type place struct {
	disk   string
	sector int
}

// plan grows a random table of all simple targets.
type plan struct {
	*model
	r     *rand.Rand
	names []string
}

func newPlan(r *rand.Rand) *plan {
	p := &plan{model: &model{disks: make(map[string][]byte)}, r: r}
	for i := range 5 {
		name := string(rune('a' + i))
		p.disks[name] = noise(r.Uint64(), (200+r.IntN(300))*sector)
		p.names = append(p.names, name)
	}
	return p
}

// run picks a run of n sectors of any device.
func (p *plan) run(n int) (string, int) {
	name := p.names[p.r.IntN(len(p.names))]
	return name, p.r.IntN(len(p.disks[name])/sector - n + 1)
}

// add adds one line and the places of its sectors.
func (p *plan) add(n int, params string, read, write func(t int) place) {
	p.lines = append(p.lines, fmt.Sprintf("%d %d %s", len(p.read), n, params))
	for t := range n {
		p.read = append(p.read, read(t))
		p.write = append(p.write, write(t))
	}
}

func (p *plan) linear() {
	n := 1 + p.r.IntN(60)
	d, o := p.run(n)
	at := func(t int) place { return place{d, o + t} }
	p.add(n, fmt.Sprintf("linear %s %d", d, o), at, at)
}

func (p *plan) zero() {
	at := func(int) place { return place{} }
	p.add(1+p.r.IntN(20), "zero", at, at)
}

func (p *plan) failing() {
	at := func(int) place { return place{disk: "!"} }
	p.add(1+p.r.IntN(5), "error", at, at)
}

func (p *plan) striped() {
	k, chunk, rows := 1+p.r.IntN(5), 1+p.r.IntN(12), 1+p.r.IntN(6)
	params := fmt.Sprintf("striped %d %d", k, chunk)
	disks, offsets := make([]string, k), make([]int, k)
	for i := range k {
		disks[i], offsets[i] = p.run(chunk * rows)
		params += fmt.Sprintf(" %s %d", disks[i], offsets[i])
	}
	at := func(t int) place {
		c := t / chunk
		return place{disks[c%k], offsets[c%k] + c/k*chunk + t%chunk}
	}
	p.add(k*chunk*rows, params, at, at)
}

func (p *plan) unstriped() {
	k, chunk, rows := 1+p.r.IntN(4), 1+p.r.IntN(9), 1+p.r.IntN(5)
	d, o := p.run(k * chunk * rows)
	stripe := p.r.IntN(k)
	at := func(t int) place { return place{d, o + t + t/chunk*(k-1)*chunk + stripe*chunk} }
	p.add(chunk*rows, fmt.Sprintf("unstriped %d %d %d %s %d", k, chunk, stripe, d, o), at, at)
}

func (p *plan) delay() {
	n := 1 + p.r.IntN(40)
	d1, o1 := p.run(n)
	d2, o2 := p.run(n)
	d3, o3 := p.run(n)
	read := func(t int) place { return place{d1, o1 + t} }
	write := func(t int) place { return place{d2, o2 + t} }
	switch p.r.IntN(3) {
	case 0:
		p.add(n, fmt.Sprintf("delay %s %d 10", d1, o1), read, read)
	case 1:
		p.add(n, fmt.Sprintf("delay %s %d 10 %s %d 20", d1, o1, d2, o2), read, write)
	case 2:
		p.add(n, fmt.Sprintf("delay %s %d 0 %s %d 0 %s %d 0", d1, o1, d2, o2, d3, o3), read, write)
	}
}

// readAt and writeAt are what the volume should do: the bytes before the first
// sector that fails, and whether one does.
func (m *model) readAt(first, n int) (got []byte, failed bool) {
	for _, at := range m.read[first : first+n] {
		switch at.disk {
		case "!":
			return got, true
		case "":
			got = append(got, make([]byte, sector)...)
		default:
			got = append(got, m.disks[at.disk][at.sector*sector:][:sector]...)
		}
	}
	return got, false
}

func (m *model) writeAt(p []byte, first int) (n int, failed bool) {
	for _, at := range m.write[first : first+len(p)/sector] {
		switch at.disk {
		case "!":
			return n, true
		case "":
		default:
			copy(m.disks[at.disk][at.sector*sector:], p[n:n+sector])
		}
		n += sector
	}
	return n, false
}

// TestAgainstModel compares random tables of all simple targets, of odd
// lengths, given in random order, with the model: content, failures, and every
// byte of every device after writes.
func TestAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 3))
			p := newPlan(r)
			kinds := []func(){p.linear, p.striped, p.unstriped, p.delay, p.zero, p.failing}
			for range 1 + r.IntN(12) {
				kinds[r.IntN(len(kinds))]()
			}
			compare(t, p.model, r)
		})
	}
}

func compare(t *testing.T, m *model, r *rand.Rand) {
	f := &volumetest.Files{Devices: make(map[string]*volumetest.Memory)}
	for name, data := range m.disks {
		f.Devices[name] = volumetest.NewMemory(bytes.Clone(data))
	}
	lines := slices.Clone(m.lines)
	r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	ts := parseEach(t, lines)
	v, err := volume.Open(volume.Options{Flag: os.O_RDWR, Open: f.Open}, ts...)
	if err != nil {
		t.Fatalf("Open(%q): %v", lines, err)
	}
	defer v.Close()
	if size, err := v.Size(); size != int64(len(m.read)*sector) || err != nil {
		t.Fatalf("Size() = %d, %v, want %d", size, err, len(m.read)*sector)
	}
	for range 150 {
		first := r.IntN(len(m.read))
		n := 1 + r.IntN(len(m.read)-first)
		if r.IntN(2) == 0 {
			compareRead(t, v, m, first, n)
		} else {
			compareWrite(t, v, m, first, noise(r.Uint64(), n*sector))
		}
	}
	for name, data := range m.disks {
		if !bytes.Equal(f.Devices[name].Bytes(), data) {
			t.Errorf("%q: device %s differs from the model after writes", lines, name)
		}
	}
}

// parseEach parses lines that need not be in order.
func parseEach(t *testing.T, lines []string) []tables.Table {
	var ts []tables.Table
	for _, line := range lines {
		ts = append(ts, parse(t, line)...)
	}
	return ts
}

func compareRead(t *testing.T, v volume.Volume, m *model, first, n int) {
	t.Helper()
	want, fails := m.readAt(first, n)
	got := dirty(n * sector)
	k, err := v.ReadAt(got, int64(first*sector))
	if k != len(want) || errors.Is(err, volume.ErrIO) != fails || fails == (err == nil) {
		t.Fatalf("%q: reading %d sectors at %d = %d, %v, want %d, failing: %v", m.lines, n, first, k, err, len(want), fails)
	}
	if !bytes.Equal(got[:k], want) {
		t.Fatalf("%q: reading %d sectors at %d gives other bytes than the model", m.lines, n, first)
	}
}

func compareWrite(t *testing.T, v volume.Volume, m *model, first int, p []byte) {
	t.Helper()
	want, fails := m.writeAt(p, first)
	n, err := v.WriteAt(p, int64(first*sector))
	if n != want || errors.Is(err, volume.ErrIO) != fails || fails == (err == nil) {
		t.Fatalf("%q: writing %d bytes at sector %d = %d, %v, want %d, failing: %v", m.lines, len(p), first, n, err, want, fails)
	}
}
