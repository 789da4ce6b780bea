package journal_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/volume/integrity/journal"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := journal.Config{Start: 4096, Sections: 3, TagSize: 4, BlockSectors: 1, DataSectors: 1000}
	key := make([]byte, 32)
	for _, c := range []struct {
		name   string
		change func(*journal.Config)
		want   error
	}{
		{"good", func(*journal.Config) {}, nil},
		{"block size left out", func(c *journal.Config) { c.BlockSectors = 0 }, nil},
		{"start inside a sector", func(c *journal.Config) { c.Start = 4097 }, journal.ErrConfig},
		{"start before the device", func(c *journal.Config) { c.Start = -512 }, journal.ErrConfig},
		{"no sections", func(c *journal.Config) { c.Sections = 0 }, journal.ErrConfig},
		{"past any device", func(c *journal.Config) { c.Start, c.Sections = math.MaxInt64&^511, math.MaxUint32 }, journal.ErrConfig},
		{"no tag", func(c *journal.Config) { c.TagSize = 0 }, journal.ErrConfig},
		{"big tag", func(c *journal.Config) { c.TagSize = 256 }, journal.ErrConfig},
		{"blocks of 3 sectors", func(c *journal.Config) { c.BlockSectors = 3 }, journal.ErrConfig},
		{"blocks of 16 sectors", func(c *journal.Config) { c.BlockSectors = 16 }, journal.ErrConfig},
		{"negative blocks", func(c *journal.Config) { c.BlockSectors = -8 }, journal.ErrConfig},
		{"data past any device", func(c *journal.Config) { c.DataSectors = 1 << 60 }, journal.ErrConfig},
		{"MAC without the flag", func(c *journal.Config) { c.MAC.Name = "sha256" }, journal.ErrConfig},
		{"flag without a MAC", func(c *journal.Config) { c.HasMAC = true }, journal.ErrConfig},
		{"HMAC without a key", func(c *journal.Config) { c.HasMAC, c.MAC.Name = true, "hmac(sha256)" }, journal.ErrConfig},
		{"unclosed HMAC", func(c *journal.Config) { c.HasMAC, c.MAC = true, journal.Algorithm{Name: "hmac(sha256", Key: key} }, journal.ErrConfig},
		{"unknown MAC", func(c *journal.Config) { c.HasMAC, c.MAC = true, journal.Algorithm{Name: "vmac64(aes)", Key: key} }, journal.ErrUnsupported},
		{"key for a plain hash", func(c *journal.Config) { c.HasMAC, c.MAC = true, journal.Algorithm{Name: "sha256", Key: key} }, journal.ErrUnsupported},
		{"plain hash", func(c *journal.Config) { c.HasMAC, c.MAC.Name = true, "sha256" }, nil},
		{"key without a cipher", func(c *journal.Config) { c.Crypt.Key = key }, journal.ErrConfig},
		{"unknown mode", func(c *journal.Config) { c.Crypt = journal.Algorithm{Name: "xts(aes)", Key: key} }, journal.ErrUnsupported},
		{"unknown cipher", func(c *journal.Config) { c.Crypt = journal.Algorithm{Name: "cbc(rot13)", Key: key} }, journal.ErrUnsupported},
		{"unknown stream", func(c *journal.Config) { c.Crypt = journal.Algorithm{Name: "ctr(rot13)", Key: key} }, journal.ErrUnsupported},
		{"nested", func(c *journal.Config) { c.Crypt = journal.Algorithm{Name: "ctr(cbc(aes))", Key: key} }, journal.ErrUnsupported},
		{"a spec in the name", func(c *journal.Config) { c.Crypt = journal.Algorithm{Name: "cbc(aes-cbc)", Key: key} }, journal.ErrUnsupported},
		{"wrong key", func(c *journal.Config) { c.Crypt = journal.Algorithm{Name: "cbc(aes)", Key: key[:5]} }, crypt.ErrKeySize},
		{"wrong key of a stream", func(c *journal.Config) { c.Crypt = journal.Algorithm{Name: "chacha20", Key: key[:5]} }, journal.ErrConfig},
		{"long journal with chacha20", func(c *journal.Config) {
			c.Sections, c.Crypt = 1<<24, journal.Algorithm{Name: "chacha20", Key: key}
		}, journal.ErrConfig},
		{"odd pages", func(c *journal.Config) { c.PageSize = 4097 }, journal.ErrConfig},
		{"small pages", func(c *journal.Config) { c.PageSize = 512 }, journal.ErrConfig},
	} {
		config := good
		c.change(&config)
		j, err := journal.New(config)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err == nil {
			j.Close()
		}
	}
}

