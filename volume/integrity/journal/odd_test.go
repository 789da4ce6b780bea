package journal_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/dmimg/dmimg/volume/integrity/journal"
)

// oddJournal is one with something odd in it, and whether a kernel can read such
// a device; TestLiveDamage asks it.
type oddJournal struct {
	name     string
	options  []string
	length   uint64 // of the device in sectors; 0: all
	make     func(t testing.TB, d *device)
	readable bool
}

var (
	oddPlain = []string{"internal_hash:sha256", "fix_padding"}
	oddBig   = []string{"internal_hash:sha256", "fix_padding", "block_size:4096"}
	oddMAC   = []string{"internal_hash:sha256", "fix_padding", "journal_mac:sha256"}
)

var oddJournals = []oddJournal{
	{name: "nothing odd", options: oddPlain, readable: true, make: oddEntries(entryOf(8, 1))},
	{name: "bad tag", options: oddPlain, make: oddEntries(badTag(entryOf(8, 1)))},
	{name: "bad tag, overridden in the section", options: oddPlain, make: oddEntries(badTag(entryOf(8, 1)), entryOf(8, 2))},
	{name: "bad tag, overridden by a later section", options: oddPlain, make: func(t testing.TB, d *device) {
		oddSection(t, d, 0, 1, badTag(entryOf(8, 1)))
		oddSection(t, d, 1, 1, entryOf(8, 2))
	}},
	{name: "twice in a section", options: oddPlain, readable: true, make: oddEntries(entryOf(8, 1), entryOf(16, 1), entryOf(8, 2))},
	{name: "no block begins there", options: oddBig, make: oddEntries(entryOf(9, 1))},
	{name: "in progress", options: oddPlain, readable: true, make: oddEntries(entryOf(0xfffffffe00000008, 1))},
	{name: "past the end", options: oddPlain, readable: true, make: oddEntries(entryOf(1<<40, 1), entryOf(8, 1))},
	{name: "past the end, bad tag", options: oddPlain, readable: true, make: oddEntries(badTag(entryOf(1<<40, 1)), entryOf(8, 1))},
	{name: "past the end, inside a block", options: oddBig, make: oddEntries(entryOf(1<<40+1, 1), entryOf(8, 1))},
	{name: "bad tag in a half section", options: oddPlain, readable: true, make: func(t testing.TB, d *device) {
		oddSection(t, d, 0, 1, entryOf(8, 1))
		oddHalf(t, d, 1, badTag(entryOf(8, 2)))
	}},
	{name: "bad MAC in a half section", options: oddMAC, readable: true, make: func(t testing.TB, d *device) {
		oddSection(t, d, 0, 1, entryOf(8, 1))
		oddHalf(t, d, 1, entryOf(8, 2))
		damage(t, d, 1, 500)
	}},
	{name: "bad MAC", options: oddMAC, make: func(t testing.TB, d *device) {
		oddSection(t, d, 0, 1, entryOf(8, 1))
		damage(t, d, 0, 500)
	}},
	{name: "bad MAC of a section without blocks", options: oddMAC, make: func(t testing.TB, d *device) {
		oddSection(t, d, 0, 1, entryOf(8, 1))
		damage(t, d, 2, 500)
	}},
	{name: "bits after the tag", options: oddPlain, readable: true, make: func(t testing.TB, d *device) {
		oddSection(t, d, 0, 1, entryOf(8, 1))
		damage(t, d, 0, 490)
	}},
}

// odd is a block for an odd journal.
type odd struct {
	sector uint64
	number uint32
	bad    bool // its tag is wrong
}

func entryOf(sector uint64, number uint32) odd { return odd{sector: sector, number: number} }

func badTag(o odd) odd {
	o.bad = true
	return o
}

// oddEntries makes a journal of which section 0 has some blocks.
func oddEntries(list ...odd) func(t testing.TB, d *device) {
	return func(t testing.TB, d *device) { oddSection(t, d, 0, 1, list...) }
}

// oddSection writes a section; the others are of sequence 0.
func oddSection(t testing.TB, d *device, number uint32, q uint8, list ...odd) {
	t.Helper()
	oddWrite(t, d, number, func(int) uint8 { return q }, list...)
}

// oddHalf writes a section, the second half of it older.
func oddHalf(t testing.TB, d *device, number uint32, list ...odd) {
	t.Helper()
	oddWrite(t, d, number, func(sector int) uint8 {
		if sector < 12 {
			return 1
		}
		return 0
	}, list...)
}

func oddWrite(t testing.TB, d *device, number uint32, q func(int) uint8, list ...odd) {
	t.Helper()
	j, err := journal.New(d.config)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if number == 0 {
		if err := j.Format(t.Context(), d.meta.(journal.Storage)); err != nil {
			t.Fatal(err)
		}
	}
	var entries []journal.CraftedEntry
	for _, o := range list {
		data := version(o.sector, o.number, d.blockSize())
		e := journal.CraftedEntry{Sector: o.sector, Data: data, Tag: d.tag(data, o.sector)}
		if o.bad {
			e.Tag[0] ^= 1
		}
		entries = append(entries, e)
	}
	if _, err := d.meta.WriteAt(j.Craft(number, q, entries...), j.SectionOffset(number)); err != nil {
		t.Fatal(err)
	}
}

// damage changes a byte of a section.
func damage(t testing.TB, d *device, number uint32, at int64) {
	t.Helper()
	j, err := journal.New(d.config)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var b [1]byte
	if _, err := d.meta.ReadAt(b[:], j.SectionOffset(number)+at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := d.meta.WriteAt(b[:], j.SectionOffset(number)+at); err != nil {
		t.Fatal(err)
	}
}

// TestOddJournals is TestLiveDamage without a kernel: what it found is in the
// table.
func TestOddJournals(t *testing.T) {
	t.Parallel()
	for _, c := range oddJournals {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config := journal.Config{Sections: 5, TagSize: 32}
			for _, option := range c.options {
				switch option {
				case "block_size:4096":
					config.BlockSectors = 8
				case "journal_mac:sha256":
					config.HasMAC, config.MAC.Name = true, "sha256"
				}
			}
			d := newVictim(t, config, false, rand.New(rand.NewPCG(1, 1))).d
			c.make(t, d)
			if _, err := d.overlay(t); errors.Is(err, journal.ErrDamaged) == c.readable || err != nil && c.readable {
				t.Errorf("%v, the kernel could read it: %t", err, c.readable)
			}
		})
	}
}
