package journal_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/dmimg/dmimg/volume/integrity/journal"
)

// fuzzConfig turns a few numbers into parameters, good ones or bad.
func fuzzConfig(sections uint32, shape, tag byte) journal.Config {
	c := journal.Config{
		Start: 512, Sections: sections, TagSize: int(tag), BlockSectors: 1 << (shape & 3),
		DataSectors: 64, HasMAC: shape&4 != 0, FixHMAC: shape&8 != 0,
	}
	if c.HasMAC {
		c.MAC = journal.Algorithm{Name: "hmac(sha256)", Key: []byte("key")}
	}
	switch shape >> 4 & 3 {
	case 1:
		c.Crypt = journal.Algorithm{Name: "ctr(aes)", Key: make([]byte, 16)}
	case 2:
		c.Crypt = journal.Algorithm{Name: "cbc(aes)", Key: make([]byte, 16)}
	}
	if shape&64 != 0 {
		c.Verify = func(data, tag []byte, sector uint64) bool { return len(data) > 0 && tag[0] != byte(sector) }
	}
	return c
}

// fuzzJournal is a device with a journal that has a few blocks.
func fuzzJournal(t testing.TB, c journal.Config, j *journal.Journal) memory {
	t.Helper()
	m := make(memory, c.Start+j.Size())
	if err := j.Format(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	w, err := j.NewWriter(t.Context(), m, nowhere{})
	if err != nil {
		t.Fatal(err)
	}
	data, tag := version(8, 3, 512*c.BlockSectors), bytes.Repeat([]byte{7}, c.TagSize)
	for sector := range uint64(5) {
		if err := errors.Join(w.WriteBlocks(data, tag, 8*sector), w.WriteBlocks(data, tag, 16), w.Sync()); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// FuzzReadOverlay damages journals, 4 bytes of patch for each byte that changes,
// reads and replays them: one is damaged and stays as it is, or is emptied.
func FuzzReadOverlay(f *testing.F) {
	for _, shape := range []byte{0, 3, 4, 12, 16, 32, 44, 64, 67} {
		f.Add(uint32(3), shape, byte(200), int64(0), []byte{})
		f.Add(uint32(1), shape, byte(255), int64(0), []byte{5, 0, 0, 1})
		f.Add(uint32(2), shape, byte(4), int64(512), []byte{248, 1, 0, 1, 0, 0, 0, 1})
	}
	f.Add(uint32(1<<32-1), byte(0), byte(1), int64(0), []byte{})
	f.Fuzz(func(t *testing.T, sections uint32, shape, tag byte, cut int64, patch []byte) {
		c := fuzzConfig(sections, shape, tag)
		j, err := journal.New(c)
		if err != nil {
			return
		}
		defer j.Close()
		m := make(memory, 4096)
		if sections < 6 {
			m = fuzzJournal(t, c, j)
			if cut > 0 && cut < int64(len(m)) {
				m = m[:int64(len(m))-cut]
			}
		}
		for ; len(patch) >= 4; patch = patch[4:] {
			m[(int(patch[0])|int(patch[1])<<8|int(patch[2]&3)<<16)%len(m)] ^= patch[3]
		}
		checkFuzzed(t, c, j, m)
	})
}

// checkFuzzed reads and replays a journal.
func checkFuzzed(t *testing.T, c journal.Config, j *journal.Journal, m memory) {
	image := bytes.Clone(m)
	o, err := j.ReadOverlay(t.Context(), m)
	if err != nil {
		if err := j.Replay(t.Context(), m, nowhere{}); err == nil || !bytes.Equal(m, image) {
			t.Fatalf("a journal that cannot be read was replayed: %v", err)
		}
		return
	}
	if o.Len() > int(c.Sections)*j.Entries() {
		t.Fatalf("%d blocks in %d sections", o.Len(), c.Sections)
	}
	data, next := make([]byte, 512*c.BlockSectors), uint64(0)
	for sector, ok := o.Next(0); ok; sector, ok = o.Next(next) {
		if sector < next || sector+uint64(c.BlockSectors) > c.DataSectors || sector%uint64(c.BlockSectors) != 0 {
			t.Fatalf("a block at sector %d, asked from %d on", sector, next)
		}
		if found, err := o.ReadBlock(data, make([]byte, c.TagSize), sector); err != nil || !found {
			t.Fatalf("sector %d: %t, %v", sector, found, err)
		}
		next = sector + 1
	}
	if err := j.Replay(t.Context(), m, nowhere{}); err != nil {
		t.Fatal(err)
	}
	if o, err = j.ReadOverlay(t.Context(), m); err != nil || o.Len() != 0 {
		t.Fatalf("after a replay: %v, %v", o, err)
	}
}

// nowhere is a sink that loses everything, as if the machine was killed before
// any of it was written.
type nowhere struct{}

func (nowhere) WriteBlocks(_, _ []byte, _ uint64) error { return nil }
func (nowhere) Sync() error                             { return nil }
