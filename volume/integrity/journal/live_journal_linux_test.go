package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/volume/integrity/journal"
)

// TestLiveDirty reads what the kernel's journal holds after a sync, before the
// kernel has written it back, and compares with what was written.
func TestLiveDirty(t *testing.T) {
	inLab(t)
	for _, k := range liveKinds {
		t.Run(k.name, func(t *testing.T) {
			l := k.start(t, t.TempDir())
			l.up(8)
			l.down()
			l.up(0)
			defer l.down()
			rng := rand.New(rand.NewPCG(1, 2))
			l.fill(rng)
			for round := range 6 {
				l.write(rng, 3+round*7)
				data, meta := l.images()
				l.keep(fmt.Sprint(round), data, meta)
				d := l.wrap(data, meta)
				o, err := d.overlay(t)
				if err != nil {
					t.Fatal(err)
				}
				behind := 0
				if d.hash != nil {
					without, _ := d.content(t, nil)
					for at := 0; at < len(l.model); at += 512 {
						if !bytes.Equal(without[at:at+512], l.model[at:at+512]) {
							behind++
						}
					}
				}
				got, bad := d.content(t, o)
				if !bytes.Equal(got[:len(l.model)], l.model) {
					t.Errorf("round %d: content differs, %d blocks without a good tag", round, len(bad))
				}
				t.Logf("round %d: %d sections, %d blocks in the journal, %d sectors behind", round, d.config.Sections, o.Len(), behind)
			}
		})
	}
}

// read reads the whole device through the kernel; false when it cannot.
func (l *liveDevice) read() ([]byte, bool) {
	content, err := os.ReadFile("/dev/mapper/" + l.mapped)
	if err != nil && !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.EILSEQ) {
		l.t.Fatal(err)
	}
	return content, err == nil
}

// want checks what the kernel reads of the images.
func (l *liveDevice) want(what string, data, meta memory) {
	l.t.Helper()
	l.put(data, meta)
	l.up(0)
	defer l.down()
	got, ok := l.read()
	if !ok || len(got) < len(l.model) || !bytes.Equal(got[:len(l.model)], l.model) {
		l.t.Errorf("%s: the kernel reads something else (readable: %t)", what, ok)
	}
}

// TestLiveOurs gives the kernel what this package wrote: journals that were
// replayed and emptied, and journals with blocks that are nowhere else.
func TestLiveOurs(t *testing.T) {
	inLab(t)
	for _, k := range liveKinds {
		t.Run(k.name, func(t *testing.T) {
			l := k.start(t, t.TempDir())
			l.up(8)
			l.down()
			l.up(0)
			rng := rand.New(rand.NewPCG(3, 4))
			l.fill(rng)
			l.write(rng, 20)
			data, meta := l.images()
			l.down()
			d := l.wrap(data, meta)
			if d.hash != nil {
				loseJournaled(t, d)
			}
			l.want("a dirty journal", data, meta)
			j, err := journal.New(d.config)
			if err != nil {
				t.Fatal(err)
			}
			if err := j.Replay(t.Context(), d.meta.(journal.Storage), d); err != nil {
				t.Fatal(err)
			}
			l.want("a replayed journal", data, meta)
			if d.hash == nil {
				return
			}
			for round := range 4 {
				w, err := j.NewWriter(t.Context(), d.meta.(journal.Storage), d)
				if err != nil {
					t.Fatal(err)
				}
				ours(t, w, d, l, rng, 10)
				w, err = j.NewWriter(t.Context(), d.meta.(journal.Storage), nowhere{})
				if err != nil {
					t.Fatal(err)
				}
				ours(t, w, d, l, rng, 3+round*8)
				l.keep(fmt.Sprintf("ours%d", round), data, meta)
				l.want(fmt.Sprintf("round %d of our journal", round), bytes.Clone(data), bytes.Clone(meta))
				o, err := d.overlay(t)
				if err != nil || o.Len() == 0 {
					t.Fatalf("%d blocks in our journal, %v", o.Len(), err)
				}
			}
		})
	}
}

