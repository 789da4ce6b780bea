package journal_test

import (
	"context"
	"testing"

	"github.com/dmimg/dmimg/volume/integrity/journal"
)

// benchConfig is the journal of a device of 8 GiB: 64 MiB.
func benchConfig(crypt string) journal.Config {
	c := journal.Config{Start: 4096, Sections: 744, TagSize: 4, DataSectors: 1 << 24}
	if crypt != "" {
		c.Crypt = journal.Algorithm{Name: crypt, Key: make([]byte, 32)}
	}
	return c
}

// benchJournal is one in memory, empty.
func benchJournal(b *testing.B, c journal.Config) (*journal.Journal, memory) {
	b.Helper()
	j, err := journal.New(c)
	if err != nil {
		b.Fatal(err)
	}
	m := make(memory, c.Start+j.Size())
	if err := j.Format(context.Background(), m); err != nil {
		b.Fatal(err)
	}
	return j, m
}

// BenchmarkWriteBlocks writes 64 KiB at a time, without a device below.
func BenchmarkWriteBlocks(b *testing.B) {
	for _, crypt := range []string{"", "ctr(aes)", "cbc(aes)"} {
		b.Run("crypt="+crypt, func(b *testing.B) {
			j, m := benchJournal(b, benchConfig(crypt))
			w, err := j.NewWriter(context.Background(), m, nowhere{})
			if err != nil {
				b.Fatal(err)
			}
			data, tags := make([]byte, 64<<10), make([]byte, 128*4)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for sector := uint64(0); b.Loop(); sector = (sector + 128) % (1 << 24) {
				if err := w.WriteBlocks(data, tags, sector); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReadOverlay reads a full journal.
func BenchmarkReadOverlay(b *testing.B) {
	for _, crypt := range []string{"", "ctr(aes)", "cbc(aes)"} {
		b.Run("crypt="+crypt, func(b *testing.B) {
			j, m := benchJournal(b, benchConfig(crypt))
			w, err := j.NewWriter(context.Background(), m, nowhere{})
			if err != nil {
				b.Fatal(err)
			}
			data, tags := make([]byte, 64<<20), make([]byte, 1<<17*4)
			if err := w.WriteBlocks(data, tags, 0); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(j.Size())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := j.ReadOverlay(context.Background(), m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
