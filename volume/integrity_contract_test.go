package volume_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// TestContractIntegrity: integrity devices keep the contract of volumes in every
// mode that writes, and survive being used by many at once.
func TestContractIntegrity(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		line  string
		align int
		made  integrity.FormatConfig
	}{
		"journal":      {"0 96 integrity d 0 4 J 1 internal_hash:crc32c", 0, integrity.FormatConfig{InterleaveSectors: 32}},
		"bitmap":       {"0 96 integrity d 0 4 B 2 sectors_per_bit:16 internal_hash:crc32c", 0, integrity.FormatConfig{InterleaveSectors: 32}},
		"direct, 4096": {"0 96 integrity d 0 4 D 2 block_size:4096 internal_hash:crc32c", 4096, integrity.FormatConfig{InterleaveSectors: 32, BlockSize: 4096}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.made.InternalHash.Name = "crc32c"
			disk := volumetest.NewMemory(make([]byte, 512<<10))
			if _, _, err := integrity.Format(background, disk, nil, c.made); err != nil {
				t.Fatal(err)
			}
			content := noise(1, 96*sector)
			files := &volumetest.Files{Devices: map[string]*volumetest.Memory{"d": disk}}
			m := mustOpen(t, files, os.O_RDWR, c.line)
			if _, err := m.WriteAt(content, 0); err != nil {
				t.Fatal(err)
			}
			if err := m.Sync(); err != nil { // in mode J it stays in the journal
				t.Fatal(err)
			}
			image := disk.Bytes()
			volumetest.Run(t, volumetest.Subject{
				Open: func(t *testing.T) volume.Backend {
					again := &volumetest.Files{Devices: map[string]*volumetest.Memory{"d": volumetest.NewMemory(append([]byte(nil), image...))}}
					return mustOpen(t, again, os.O_RDWR, c.line)
				},
				Content: content, Alignment: c.align, Writable: true,
			})
		})
	}
}

// TestIntegrityTags: only an integrity device without a hash of its own hands out
// its tags, and lets them be written only if it may be written itself.
func TestIntegrityTags(t *testing.T) {
	t.Parallel()
	disk := volumetest.NewMemory(make([]byte, 512<<10))
	if _, _, err := integrity.Format(background, disk, nil, integrity.FormatConfig{TagSize: 16, InterleaveSectors: 32}); err != nil {
		t.Fatal(err)
	}
	files := &volumetest.Files{Devices: map[string]*volumetest.Memory{"d": disk}}
	const line = "0 96 integrity d 0 16 D 0"
	p, tags := noise(1, 2*sector), noise(2, 32)
	writer, ok := mustOpen(t, files, os.O_RDWR, line).Tagged()
	if !ok {
		t.Fatal("no tags")
	}
	if err := writer.WriteTagged(p, tags, sector); err != nil {
		t.Fatal(err)
	}
	m := mustOpen(t, files, os.O_RDONLY, line)
	reader, ok := m.Tagged()
	if !ok || reader.TagSize() != 16 {
		t.Fatal("no tags")
	}
	gotData, gotTags := make([]byte, len(p)), make([]byte, len(tags))
	if err := reader.ReadTagged(gotData, gotTags, sector); err != nil || !bytes.Equal(gotData, p) || !bytes.Equal(gotTags, tags) {
		t.Errorf("ReadTagged: %v", err)
	}
	if err := reader.WriteTagged(p, tags, 0); !errors.Is(err, volume.ErrReadOnly) {
		t.Errorf("WriteTagged: %v, want %v", err, volume.ErrReadOnly)
	}
	if got := mustRead(t, m, sector, len(p)); !bytes.Equal(got, p) {
		t.Error("without tags the data is another")
	}
	if _, ok := mustOpen(t, disks(100), os.O_RDONLY, "0 90 linear a 5").Tagged(); ok {
		t.Error("linear hands out tags")
	}
}