// TestSectionSizes are those of devices that kernels made.
func TestSectionSizes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tag, block int
		mac        bool
		sectors    int // of a section, as journal_sectors says
	}{
		{4, 1, false, 176},
		{20, 1, false, 104},
		{32, 1, false, 88},
		{32, 8, false, 264},
		{28, 1, false, 88},
		{48, 1, false, 64},
		{7, 1, false, 176},
		{32, 2, false, 152},
		{20, 2, false, 168},
		{255, 8, true, 72},
		{1, 8, false, 392},
	} {
		config := journal.Config{Sections: 1, TagSize: c.tag, BlockSectors: c.block, HasMAC: c.mac}
		if c.mac {
			config.MAC.Name = "sha256"
		}
		j, err := journal.New(config)
		if err != nil {
			t.Fatal(err)
		}
		if got := j.SectionSize() / 512; got != c.sectors || j.Entries() != (got-8)/c.block {
			t.Errorf("tags of %d, blocks of %d: sections of %d sectors with %d entries, want %d sectors", c.tag, c.block, got, j.Entries(), c.sectors)
		}
	}
}

// TestDamage damages journals in ways that the kernel takes for an error of the
// device, and in one that it ignores.
func TestDamage(t *testing.T) {
	t.Parallel()
	key := journal.Algorithm{Name: "hmac(sha256)", Key: []byte("a key")}
	plain := journal.Config{Sections: 3, TagSize: 200}
	mac := journal.Config{Sections: 3, TagSize: 200, BlockSectors: 8, HasMAC: true, MAC: key}
	for _, c := range []struct {
		name   string
		config journal.Config
		damage func(d *device, j *journal.Journal, first []byte) // first: the section with blocks
		want   error
	}{
		{"none", plain, func(*device, *journal.Journal, []byte) {}, nil},
		{"commit id", plain, func(_ *device, _ *journal.Journal, b []byte) { b[12*512+507] ^= 4 }, journal.ErrDamaged},
		{"zeros", plain, func(_ *device, _ *journal.Journal, b []byte) { clear(b) }, journal.ErrDamaged},
		{"data", plain, func(_ *device, _ *journal.Journal, b []byte) { b[8*512+100] ^= 1 }, journal.ErrDamaged},
		{"last bytes", plain, func(_ *device, _ *journal.Journal, b []byte) { b[8] ^= 1 }, journal.ErrDamaged},
		{"tag", plain, func(_ *device, _ *journal.Journal, b []byte) { b[16] ^= 1 }, journal.ErrDamaged},
		{"sector number", plain, func(_ *device, _ *journal.Journal, b []byte) { b[0] ^= 1 }, journal.ErrDamaged},
		{"past the end", plain, func(_ *device, _ *journal.Journal, b []byte) { b[5] = 1 }, nil},
		{"sector number under a MAC", mac, func(_ *device, _ *journal.Journal, b []byte) { b[5] = 1 }, journal.ErrDamaged},
		{"MAC", mac, func(_ *device, _ *journal.Journal, b []byte) { b[500] ^= 1 }, journal.ErrDamaged},
		{"inside a block", mac, func(d *device, j *journal.Journal, b []byte) {
			data := version(1, 1, 4096)
			e := journal.CraftedEntry{Sector: 1, Data: data, Tag: d.tag(data, 1)}
			copy(b, j.Craft(0, func(int) uint8 { return 1 }, e))
		}, journal.ErrDamaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, c.config, false, rand.New(rand.NewPCG(1, 1)))
			w, err := v.j.NewWriter(t.Context(), v.c, nowhere{})
			if err != nil {
				t.Fatal(err)
			}
			data := version(8, 1, v.d.blockSize())
			if err := errors.Join(w.WriteBlocks(data, v.d.tag(data, 8), 8), w.Sync()); err != nil {
				t.Fatal(err)
			}
			c.damage(v.d, v.j, v.c.now[v.j.SectionOffset(0):][:v.j.SectionSize()])
			before := bytes.Clone(v.c.now)
			_, err = v.j.ReadOverlay(t.Context(), v.c)
			if !errors.Is(err, c.want) {
				t.Errorf("ReadOverlay: %v, want %v", err, c.want)
			}
			err = v.j.Replay(t.Context(), v.c, v.d)
			if !errors.Is(err, c.want) {
				t.Errorf("Replay: %v, want %v", err, c.want)
			}
			if err != nil && !bytes.Equal(v.c.now, before) {
				t.Error("Replay changed the device that it refused")
			}
		})
	}
}