// ours writes random blocks through a writer, some again and again, and syncs
// three times: no more sections than any of the journals has, or the first would
// be lost in nowhere.
func ours(t *testing.T, w *journal.Writer, d *device, l *liveDevice, rng *rand.Rand, count int) {
	t.Helper()
	size := d.blockSize()
	for range 3 {
		for range count {
			at := rng.IntN(len(l.model)/size) * size
			if rng.IntN(2) == 0 {
				at = rng.IntN(4) * size
			}
			for i := range size {
				l.model[at+i] = byte(rng.Uint32())
			}
			block := l.model[at : at+size]
			if err := w.WriteBlocks(block, d.tag(block, uint64(at/512)), uint64(at/512)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Sync(); err != nil {
			t.Fatal(err)
		}
	}
}

// loseJournaled clears every block that the journal has in the place behind it,
// and its tag.
func loseJournaled(t testing.TB, d *device) {
	t.Helper()
	o, err := d.overlay(t)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, d.blockSize())
	for sector, ok := o.Next(0); ok; sector, ok = o.Next(sector + 1) {
		if err := d.WriteBlocks(zeros, zeros[:d.config.TagSize], sector); err != nil {
			t.Fatal(err)
		}
	}
	if _, bad := d.content(t, nil); len(bad) != o.Len() || len(bad) == 0 {
		t.Fatalf("without the journal %d blocks do not fit their tags, want %d", len(bad), o.Len())
	}
}

// TestLiveVerdicts makes journals at random and asks the kernel what it thinks of
// them. Its findings are for testdata/verdicts.txt.
func TestLiveVerdicts(t *testing.T) {
	inLab(t)
	rng := rand.New(rand.NewPCG(5, 6))
	var findings strings.Builder
	for sections := 1; sections <= 5; sections++ {
		k := liveKind{
			name: fmt.Sprint("verdicts", sections), size: 256<<10 + int64(sections)*90112, tag: 4,
			options: []string{"internal_hash:crc32c", "fix_padding", fmt.Sprint("journal_sectors:", 176*sections)},
		}
		l := k.start(t, t.TempDir())
		l.up(8)
		l.down()
		l.up(0)
		l.fill(rng)
		l.down()
		data, _ := l.images()
		count := 12 + 12*sections
		for range count {
			words := randomWords(rng, sections)
			image := bytes.Clone(data)
			d := l.wrap(image, nil)
			if int(d.config.Sections) != sections {
				t.Fatalf("%d sections, want %d", d.config.Sections, sections)
			}
			craft(t, d, words)
			got := verdictOf(t, d, sections)
			l.put(image, nil)
			l.up(0)
			want := "EIO"
			if content, ok := l.read(); ok {
				want = judge(content, sections)
			}
			l.down()
			fmt.Fprintf(&findings, "%s: %s\n", strings.Join(words, " "), want)
			if got != want {
				t.Errorf("journal %q: %q, the kernel %q", words, got, want)
			}
		}
	}
	_ = os.WriteFile(filepath.Join(labOut, "verdicts.txt"), []byte(findings.String()), 0o644)
}

// TestLiveDamage asks the kernel about journals with one odd thing in them.
func TestLiveDamage(t *testing.T) {
	inLab(t)
	for _, c := range oddJournals {
		t.Run(c.name, func(t *testing.T) {
			k := liveKind{name: "odd", tag: 32, options: append([]string{"journal_sectors:900"}, c.options...)}
			l := k.start(t, t.TempDir())
			l.up(8)
			l.down()
			l.up(c.length)
			l.fill(rand.New(rand.NewPCG(7, 8)))
			l.down()
			data, _ := l.images()
			d := l.wrap(data, nil)
			c.make(t, d)
			o, err := d.overlay(t)
			l.put(data, nil)
			l.up(c.length)
			content, ok := l.read()
			l.down()
			if ok != (err == nil) || ok != c.readable {
				t.Fatalf("the kernel reads it: %t; ours: %v; want readable: %t", ok, err, c.readable)
			}
			if !ok {
				return
			}
			if got, bad := d.content(t, o); !bytes.Equal(got[:len(content)], content) {
				t.Errorf("content differs from the kernel's, %d blocks without a good tag", len(bad))
			}
		})
	}
}

// TestLiveSamples makes the volumes of testdata/behind: journals with blocks that
// are nowhere else, read right by the kernel.
func TestLiveSamples(t *testing.T) {
	inLab(t)
	sectors := map[string]int{"plain": 720, "4k": 1100, "mac-fixed": 720, "ctr-mac": 264, "cbc": 352, "meta": 720}
	for _, k := range liveKinds {
		if sectors[k.name] == 0 {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			k.size = 320<<10 + int64(sectors[k.name])*512
			if k.meta > 0 {
				k.size, k.meta = 192<<10, 512<<10
			}
			k.options = append([]string{fmt.Sprint("journal_sectors:", sectors[k.name])}, k.options...)
			l := k.start(t, t.TempDir())
			l.up(8)
			l.down()
			l.up(0)
			size, _ := strconv.Atoi(strings.Fields(l.line)[1])
			l.model = make([]byte, size*512)
			l.pattern(0, uint64(size), 1)
			for number := range uint32(6) {
				l.pattern(uint64(number)*24, 16, number+2)
				l.pattern(8, 8, number+10)
			}
			data, meta := l.images()
			l.down()
			d := l.wrap(data, meta)
			loseJournaled(t, d)
			l.want("the sample", data, meta)
			l.keep("behind", data, meta)
		})
	}
}

// pattern writes a run of blocks with versions, and syncs.
func (l *liveDevice) pattern(sector, count uint64, number uint32) {
	l.t.Helper()
	f, err := os.OpenFile("/dev/mapper/"+l.mapped, os.O_RDWR, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	for s := sector; s < sector+count; s++ {
		copy(l.model[s*512:], version(s, number, 512))
	}
	_, err = f.WriteAt(l.model[sector*512:(sector+count)*512], int64(sector)*512)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		l.t.Fatal(err)
	}
}
