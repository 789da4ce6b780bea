package journal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/dmimg/dmimg/volume/integrity/journal"
)

// errKilled is what a cache answers after its machine was killed.
var errKilled = errors.New("killed")

// cache is a device with a volatile cache: what was not synced may be there
// after a crash or not, each sector for itself.
type cache struct {
	durable memory
	now     memory
	dirty   map[int64]bool // sectors that were written since the last sync
	power   *power
	rng     *rand.Rand
}

// power is what the devices of a machine share.
type power struct {
	budget int // operations until the machine is killed; < 0: never
}

func newCache(size int, p *power, rng *rand.Rand) *cache {
	return &cache{durable: make(memory, size), now: make(memory, size), dirty: map[int64]bool{}, power: p, rng: rng}
}

func (c *cache) ReadAt(p []byte, off int64) (int, error) {
	if c.power.budget == 0 {
		return 0, errKilled
	}
	return c.now.ReadAt(p, off)
}

func (c *cache) WriteAt(p []byte, off int64) (int, error) {
	killed := c.spend()
	if killed {
		if len(p) < 512 {
			return 0, errKilled
		}
		p = p[:c.rng.IntN(len(p)/512)*512]
	}
	n, err := c.now.WriteAt(p, off)
	for at := off / 512; at*512 < off+int64(len(p)); at++ {
		c.dirty[at] = true
	}
	if killed {
		return n, errKilled
	}
	return n, err
}

func (c *cache) Sync() error {
	if c.spend() {
		return errKilled
	}
	copy(c.durable, c.now)
	clear(c.dirty)
	return nil
}

func (c *cache) spend() (killed bool) {
	if c.power.budget > 0 {
		c.power.budget--
	}
	return c.power.budget == 0
}

// crash makes the device what the next start finds.
func (c *cache) crash() {
	for sector := range c.dirty {
		if c.rng.IntN(2) == 0 {
			copy(c.durable[sector*512:(sector+1)*512], c.now[sector*512:])
		}
	}
	copy(c.now, c.durable)
	clear(c.dirty)
}

// truth is what a user may expect of each block: one of the versions since the
// last sync.
type truth map[uint64][]uint32

// version is the block of a sector with this number of a write.
func version(sector uint64, number uint32, size int) []byte {
	data := make([]byte, size)
	for i := 0; i < size; i += 16 {
		binary.LittleEndian.PutUint64(data[i:], sector)
		binary.LittleEndian.PutUint32(data[i+8:], number)
		binary.LittleEndian.PutUint32(data[i+12:], uint32(i))
	}
	return data
}

// crashKinds are the journals that are killed.
var crashKinds = []struct {
	name   string
	config journal.Config
	split  bool // data is on a device of its own
}{
	{name: "one section", config: journal.Config{Sections: 1, TagSize: 4}},
	{name: "meta device", split: true, config: journal.Config{Sections: 3, TagSize: 255}},
	{name: "meta device, one section", split: true, config: journal.Config{Sections: 1, TagSize: 200}},
	{name: "two sections", config: journal.Config{Sections: 2, TagSize: 16, BlockSectors: 8}},
	{name: "five sections", config: journal.Config{Sections: 5, TagSize: 200, BlockSectors: 1}},
	{name: "twelve sections", config: journal.Config{Sections: 12, TagSize: 255, BlockSectors: 1}},
	{name: "MAC", config: journal.Config{Sections: 3, TagSize: 99, BlockSectors: 2, HasMAC: true, FixHMAC: true, MAC: journal.Algorithm{Name: "hmac(sha256)", Key: make([]byte, 32)}}},
	{name: "stream", config: journal.Config{Sections: 4, TagSize: 200, BlockSectors: 2, Crypt: journal.Algorithm{Name: "ctr(aes)", Key: make([]byte, 32)}}},
	{name: "chained", config: journal.Config{Sections: 4, TagSize: 200, BlockSectors: 1, HasMAC: true, MAC: journal.Algorithm{Name: "hmac(sha1)", Key: make([]byte, 8)}, Crypt: journal.Algorithm{Name: "cbc(aes)", Key: make([]byte, 16)}}},
}

