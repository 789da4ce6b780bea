package fec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
)

// updates are the two ways to bring parity up to date.
var updates = map[string]func(ctx context.Context, c Changes, dst io.WriterAt, off int64, p Params) error{
	"Reencode": Reencode, "Adjust": Adjust,
}

// ascending is a parity area that demands writes in ascending order, one at a time.
type ascending struct {
	memory
	t    *testing.T
	busy atomic.Bool
	end  int64
	n    int64
}

func (a *ascending) WriteAt(p []byte, off int64) (int, error) {
	if a.busy.Swap(true) || off < a.end {
		a.t.Errorf("a write at %d while another goes on, or after one that ended at %d", off, a.end)
	}
	defer a.busy.Store(false)
	a.end = off + int64(len(p))
	a.n += int64(len(p))
	return a.memory.WriteAt(p, off)
}

// randomChanges edits blocks of a stream and lists them, and some others.
func randomChanges(random *rand.Rand, p Params, stream []byte) (now []byte, list []Range) {
	now = bytes.Clone(stream)
	change := func(first, last uint64) {
		list = append(list, Range{first, last})
		for b := first; b <= last; b++ {
			block := now[b*uint64(p.BlockSize):][:p.BlockSize]
			switch random.IntN(4) {
			case 0: // listed only
			case 1:
				clear(block)
			default:
				block[random.IntN(len(block))] ^= byte(1 + random.IntN(255))
			}
		}
	}
	switch random.IntN(5) {
	case 0:
	case 1:
		change(0, p.Blocks-1)
	case 2:
		change(0, 0)
		change(p.Blocks-1, p.Blocks-1)
	case 3:
		first := random.Uint64N(p.Blocks)
		change(first, first+random.Uint64N(p.Blocks-first))
	default:
		for range 1 + random.IntN(30) {
			first := random.Uint64N(p.Blocks)
			change(first, min(p.Blocks-1, first+random.Uint64N(4)))
		}
	}
	return now, list
}

// TestUpdatesEqualEncode changes streams at random; both ways must give what Encode
// makes of the result.
func TestUpdatesEqualEncode(t *testing.T) {
	t.Parallel()
	for roots := MinRoots; roots <= MaxRoots; roots++ {
		t.Run(fmt.Sprint("roots=", roots), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(roots), 6))
			rounds, bits := 12, 12
			if testing.Short() {
				rounds, bits = 3, 10
			}
			for round := range rounds {
				p := Params{Roots: roots, BlockSize: 512 << random.IntN(4), Blocks: 1 + random.Uint64N(1<<random.IntN(bits)), Jobs: 1 + random.IntN(3)}
				if round == 0 && roots%6 == 2 && !testing.Short() {
					p.BlockSize, p.Blocks = 256<<10, 5
				}
				compareUpdates(t, random, p)
			}
		})
	}
}

func compareUpdates(t *testing.T, random *rand.Rand, p Params) {
	t.Helper()
	const off = 512
	old := randomBytes(random.Uint64(), int(p.CoveredBytes()))
	now, list := randomChanges(random, p, old)
	before := append(make(memory, off), encodeBytes(t, old, p)...)
	want := append(make(memory, off), encodeBytes(t, now, p)...)
	given := slices.Clone(list)
	for name, update := range updates {
		var told atomic.Int64
		p := p
		p.Progress = func(n int64) { told.Add(n) }
		dst := &ascending{memory: slices.Clone(before), t: t}
		c := Changes{Blocks: list, New: bytes.NewReader(now), Old: bytes.NewReader(old), Parity: dst.memory}
		if err := update(t.Context(), c, dst, off, p); err != nil || !bytes.Equal(dst.memory, want) {
			t.Fatalf("%s of %+v, changed %v: %v, parity right: %t", name, p, list, err, bytes.Equal(dst.memory, want))
		}
		if touched := p.TouchedBytes(list); told.Load() != touched || dst.n != touched || touched > p.ParityBytes() {
			t.Errorf("%s of %+v: progress of %d bytes, %d written, want %d of %d", name, p, told.Load(), dst.n, touched, p.ParityBytes())
		}
	}
	if !slices.Equal(list, given) {
		t.Error("the list was changed")
	}
}

