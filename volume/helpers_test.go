package volume_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// sector is the unit of table lines, in bytes.
const sector = tables.SectorSize

// parse parses table lines.
func parse(t testing.TB, lines ...string) []tables.Table {
	t.Helper()
	ts, err := tables.Parse(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatalf("Parse(%q): %v", lines, err)
	}
	return ts
}

// noise returns n repeatable random bytes.
func noise(seed uint64, n int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	p := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(p) // never fails
	return p
}

// disks makes memory devices a, b, c … of that many sectors of noise.
func disks(sectors ...int) *volumetest.Files {
	f := &volumetest.Files{Devices: make(map[string]*volumetest.Memory)}
	for i, n := range sectors {
		f.Devices[string(rune('a'+i))] = volumetest.NewMemory(noise(uint64(i+1), n*sector))
	}
	return f
}

// mustOpen opens tables over memory devices until the end of the test.
func mustOpen(t testing.TB, f *volumetest.Files, flag int, lines ...string) *volume.Mapped {
	t.Helper()
	m, err := volume.Open(volume.Options{Flag: flag, Open: f.Open}, parse(t, lines...)...)
	if err != nil {
		t.Fatalf("Open(%q): %v", lines, err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// dirty returns n bytes that are not zero.
func dirty(n int) []byte { return bytes.Repeat([]byte{0xa5}, n) }

// mustRead reads all of a range.
func mustRead(t testing.TB, v volume.Volume, off int64, n int) []byte {
	t.Helper()
	p := dirty(n)
	if got, err := v.ReadAt(p, off); got != n || err != nil {
		t.Fatalf("ReadAt(%d bytes, %d) = %d, %v", n, off, got, err)
	}
	return p
}

// verityDisk returns a disk d of that many blocks of noise, its tree t, and the
// table line.
func verityDisk(t testing.TB, blocks, size int) (f *volumetest.Files, line string) {
	t.Helper()
	f = &volumetest.Files{Devices: map[string]*volumetest.Memory{
		"d": volumetest.NewMemory(noise(7, blocks*size)),
		"t": volumetest.NewMemory(make([]byte, (blocks/2+8)*size)),
	}}
	return f, rebuild(t, f, blocks, size)
}

// rebuild makes the tree on t for what d holds now, and returns the table line.
func rebuild(t testing.TB, f *volumetest.Files, blocks, size int) string {
	t.Helper()
	p := verity.Params{
		HashType: 1, Algorithm: "sha256", DataBlockSize: size, HashBlockSize: size,
		DataBlocks: uint64(blocks), HashStartBlock: 1, Salt: []byte("salt"),
	}
	root, err := verity.Build(context.Background(), f.Devices["d"], f.Devices["t"], p)
	if err != nil {
		t.Fatalf("verity.Build: %v", err)
	}
	return fmt.Sprintf("0 %d verity 1 d t %d %d %d 1 sha256 %x %x", blocks*size/sector, size, size, blocks, root, p.Salt)
}

// copyOf returns fresh devices with the same content.
func copyOf(f *volumetest.Files) *volumetest.Files {
	g := &volumetest.Files{Devices: make(map[string]*volumetest.Memory)}
	for name, m := range f.Devices {
		g.Devices[name] = volumetest.NewMemory(m.Bytes())
	}
	return g
}