// victimSectors is the size of a victim.
const victimSectors = 384

// victim is a device that is killed and opened again and again.
type victim struct {
	t      *testing.T
	power  power
	c      *cache // with the journal
	data   *cache // the same, or another one
	d      *device
	j      *journal.Journal
	truth  truth
	number uint32
}

func newVictim(t *testing.T, c journal.Config, split bool, rng *rand.Rand) *victim {
	t.Helper()
	const sectors = victimSectors
	v := &victim{t: t, truth: truth{}, power: power{-1}}
	c.Start, c.DataSectors = 4096, sectors
	v.d = &device{config: c, il: 128, hash: crc, split: split}
	if v.d.config.BlockSectors == 0 {
		v.d.config.BlockSectors = 1
	}
	v.d.config.Verify = v.d.verify
	v.d.sb = make([]byte, 512)
	v.d.flags = 8
	v.d.sb[9] = 7
	v.d.place(t, 0)
	j, err := journal.New(v.d.config)
	if err != nil {
		t.Fatal(err)
	}
	v.j = j
	v.c = newCache(int(v.d.areas+sectors/v.d.il*(v.d.il+v.d.run))*512, &v.power, rng)
	v.data = v.c
	if split {
		v.data = newCache(sectors*512, &v.power, rng)
	}
	v.d.data, v.d.meta = v.data, v.c
	if err := j.Format(t.Context(), v.c); err != nil {
		t.Fatal(err)
	}
	for sector := uint64(0); sector < sectors; sector += uint64(v.d.config.BlockSectors) {
		data := version(sector, 0, v.d.blockSize())
		if err := v.d.WriteBlocks(data, v.d.tag(data, sector), sector); err != nil {
			t.Fatal(err)
		}
		v.truth[sector] = []uint32{0}
	}
	if err := v.d.Sync(); err != nil {
		t.Fatal(err)
	}
	return v
}

// life opens the device, writes and syncs until it is killed or has done enough.
// It says whether it was killed.
func (v *victim) life(rng *rand.Rand, budget, writes int) (killed bool) {
	v.t.Helper()
	v.power.budget = budget
	w, err := v.j.NewWriter(v.t.Context(), v.c, v.d)
	for range writes {
		if err != nil {
			break
		}
		count := 1 + rng.IntN(12)
		size := v.d.config.BlockSectors
		first := uint64(rng.IntN(victimSectors/size-count) * size)
		if rng.IntN(3) == 0 {
			first = uint64(rng.IntN(8) * size)
		}
		var data, tags []byte
		for i := range count {
			sector := first + uint64(i*size)
			v.number++
			block := version(sector, v.number, v.d.blockSize())
			data, tags = append(data, block...), append(tags, v.d.tag(block, sector)...)
			v.truth[sector] = append(v.truth[sector], v.number)
		}
		err = w.WriteBlocks(data, tags, first)
		if err == nil && rng.IntN(6) == 0 {
			err = v.sync(w)
		}
		if err == nil && rng.IntN(4) == 0 {
			err = v.read(w, rng)
		}
	}
	if err == nil {
		err = v.sync(w)
	}
	if err == nil && rng.IntN(2) == 0 {
		err = w.Close(v.t.Context())
	}
	if err != nil && !errors.Is(err, errKilled) {
		v.t.Fatal(err)
	}
	return err != nil
}

// crash makes the devices what the next start finds.
func (v *victim) crash() {
	v.c.crash()
	if v.data != v.c {
		v.data.crash()
	}
	v.power.budget = -1
}

// sync syncs; after that only the newest versions may be seen.
func (v *victim) sync(w *journal.Writer) error {
	if err := w.Sync(); err != nil {
		return err
	}
	for sector, versions := range v.truth {
		v.truth[sector] = versions[len(versions)-1:]
	}
	return nil
}

