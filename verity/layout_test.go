package verity

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestLayoutGeometry(t *testing.T) {
	t.Parallel()
	base := params(0)
	tests := []struct {
		name   string
		change func(*Params)
		levels []levelExtent // lowest first
	}{
		{"1", func(p *Params) { p.DataBlocks = 1 }, nil},
		{"2", func(p *Params) { p.DataBlocks = 2 }, []levelExtent{{1, 1}}},
		{"128", func(p *Params) { p.DataBlocks = 128 }, []levelExtent{{1, 1}}},
		{"129", func(p *Params) { p.DataBlocks = 129 }, []levelExtent{{2, 2}, {1, 1}}},
		{"16384", func(p *Params) { p.DataBlocks = 16384 }, []levelExtent{{2, 128}, {1, 1}}},
		{"16385", func(p *Params) { p.DataBlocks = 16385 }, []levelExtent{{4, 129}, {2, 2}, {1, 1}}},
		{"64 GiB", func(p *Params) { p.DataBlocks = 1 << 24 }, []levelExtent{{1 + 9 + 1024, 131072}, {1 + 9, 1024}, {1 + 1, 8}, {1, 1}}},
		{"start 0", func(p *Params) { p.DataBlocks, p.HashStartBlock = 200, 0 }, []levelExtent{{1, 2}, {0, 1}}},
		{"sha1 type 0", func(p *Params) { p.DataBlocks, p.Algorithm, p.HashType = 129, "sha1", 0 }, []levelExtent{{2, 2}, {1, 1}}},
		{"sha512", func(p *Params) { p.DataBlocks, p.Algorithm = 65, "sha512" }, []levelExtent{{2, 2}, {1, 1}}},
		{"largest", func(p *Params) { p.DataBlocks, p.DataBlockSize, p.HashBlockSize = math.MaxInt64/512, 512, 524288 }, nil},
	}
	for _, test := range tests {
		p := base
		test.change(&p)
		l, err := NewLayout(p)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		checkLayout(t, p, &l)
		if test.name == "largest" {
			continue
		}
		if l.Levels() != len(test.levels) {
			t.Errorf("%s: got %d levels, want %d", test.name, l.Levels(), len(test.levels))
			continue
		}
		for i, want := range test.levels {
			if l.LevelStart(i) != want.start || l.LevelBlocks(i) != want.blocks {
				t.Errorf("%s, level %d: got %d blocks at %d, want %d at %d", test.name, i, l.LevelBlocks(i), l.LevelStart(i), want.blocks, want.start)
			}
		}
	}
}

// checkLayout demands what holds for every tree.
func checkLayout(t testing.TB, p Params, l *Layout) {
	t.Helper()
	if l.Levels() > maxLevels || l.HashStart() != p.HashStartBlock || l.HashEnd() < l.HashStart() || l.DataBlocks() != p.DataBlocks {
		t.Errorf("%s: got %d levels from %d to %d", describe(p), l.Levels(), l.HashStart(), l.HashEnd())
	}
	if l.DataBytes() <= 0 || l.HashOffset() < 0 || l.HashEndOffset() < l.HashOffset() {
		t.Errorf("%s: got %d bytes of data, tree from %d to %d", describe(p), l.DataBytes(), l.HashOffset(), l.HashEndOffset())
	}
	if 2*l.DigestSize() > p.HashBlockSize || l.DigestsPerBlock()*l.digestStride > p.HashBlockSize || l.digestStride < l.DigestSize() {
		t.Errorf("%s: %d digests of %d in slots of %d do not fit", describe(p), l.DigestsPerBlock(), l.DigestSize(), l.digestStride)
	}
	sum, below := uint64(0), l.DataBlocks()
	at := l.HashEnd()
	for level := range l.Levels() {
		n := l.LevelBlocks(level)
		if perBlock := uint64(l.DigestsPerBlock()); n != (below-1)/perBlock+1 {
			t.Errorf("%s, level %d: got %d blocks over %d", describe(p), level, n, below)
		}
		if at -= n; at != l.LevelStart(level) {
			t.Errorf("%s, level %d: got start %d, want %d", describe(p), level, l.LevelStart(level), at)
		}
		if first, under := l.dataUnder(level, n-1, 1); first+under != l.DataBlocks() {
			t.Errorf("%s, level %d: the last block covers %d from %d", describe(p), level, under, first)
		}
		if _, under := l.dataUnder(level, 0, n); under != l.DataBlocks() {
			t.Errorf("%s, level %d: all blocks cover %d of %d", describe(p), level, under, l.DataBlocks())
		}
		if span := l.spanBytes(level); span <= 0 || span > l.DataBytes() {
			t.Errorf("%s, level %d: span %d", describe(p), level, span)
		}
		sum, below = sum+n, n
	}
	if below != 1 || sum != l.HashBlocks() {
		t.Errorf("%s: top of %d blocks, %d in all, want 1 and %d", describe(p), below, sum, l.HashBlocks())
	}
}

func TestParamsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*Params)
		text   string
	}{
		"type 2":            {func(p *Params) { p.HashType = 2 }, "hash type 2"},
		"type -1":           {func(p *Params) { p.HashType = -1 }, "hash type -1"},
		"data block 256":    {func(p *Params) { p.DataBlockSize = 256 }, "data block size 256"},
		"data block 1 MiB":  {func(p *Params) { p.DataBlockSize = 1 << 20 }, "data block size 1048576"},
		"data block 4095":   {func(p *Params) { p.DataBlockSize = 4095 }, "power of two"},
		"hash block -4096":  {func(p *Params) { p.HashBlockSize = -4096 }, "hash block size -4096"},
		"salt of 257":       {func(p *Params) { p.Salt = make([]byte, 257) }, "salt of 257"},
		"jobs -1":           {func(p *Params) { p.Jobs = -1 }, "-1 jobs"},
		"no hash":           {func(p *Params) { p.Algorithm = "" }, `""`},
		"0 blocks":          {func(p *Params) { p.DataBlocks = 0 }, "0 data blocks"},
		"too many blocks":   {func(p *Params) { p.DataBlocks = 1 << 51 }, "size overflows"},
		"far too many":      {func(p *Params) { p.DataBlocks = math.MaxUint64 }, "size overflows"},
		"start overflows":   {func(p *Params) { p.HashStartBlock = 1 << 51 }, "offset overflows"},
		"start far":         {func(p *Params) { p.HashStartBlock = math.MaxUint64 }, "offset overflows"},
		"end overflows":     {func(p *Params) { p.HashStartBlock, p.DataBlocks = 1<<51-1, 2 }, "end overflows"},
		"tree end overflow": {func(p *Params) { p.HashStartBlock, p.DataBlocks = 1<<51-5, 1<<40 }, "end overflows"},
	} {
		p := params(10)
		test.change(&p)
		if err := p.Validate(); !errors.Is(err, ErrBadParams) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: got %v, want ErrBadParams with %q", name, err, test.text)
		}
	}
	if err := params(10).Validate(); err != nil {
		t.Errorf("usual parameters: got %v, want nil", err)
	}
}

func TestHashStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		off        int64
		superblock bool
		size       int
		want       uint64
		bad        bool
	}{
		{0, true, 4096, 1, false},
		{0, true, 512, 1, false},
		{0, true, 524288, 1, false},
		{512, true, 512, 2, false},
		{512, true, 1024, 1, false},
		{3584, true, 4096, 1, false},
		{4096, true, 4096, 2, false},
		{1 << 40, true, 4096, 1<<28 + 1, false},
		{math.MaxInt64 - 511, true, 524288, 1 << 44, false},
		{0, false, 4096, 0, false},
		{8192, false, 4096, 2, false},
		{512, false, 4096, 0, true},
		{1, true, 4096, 0, true},
		{-512, true, 512, 0, true},
		{0, true, 1000, 0, true},
		{0, false, 0, 0, true},
	}
	for _, test := range tests {
		got, err := HashStart(test.off, test.superblock, test.size)
		if got != test.want || (err != nil) != test.bad || test.bad && !errors.Is(err, ErrBadParams) {
			t.Errorf("offset %d, superblock %v, blocks of %d: got %d, %v, want %d", test.off, test.superblock, test.size, got, err, test.want)
		}
	}
}