// TestShortDevice has journals that end past their device.
func TestShortDevice(t *testing.T) {
	t.Parallel()
	j, err := journal.New(journal.Config{Start: 4096, Sections: math.MaxUint32, TagSize: 4, DataSectors: 100})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.ReadOverlay(t.Context(), make(memory, 1<<20)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ReadOverlay past the end: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	v := newVictim(t, journal.Config{Sections: 3, TagSize: 4}, false, rand.New(rand.NewPCG(1, 1)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.j.ReadOverlay(ctx, v.c); !errors.Is(err, context.Canceled) {
		t.Errorf("ReadOverlay: %v", err)
	}
	if _, err := v.j.NewWriter(ctx, v.c, v.d); !errors.Is(err, context.Canceled) {
		t.Errorf("NewWriter: %v", err)
	}
}

// TestWriterRefuses has writes that are no blocks of the device.
func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	v := newVictim(t, journal.Config{Sections: 3, TagSize: 4, BlockSectors: 2}, false, rand.New(rand.NewPCG(1, 1)))
	w, err := v.j.NewWriter(t.Context(), v.c, v.d)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		data, tags int
		sector     uint64
	}{
		{512, 4, 0}, {1024, 3, 0}, {1024, 8, 0}, {1024, 4, 1}, {1024, 4, victimSectors}, {2048, 8, victimSectors - 2}, {1024, 4, math.MaxUint64 - 1},
	} {
		if err := w.WriteBlocks(make([]byte, c.data), make([]byte, c.tags), c.sector); !errors.Is(err, journal.ErrRange) {
			t.Errorf("%d bytes with %d of tags at sector %d: %v", c.data, c.tags, c.sector, err)
		}
	}
	if err := w.ReadBlocks(make([]byte, 1000), make([]byte, 4), 0, v.d.below); !errors.Is(err, journal.ErrRange) {
		t.Errorf("reading a part of a block: %v", err)
	}
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteBlocks(make([]byte, 1024), make([]byte, 4), 0); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestWriterStops fails each operation in turn: after it nothing more is written,
// and every call says why.
func TestWriterStops(t *testing.T) {
	t.Parallel()
	for budget := 1; ; budget++ {
		v := newVictim(t, journal.Config{Sections: 3, TagSize: 4}, false, rand.New(rand.NewPCG(1, 1)))
		w, err := v.j.NewWriter(t.Context(), v.c, v.d)
		if err != nil {
			t.Fatal(err)
		}
		data := version(8, 1, 512)
		if err := w.WriteBlocks(data, v.d.tag(data, 8), 8); err != nil {
			t.Fatal(err)
		}
		v.power.budget = budget
		err = w.Sync()
		v.power.budget = -1
		if err == nil {
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		before := bytes.Clone(v.c.now)
		for name, again := range map[string]error{
			"WriteBlocks": w.WriteBlocks(data, v.d.tag(data, 8), 8), "Sync": w.Sync(), "Close": w.Close(t.Context()),
		} {
			if !errors.Is(again, errKilled) {
				t.Errorf("%s after operation %d failed: %v", name, budget, again)
			}
		}
		if !bytes.Equal(v.c.now, before) {
			t.Errorf("something was written after operation %d failed", budget)
		}
	}
}

// TestConcurrent writes, reads and syncs from several goroutines, each with
// blocks of its own.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	v := newVictim(t, journal.Config{Sections: 8, TagSize: 200}, false, rand.New(rand.NewPCG(1, 1)))
	shared := &locked{cache: v.c}
	v.d.data, v.d.meta = shared, shared
	w, err := v.j.NewWriter(t.Context(), shared, v.d)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for worker := range uint64(4) {
		group.Go(func() {
			data, tag := make([]byte, 512), make([]byte, 200)
			for i := range uint32(200) {
				sector := worker*96 + uint64(i*7%96)
				block := version(sector, i+1, 512)
				err := w.WriteBlocks(block, v.d.tag(block, sector), sector)
				if i%16 == 0 {
					err = errors.Join(err, w.Sync())
				}
				err = errors.Join(err, w.ReadBlocks(data, tag, sector, v.d.below))
				if err != nil || !bytes.Equal(data, block) || !v.d.verify(data, tag, sector) {
					t.Errorf("sector %d does not read as written: %v", sector, err)
					return
				}
			}
		})
	}
	group.Wait()
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// locked is a cache for several users.
type locked struct {
	mu sync.Mutex
	*cache
}

func (l *locked) ReadAt(p []byte, off int64) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cache.ReadAt(p, off)
}

func (l *locked) WriteAt(p []byte, off int64) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cache.WriteAt(p, off)
}

func (l *locked) Sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cache.Sync()
}
