package journal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/volume/integrity/journal"
)

// A journal is described by a word for each section: "2" is a section all of
// whose sectors have sequence 2, "21" one whose second half has sequence 1. Every
// section has a block for sector 0, and one of its own.
//
// The verdict is what then reads: "EIO", or the section that sector 0 is from,
// "-" for none, and the sections of which the other block is seen.

// craft writes such a journal.
func craft(t testing.TB, d *device, words []string) {
	t.Helper()
	j, err := journal.New(d.config)
	if err != nil {
		t.Fatal(err)
	}
	for i, word := range words {
		number := uint32(i)
		sequences := func(sector int) uint8 {
			if sector*512 >= j.SectionSize()/2 {
				return word[len(word)-1] - '0'
			}
			return word[0] - '0'
		}
		var entries []journal.CraftedEntry
		for _, sector := range []uint64{0, ownSector(i)} {
			data := version(sector, number+1, d.blockSize())
			entries = append(entries, journal.CraftedEntry{Sector: sector, Data: data, Tag: d.tag(data, sector)})
		}
		if _, err := d.meta.WriteAt(j.Craft(number, sequences, entries...), j.SectionOffset(number)); err != nil {
			t.Fatal(err)
		}
	}
}

// ownSector is where the block that only section i has belongs.
func ownSector(i int) uint64 { return uint64(i+1) * 8 }

// judge describes the content of a device with such a journal.
func judge(content []byte, sections int) string {
	from := func(sector uint64) uint32 {
		block := content[sector*512:]
		if number := binary.LittleEndian.Uint32(block[8:]); bytes.Equal(block[:512], version(sector, number, 512)) {
			return number
		}
		return 0
	}
	winner := "-"
	if n := from(0); n > 0 {
		winner = fmt.Sprint(n - 1)
	}
	var seen strings.Builder
	for i := range sections {
		if from(ownSector(i)) == uint32(i+1) {
			fmt.Fprint(&seen, i)
		}
	}
	return strings.TrimSpace(winner + " " + seen.String())
}

// randomWords describes a journal at random: often one that a crash could have
// left, sometimes any.
func randomWords(rng *rand.Rand, sections int) []string {
	words := make([]string, sections)
	q := rng.IntN(4)
	cut := rng.IntN(sections + 1)
	for i := range words {
		n := q
		if i >= cut {
			n += 3
		}
		words[i] = fmt.Sprint(n % 4)
	}
	for range rng.IntN(4) {
		i := rng.IntN(sections)
		switch rng.IntN(3) {
		case 0:
			words[i] = fmt.Sprint(rng.IntN(4))
		case 1:
			words[i] = fmt.Sprint(q, (q+3)%4)
			words[i] = strings.ReplaceAll(words[i], " ", "")
		default:
			words[i] = fmt.Sprintf("%d%d", rng.IntN(4), rng.IntN(4))
		}
	}
	return words
}

// TestVerdicts compares with what a kernel did with journals of all sorts: what
// TestLiveVerdicts wrote into testdata/verdicts.txt.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/verdicts.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[bool]int{}
	devices := map[int]*victim{} // by the number of their sections
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		journalText, want, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			t.Fatalf("line %q", line)
		}
		words := strings.Fields(journalText)
		v := devices[len(words)]
		if v == nil {
			v = newVictim(t, journal.Config{Sections: uint32(len(words)), TagSize: 200}, false, rand.New(rand.NewPCG(1, 1)))
			devices[len(words)] = v
		}
		craft(t, v.d, words)
		got := verdictOf(t, v.d, len(words))
		if got != want {
			t.Errorf("journal %q: %q, the kernel %q", journalText, got, want)
		}
		seen[want == "EIO"]++
	}
	if seen[true] < 5 || seen[false] < 100 {
		t.Errorf("%d journals that fail and %d that do not: want more", seen[true], seen[false])
	}
}

// verdictOf is ours.
func verdictOf(t testing.TB, d *device, sections int) string {
	o, err := d.overlay(t)
	if errors.Is(err, journal.ErrDamaged) {
		return "EIO"
	}
	if err != nil {
		t.Fatal(err)
	}
	content, _ := d.contentUpTo(t, o, ownSector(sections))
	return judge(content, sections)
}
