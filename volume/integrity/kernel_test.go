package integrity_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// images reads the data and the meta device of an integrity table; meta is nil
// if there is none.
func images(t *testing.T, c volumetest.Case, dir string, table tables.IntegrityTable) (data, meta []byte) {
	t.Helper()
	o, err := table.Options()
	if err != nil {
		t.Fatal(err)
	}
	read := func(word string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, c.Map[word]))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if o.MetaDevice != "" {
		meta = read(o.MetaDevice)
	}
	return read(table.Device), meta
}

// TestKernelLayouts compares superblocks and layouts with the table and the
// status that the kernel printed.
func TestKernelLayouts(t *testing.T) {
	t.Parallel()
	found := 0
	for _, corpus := range []string{"kernel-samples", "kernel-hard"} {
		for _, c := range volumetest.Cases(t, corpus) {
			for _, d := range c.Devices(t) {
				table, ok := d.Tables[0].(tables.IntegrityTable)
				if !ok || c.Verdict.Load == "refused" {
					continue
				}
				found++
				t.Run(c.Name, func(t *testing.T) {
					t.Parallel()
					data, meta := images(t, c, c.Unpack(t), table)
					kernelLayout(t, table, data, meta)
				})
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d cases", found)
	}
}

func kernelLayout(t *testing.T, table tables.IntegrityTable, data, meta []byte) {
	t.Helper()
	o, err := table.Options()
	if err != nil {
		t.Fatal(err)
	}
	holder := data
	if meta != nil {
		holder = meta
	}
	sb, err := integrity.ReadSuperblock(bytes.NewReader(holder), int64(table.Offset))
	if err != nil {
		t.Fatal(err)
	}
	b, err := sb.MarshalBinary()
	if err != nil || !bytes.Equal(b, holder[table.Offset:][:len(b)]) {
		t.Errorf("encoded: %v\n% x", err, b)
	}
	version := sb.Version
	if sb.SetVersion(); sb.Version != version {
		t.Errorf("version %d computed, the kernel wrote %d", sb.Version, version)
	}
	l, err := integrity.NewLayout(sb.Geometry(int64(table.Offset)), int64(len(data)), int64(len(meta)))
	if err != nil {
		t.Fatal(err)
	}
	if uint64(l.Size()) != table.Length || uint64(l.JournalSectors()) != o.JournalSectors || uint64(max(l.Interleave, 1)) != o.InterleaveSectors {
		t.Errorf("%d bytes, journal of %d and interleave of %d sectors; the kernel has %d, %d, %d", l.Size(), l.JournalSectors(), l.Interleave, table.Length, o.JournalSectors, o.InterleaveSectors)
	}
	if uint64(l.TagSize) != table.TagSize || uint64(l.BlockSize) != max(o.BlockSize, 512) {
		t.Errorf("tags of %d, blocks of %d bytes; the kernel has %d and %d", l.TagSize, l.BlockSize, table.TagSize, o.BlockSize)
	}
	const asked = 8 // what the crash cases were loaded with
	if want := uint64(l.BufferSectors); want != o.BufferSectors && o.BufferSectors != asked {
		t.Errorf("buffers of %d sectors, the kernel has %d", l.BufferSectors, o.BufferSectors)
	}
}
