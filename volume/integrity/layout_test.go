package integrity

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// checkLayout demands of a layout that its parts lie inside the devices, in
// order, and that Locate finds them again.
func checkLayout(t *testing.T, l Layout, size, metaSize int64) {
	t.Helper()
	holder := size
	if l.MetaDevice() {
		holder = metaSize
	}
	if l.Size() <= 0 || l.Size() > size || l.JournalOffset()+l.JournalSize() > holder {
		t.Fatalf("%+v: %d bytes of data, journal to %d, on devices of %d and %d", l, l.Size(), l.JournalOffset()+l.JournalSize(), size, metaSize)
	}
	for _, off := range []int64{0, l.Size() / 2, l.Size() - 1, rand.Int64N(l.Size())} {
		at, together := l.DataOffset(off)
		if at < 0 || together <= 0 || off+together > l.Size() || at+together > size {
			t.Fatalf("%+v: byte %d is at %d with %d, on a device of %d", l, off, at, together, size)
		}
		if area, within := l.Locate(at); !l.MetaDevice() && (area != AreaData || within != off) {
			t.Fatalf("%+v: byte %d is at %d, where Locate finds %v %d", l, off, at, area, within)
		}
		block := off / int64(l.BlockSize)
		at, together = l.TagOffset(block)
		if at < 0 || together <= 0 || block+together > l.Blocks() || at+together*int64(l.TagSize) > holder {
			t.Fatalf("%+v: the tag of block %d is at %d with %d, on a device of %d", l, block, at, together, holder)
		}
		if area, within := l.Locate(at); area != AreaTags || within != block {
			t.Fatalf("%+v: the tag of block %d is at %d, where Locate finds %v %d", l, block, at, area, within)
		}
	}
}

// TestLayoutArithmetic computes one layout of each kind by hand.
func TestLayoutArithmetic(t *testing.T) {
	t.Parallel()
	one, err := NewLayout(Geometry{TagSize: 4, BlockSize: 512, Interleave: 8, JournalSections: 1, FixPadding: true}, 1<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	// 504/(8+8+4 → 24) = 21 entries a sector, 168 a section of 176 sectors; 4096 bytes of tags before 4096 of data
	if one.SectionEntries != 168 || one.SectionSectors != 176 || one.InitialSectors != 184 || one.RunSectors != 8 || one.ProvidedSectors != 928 {
		t.Errorf("one device: %+v", one)
	}
	if at, together := one.DataOffset(2*4096 + 513); at != (184+5*8)*512+513 || together != 4096-513 {
		t.Errorf("data at %d, %d together", at, together)
	}
	if at, together := one.TagOffset(17); at != (184+2*16)*512+4 || together != 7 {
		t.Errorf("tag at %d, %d together", at, together)
	}
	apart, err := NewLayout(Geometry{Reserved: 1024, TagSize: 32, BlockSize: 4096, JournalSections: 3, JournalMAC: true}, 1<<20+600, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	// 496/(8+64+32=104) = 4 entries a sector, 32 a section of 8+256 sectors
	if apart.SectionSectors != 264 || apart.ProvidedSectors != 2048 || apart.RunSectors != 0 || apart.BufferSectors != 128 {
		t.Errorf("meta device: %+v", apart)
	}
	if at, together := apart.DataOffset(5000); at != 5000 || together != 1<<20-5000 {
		t.Errorf("data at %d, %d together", at, together)
	}
	if at, together := apart.TagOffset(2); at != 1024+4096+3*264*512+64 || together != 254 {
		t.Errorf("tag at %d, %d together", at, together)
	}
}

// TestLayoutOfSuchSizes goes through many geometries and devices.
func TestLayoutOfSuchSizes(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{1 << 16, 1 << 20, 1<<20 + 511, 1 << 40, math.MaxInt64} {
		for _, tag := range []int{1, 7, 64, 255} {
			for _, block := range []int{512, 4096} {
				for _, interleave := range []int64{0, 8, 32768, 1 << 31} {
					for _, sections := range []uint32{1, 1000, math.MaxUint32} {
						for _, fix := range []bool{false, true} {
							g := Geometry{Reserved: 512, TagSize: tag, BlockSize: block, Interleave: interleave, JournalSections: sections, JournalMAC: fix, FixPadding: fix}
							l, err := NewLayout(g, size, size)
							if err == nil {
								checkLayout(t, l, size, size)
							} else if !errors.Is(err, ErrTooSmall) {
								t.Errorf("%+v on %d bytes: %v", g, size, err)
							}
						}
					}
				}
			}
		}
	}
}

func TestGeometryRefused(t *testing.T) {
	t.Parallel()
	good := Geometry{TagSize: 4, BlockSize: 512, Interleave: 8, JournalSections: 1}
	for _, damage := range []func(*Geometry){
		func(g *Geometry) { g.TagSize = 0 },
		func(g *Geometry) { g.TagSize = 256 },
		func(g *Geometry) { g.BlockSize = 256 },
		func(g *Geometry) { g.BlockSize = 8192 },
		func(g *Geometry) { g.BlockSize = 1536 },
		func(g *Geometry) { g.Interleave = 4 },
		func(g *Geometry) { g.Interleave = 24 },
		func(g *Geometry) { g.Interleave = 1 << 32 },
		func(g *Geometry) { g.Interleave = -8 },
		func(g *Geometry) { g.JournalSections = 0 },
		func(g *Geometry) { g.Reserved = 100 },
		func(g *Geometry) { g.Reserved = -512 },
	} {
		g := good
		damage(&g)
		if _, err := NewLayout(g, 1<<20, 1<<20); !errors.Is(err, ErrBadParams) {
			t.Errorf("NewLayout(%+v): %v, want ErrBadParams", g, err)
		}
	}
}