// TestAdjustKeepsDamage has damaged old parity: Adjust leaves just that damage,
// Reencode none of it where something has changed.
func TestAdjustKeepsDamage(t *testing.T) {
	t.Parallel()
	p := Params{Roots: 5, BlockSize: 512, Blocks: 900}
	m := newImage(t, p, 3)
	m.hurt(1)
	wrong := slices.Clone(m.parity)
	wrong[512*5+3] ^= 7 // round 1
	c := Changes{Blocks: []Range{{1, 1}}, New: m.stream, Old: bytes.NewReader(m.original), Parity: wrong}
	adjusted, again := slices.Clone(wrong), slices.Clone(wrong)
	if err := errors.Join(Adjust(t.Context(), c, adjusted, 0, p), Reencode(t.Context(), c, again, 0, p)); err != nil {
		t.Fatal(err)
	}
	want := encodeBytes(t, m.stream, p)
	if !bytes.Equal(again, want) {
		t.Error("Reencode: the parity is not right")
	}
	adjusted[512*5+3] ^= 7
	if !bytes.Equal(adjusted, want) {
		t.Error("Adjust: the parity has other damage than before")
	}
}

// TestUpdateErrors has devices fail and lists that are wrong.
func TestUpdateErrors(t *testing.T) {
	t.Parallel()
	p := Params{Roots: 3, BlockSize: 512, Blocks: 1500, Jobs: 2}
	m := newImage(t, p, 4)
	broken := errors.New("broken")
	good := Changes{Blocks: []Range{{5, 1000}}, New: m.stream, Old: m.stream, Parity: m.parity}
	for name, update := range updates {
		for what, c := range map[string]struct {
			change func(c *Changes, p *Params)
			dst    io.WriterAt
			off    int64
			want   error
			both   bool
		}{
			"new":           {func(c *Changes, _ *Params) { c.New = failing{broken} }, m.parity, 0, broken, true},
			"old":           {func(c *Changes, _ *Params) { c.Old = failing{broken} }, m.parity, 0, broken, false},
			"parity":        {func(c *Changes, _ *Params) { c.Parity = failing{broken} }, m.parity, 0, broken, false},
			"short":         {func(c *Changes, _ *Params) { c.New = bytes.NewReader(m.stream[:200000]) }, m.parity, 0, io.ErrUnexpectedEOF, true},
			"short parity":  {func(c *Changes, _ *Params) { c.Parity = m.parity[:4500] }, slices.Clone(m.parity), 0, io.ErrUnexpectedEOF, false},
			"out":           {func(*Changes, *Params) {}, failing{broken}, 0, broken, true},
			"past the end":  {func(c *Changes, _ *Params) { c.Blocks = []Range{{0, 1500}} }, failing{broken}, 0, ErrBadParams, true},
			"all, then bad": {func(c *Changes, _ *Params) { c.Blocks = []Range{{0, 1499}, {7, 6}} }, failing{broken}, 0, ErrBadParams, true},
			"backwards":     {func(c *Changes, _ *Params) { c.Blocks = []Range{{7, 6}} }, failing{broken}, 0, ErrBadParams, true},
			"offset":        {func(*Changes, *Params) {}, failing{broken}, -1, ErrBadParams, true},
			"parameters":    {func(_ *Changes, p *Params) { p.Roots = 1 }, failing{broken}, 0, ErrBadParams, true},
			"nothing to do": {func(c *Changes, _ *Params) { c.Blocks = nil }, failing{broken}, 0, nil, true},
		} {
			if !c.both && name == "Reencode" {
				continue
			}
			changes, params := good, p
			c.change(&changes, &params)
			if err := update(t.Context(), changes, c.dst, c.off, params); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: got %v, want %v", name, what, err, c.want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		params := p
		params.Progress = func(int64) { cancel() }
		params.Blocks = 1 << 22
		endless := Changes{Blocks: []Range{{0, 1<<22 - 1}}, New: zeros{}, Old: zeros{}, Parity: zeros{}}
		if err := update(ctx, endless, discard{}, 0, params); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, cancelled: got %v, want context.Canceled", name, err)
		}
		cancel()
	}
	if n := p.TouchedBytes([]Range{{5, 1500}}); n != 0 {
		t.Errorf("TouchedBytes of a list past the end: got %d, want 0", n)
	}
}