// read reads a run through the writer: it must be the newest.
func (v *victim) read(w *journal.Writer, rng *rand.Rand) error {
	size := v.d.config.BlockSectors
	sector := uint64(rng.IntN(victimSectors/size) * size)
	data, tag := make([]byte, v.d.blockSize()), make([]byte, v.d.config.TagSize)
	if err := w.ReadBlocks(data, tag, sector, v.d.below); err != nil {
		return err
	}
	versions := v.truth[sector]
	if want := version(sector, versions[len(versions)-1], len(data)); !bytes.Equal(data, want) || !v.d.verify(data, tag, sector) {
		v.t.Errorf("sector %d does not read as the version written last", sector)
	}
	return nil
}

// check reads every block as a reader would that writes nothing.
func (v *victim) check(when string) {
	v.t.Helper()
	o, err := v.j.ReadOverlay(v.t.Context(), v.c)
	if err != nil {
		v.t.Fatalf("%s: %v", when, err)
	}
	content, bad := v.d.content(v.t, o)
	if len(bad) > 0 {
		v.t.Fatalf("%s: blocks without their tags: %d", when, bad)
	}
	size := v.d.blockSize()
	for sector, versions := range v.truth {
		data := content[sector*512:][:size]
		got := binary.LittleEndian.Uint32(data[8:])
		found := false
		for _, number := range versions {
			found = found || number == got
		}
		if !found || !bytes.Equal(data, version(sector, got, size)) {
			v.t.Fatalf("%s: sector %d has version %d, want one of %d", when, sector, got, versions)
		}
		v.truth[sector] = []uint32{got} // what was seen must stay
	}
}

// rounds is how often random tests repeat: DMIMG_JOURNAL_ROUNDS, or a few.
func rounds(t testing.TB, few int) int {
	t.Helper()
	text := os.Getenv("DMIMG_JOURNAL_ROUNDS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestKilledAnywhere kills a machine at random operations, at the next start
// again, and so on, and reads everything after each.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	for i, k := range crashKinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			for seed := range rounds(t, 1) {
				rng := rand.New(rand.NewPCG(uint64(seed), uint64(i)))
				v := newVictim(t, k.config, k.split, rng)
				for life := range 16 {
					budget := 1 + rng.IntN(60)
					if rng.IntN(3) == 0 {
						budget = 1 + rng.IntN(400)
					}
					v.life(rng, budget, 5+rng.IntN(40))
					v.crash()
					v.check(fmt.Sprintf("seed %d, life %d", seed, life))
					for again := range rng.IntN(6) { // while it replays
						v.life(rng, 1+rng.IntN(4), 0)
						v.crash()
						v.check(fmt.Sprintf("seed %d, life %d, start %d", seed, life, again))
					}
				}
			}
		})
	}
}

// TestKilledEverywhere kills the same work at each of its operations, and the
// start after that at each of its own.
func TestKilledEverywhere(t *testing.T) {
	t.Parallel()
	for i, k := range crashKinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			step := 1
			if testing.Short() || os.Getenv("DMIMG_JOURNAL_ROUNDS") == "" {
				step = 23
			}
			for budget := 1; ; budget += step {
				rng := rand.New(rand.NewPCG(uint64(budget), uint64(i)))
				v := newVictim(t, k.config, k.split, rng)
				killed := v.life(rand.New(rand.NewPCG(7, 7)), budget, 30)
				v.crash()
				v.check(fmt.Sprintf("killed at operation %d", budget))
				for again := 1 + rng.IntN(4); ; again += step {
					dead := v.life(rng, again, 0)
					v.crash()
					v.check(fmt.Sprintf("killed at operation %d, then at %d", budget, again))
					if !dead {
						break
					}
				}
				if !killed {
					break
				}
			}
		})
	}
}

func crc() hash.Hash { return crc32.NewIEEE() }
