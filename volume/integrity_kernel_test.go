package volume_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// integrityCases lists the cases of the corpora that are one integrity device
// which the kernel loaded.
func integrityCases(t *testing.T) (list []volumetest.Case) {
	for _, corpus := range []string{"kernel-samples", "kernel-hard"} {
		for _, c := range single(t, corpus) {
			if slices.Equal(c.Targets(), []string{"integrity"}) {
				list = append(list, c)
			}
		}
	}
	if len(list) < 20 {
		t.Errorf("only %d cases", len(list))
	}
	return list
}

// TestKernelIntegrityDamage: what the kernel could not read is what is not read
// here, to the block, and the status counts it.
func TestKernelIntegrityDamage(t *testing.T) {
	t.Parallel()
	for _, c := range integrityCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := c.Unpack(t)
			m, err := volume.Open(volume.Options{}, withPaths(t, c, dir)...)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			size, _ := m.Size()
			var got bytes.Buffer
			lost, err := volume.ReadRange(background, m, &got, 0, size, volume.ReadOptions{KeepGoing: true})
			if err != nil || !slices.Equal(lost, c.Expects[0].Unreadable()) {
				t.Errorf("could not read %v (%v), the kernel could not read %v", lost, err, c.Expects[0].Unreadable())
			}
			if !bytes.Equal(got.Bytes(), content(t, c, dir)) {
				t.Error("the content differs from the kernel's")
			}
			if len(lost) == 0 {
				wantStatus(t, m, c.Status[0])
			}
		})
	}
}

// TestKernelIntegrityWritten writes over every case, closes it, and demands the
// kernel's images back except for their journals: tags and places are the
// kernel's.
func TestKernelIntegrityWritten(t *testing.T) {
	t.Parallel()
	for _, c := range integrityCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := c.Unpack(t)
			plain := content(t, c, dir)
			table := withPaths(t, c, dir)[0].(tables.IntegrityTable)
			v, err := volume.Open(volume.Options{Flag: os.O_RDWR}, table)
			if table.Mode == "R" {
				if !errors.Is(err, volume.ErrReadOnly) {
					t.Errorf("Open for writing in mode R: %v, want %v", err, volume.ErrReadOnly)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(c.Name, "journal-commit-id") {
				if _, err := v.WriteAt(plain[:4096], 0); !errors.Is(err, integrity.ErrJournal) {
					t.Errorf("WriteAt over a damaged journal: %v, want %v", err, integrity.ErrJournal)
				}
				_ = v.Close()
				return
			}
			before := dataAndTags(t, c, dir, table)
			for _, p := range [][]byte{noise(1, len(plain)), plain} {
				if n, err := v.WriteAt(p, 0); n != len(p) || err != nil {
					t.Fatalf("WriteAt = %d, %v", n, err)
				}
				if got := mustRead(t, v, 0, len(p)); !bytes.Equal(got, p) {
					t.Fatal("what was written is not what is read")
				}
			}
			if err := errors.Join(v.Sync(), v.Close()); err != nil {
				t.Fatal(err)
			}
			same := c.Kind != "crash" && c.Kind != "corrupt" && !c.Has("allow_discards") // whose discarded blocks are written now
			if same && !bytes.Equal(dataAndTags(t, c, dir, table), before) {
				t.Error("data and tags are not the kernel's")
			}
			if got := mustRead(t, openCase(t, c, dir, os.O_RDONLY), 0, len(plain)); !bytes.Equal(got, plain) {
				t.Error("after closing, what was written is not what is read")
			}
		})
	}
}

// dataAndTags is all of the images but their journal.
func dataAndTags(t *testing.T, c volumetest.Case, dir string, table tables.IntegrityTable) []byte {
	t.Helper()
	o, err := table.Options()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(table.Device)
	if err != nil {
		t.Fatal(err)
	}
	holder, path := data, table.Device
	if o.MetaDevice != "" {
		path = o.MetaDevice
		if holder, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	sb, err := integrity.ReadSuperblock(bytes.NewReader(holder), int64(table.Offset))
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(path), err)
	}
	l, err := integrity.NewLayout(sb.Geometry(int64(table.Offset)), int64(len(data)), int64(len(holder)))
	if err != nil {
		t.Fatal(err)
	}
	clear(holder[l.JournalOffset():][:l.JournalSize()])
	if o.MetaDevice == "" {
		return holder
	}
	return append(holder, data...)
}

// TestKernelIntegrityStatusCounts: a block that does not fit its tag is counted.
func TestKernelIntegrityStatusCounts(t *testing.T) {
	t.Parallel()
	for _, c := range integrityCases(t) {
		if c.Name != "corrupt-integrity-tag" {
			continue
		}
		m, err := volume.Open(volume.Options{}, withPaths(t, c, c.Unpack(t))...)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		for range 3 {
			var corrupt *integrity.CorruptError
			if n, err := m.ReadAt(make([]byte, 4096), 0); n != 1536 || !errors.As(err, &corrupt) || corrupt.Offset != 1536 || corrupt.Length != 512 {
				t.Errorf("ReadAt = %d, %v, want the block at 1536", n, err)
			}
		}
		wantStatus(t, m, "m: 0 1752 integrity 3 1752 -")
		return
	}
	t.Error("the case is not there")
}

// TestIntegrityShortMapping: a table may map less than the device provides, not more.
func TestIntegrityShortMapping(t *testing.T) {
	t.Parallel()
	cases := integrityCases(t)
	c := cases[slices.IndexFunc(cases, func(c volumetest.Case) bool { return c.Name == "integrity-sha256-il16-1k" })]
	dir := c.Unpack(t)
	table := withPaths(t, c, dir)[0].(tables.IntegrityTable)
	for _, tt := range []struct {
		add  int64
		want error
	}{{-1024, nil}, {-512, volume.ErrUnaligned}, {1024, volume.ErrDeviceTooSmall}} {
		short := table
		short.Length = uint64(int64(table.Length) + tt.add)
		m, err := volume.Open(volume.Options{}, short)
		if !errors.Is(err, tt.want) {
			t.Errorf("mapping %+d bytes: %v, want %v", tt.add, err, tt.want)
		}
		if err == nil {
			if n, err := m.ReadAt(make([]byte, 2048), int64(short.Length)-1024); n != 1024 || err != io.EOF {
				t.Errorf("ReadAt over the end = %d, %v", n, err)
			}
			_ = m.Close()
		}
	}
}