// TestUpdateMemory updates the beginning of 64 GiB with many jobs and counts all
// memory ever allocated.
func TestUpdateMemory(t *testing.T) {
	for name, update := range updates {
		for _, jobs := range []int{0, 8, 1024} {
			for _, roots := range []int{2, 10, 11, 24} {
				ctx, cancel := context.WithCancel(context.Background())
				var pieces atomic.Int64
				p := Params{Roots: roots, BlockSize: 4096, Blocks: 64 << 30 / 4096, Jobs: jobs}
				p.Progress = func(int64) {
					if pieces.Add(1) == 40 {
						cancel()
					}
				}
				c := Changes{Blocks: []Range{{100, 100 + p.Blocks/90}}, New: zeros{}, Old: zeros{}, Parity: zeros{}}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := update(ctx, c, discard{}, 0, p)
				runtime.ReadMemStats(&after)
				cancel()
				if !errors.Is(err, context.Canceled) {
					t.Errorf("%s, %d jobs: got %v, want context.Canceled", name, jobs, err)
				}
				if used := after.TotalAlloc - before.TotalAlloc; used > 40<<20 {
					t.Errorf("%s, %d jobs, %d roots: %d bytes allocated, want at most 40 MiB", name, jobs, roots, used)
				}
			}
		}
	}
}

// TestSample tells the parity of a stream from everything else.
func TestSample(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(8, 8))
	for _, roots := range []int{2, 10, 11, 24} {
		p := Params{Roots: roots, BlockSize: 512, Blocks: 5000 + random.Uint64N(1000)}
		m := newImage(t, p, uint64(roots))
		now, list := bytes.Clone(m.original), []Range{{3, 5}, {777, 777}}
		for _, b := range []int{3, 5, 777} {
			now[b*512] ^= 1
		}
		all := []Range{{0, p.Blocks - 1}}
		shifted := append(make(memory, 512), m.parity...)
		for name, c := range map[string]struct {
			Changes
			off   int64
			known bool
			fits  bool
		}{
			"old":           {Changes{all, nil, bytes.NewReader(m.original), m.parity}, 0, true, true},
			"new":           {Changes{list, bytes.NewReader(now), nil, m.parity}, 0, true, true},
			"at its offset": {Changes{list, bytes.NewReader(now), nil, shifted}, 512, true, true},
			"another one":   {Changes{list, bytes.NewReader(now), nil, shifted}, 0, true, false},
			"noise":         {Changes{list, bytes.NewReader(now), nil, memory(randomBytes(3, len(m.parity)))}, 0, true, false},
			"nothing left":  {Changes{all, bytes.NewReader(now), nil, m.parity}, 0, false, false},
			"zeros":         {Changes{list, zeros{}, nil, zeros{}}, 0, false, false},
		} {
			compared, agree, err := Sample(t.Context(), c.Changes, c.off, p)
			if err != nil || (compared > 0) != c.known || c.fits && agree != compared || !c.fits && agree > compared/1000 || compared > sampleRounds*sampleColumns {
				t.Errorf("%d roots, %s: got %d of %d, %v", roots, name, agree, compared, err)
			}
		}
		damaged := slices.Clone(m.parity)
		copy(damaged, randomBytes(1, len(damaged)/2))
		if compared, agree, err := Sample(t.Context(), Changes{list, bytes.NewReader(now), nil, damaged}, 0, p); err != nil || agree < compared/4 || agree == compared {
			t.Errorf("%d roots, half damaged: got %d of %d, %v", roots, agree, compared, err)
		}
	}
	broken := errors.New("broken")
	p := Params{Roots: 2, BlockSize: 512, Blocks: 3000}
	for want, c := range map[error]Changes{
		broken:              {nil, failing{broken}, nil, zeros{}},
		io.ErrUnexpectedEOF: {nil, zeros{}, nil, make(memory, 100)},
		ErrBadParams:        {[]Range{{0, 3000}}, zeros{}, nil, zeros{}},
	} {
		if _, _, err := Sample(t.Context(), c, 0, p); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

// TestSampledRounds picks rounds that are not touched, from all of the area.
func TestSampledRounds(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 2))
	for range 500 {
		p := Params{Roots: 2, BlockSize: 512, Blocks: 1 + random.Uint64N(1<<random.IntN(16))}
		var list []Range
		for range random.IntN(6) {
			first := random.Uint64N(p.Blocks)
			list = append(list, Range{first, first + random.Uint64N(p.Blocks-first)/uint64(1+random.IntN(50))})
		}
		columns, err := p.touchedColumns(list)
		if err != nil {
			t.Fatal(err)
		}
		touched := int64(0)
		for _, c := range columns {
			touched += (c.end - c.start) / 512
		}
		rounds := p.sampledRounds(columns)
		if want := min(sampleRounds, int64(p.Rounds())-touched); int64(len(rounds)) != want {
			t.Fatalf("%d of %d rounds touched: got %v, want %d rounds", touched, p.Rounds(), rounds, want)
		}
		for i, r := range rounds {
			if i > 0 && r <= rounds[i-1] || r >= int64(p.Rounds()) || slices.ContainsFunc(columns, func(c extent) bool { return c.start <= r*512 && r*512 < c.end }) {
				t.Fatalf("changed %v: got rounds %v of %d", list, rounds, p.Rounds())
			}
		}
	}
}

// FuzzUpdates gives any list of blocks; both ways must agree with Encode.
func FuzzUpdates(f *testing.F) {
	f.Add(uint8(2), uint8(0), uint16(300), []byte{0, 1, 2, 200})
	f.Add(uint8(24), uint8(1), uint16(1), []byte{0, 0})
	f.Add(uint8(9), uint8(3), uint16(40), []byte{39, 39, 3, 3, 0, 39})
	f.Fuzz(func(t *testing.T, roots, size uint8, blocks uint16, list []byte) {
		p := Params{Roots: MinRoots + int(roots)%(MaxRoots-MinRoots+1), BlockSize: 512 << (size % 4), Blocks: 1 + uint64(blocks%600), Jobs: 2}
		old := randomBytes(uint64(blocks), int(p.CoveredBytes()))
		now := bytes.Clone(old)
		var ranges []Range
		for ; len(list) >= 2; list = list[2:] {
			r := Range{uint64(list[0]), uint64(list[1])}
			ranges = append(ranges, r)
			if r.First <= r.Last && r.Last < p.Blocks {
				now[r.First*uint64(p.BlockSize)] ^= 0x31
				now[(r.Last+1)*uint64(p.BlockSize)-1] ^= 0x13
			}
		}
		parity := encodeBytes(t, old, p)
		want := encodeBytes(t, now, p)
		for name, update := range updates {
			got := slices.Clone(parity)
			err := update(t.Context(), Changes{Blocks: ranges, New: bytes.NewReader(now), Old: bytes.NewReader(old), Parity: got}, got, 0, p)
			if err != nil && !errors.Is(err, ErrBadParams) {
				t.Fatalf("%s: got %v, want ErrBadParams", name, err)
			}
			if err == nil && !bytes.Equal(got, want) {
				t.Fatalf("%s of %+v, %v: the parity is not right", name, p, ranges)
			}
		}
	})
}
