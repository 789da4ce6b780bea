package fec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
)

// image is a covered stream with its parity, and damage to both.
type image struct {
	params   Params
	original []byte
	stream   memory
	parity   memory
	random   *rand.Rand
}

func newImage(t testing.TB, p Params, seed uint64) *image {
	t.Helper()
	m := &image{params: p, original: randomBytes(seed, int(p.CoveredBytes())), random: rand.New(rand.NewPCG(seed, 3))}
	m.stream = append(memory(nil), m.original...)
	m.parity = encodeBytes(t, m.original, p)
	return m
}

func (m *image) block(b []byte, block uint64) []byte {
	size := uint64(m.params.BlockSize)
	return b[block*size:][:size]
}

// hurt overwrites a block with random bytes; none stays what it was.
func (m *image) hurt(block uint64) {
	for i := range m.block(m.stream, block) {
		m.block(m.stream, block)[i] ^= byte(1 + m.random.IntN(255))
	}
}

// round returns the blocks of one round in random order.
func (m *image) round(round uint64) []uint64 {
	var blocks []uint64
	for b := round; b < m.params.Blocks; b += m.params.Rounds() {
		blocks = append(blocks, b)
	}
	m.random.Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
	return blocks
}

// bad compares with the original, as a hash would.
func (m *image) bad(block uint64, data []byte) bool {
	return !bytes.Equal(data, m.block(m.original, block))
}

func (m *image) decoder(t testing.TB) *Decoder {
	t.Helper()
	d, err := NewDecoder(m.stream, m.parity, 0, m.params)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// geometries have shards of one and of several rounds, a shard that is half
// filled and some that are empty, and blocks longer than a window.
var geometries = []Params{
	{Roots: 2, BlockSize: 512, Blocks: 1},
	{Roots: 2, BlockSize: 512, Blocks: 600},
	{Roots: 3, BlockSize: 4096, Blocks: 130},
	{Roots: 8, BlockSize: 1024, Blocks: 247*2 + 1},
	{Roots: 24, BlockSize: 512, Blocks: 700},
	{Roots: 5, BlockSize: 32768, Blocks: 40},
}

func eachGeometry(t *testing.T, test func(t *testing.T, p Params)) {
	for _, p := range geometries {
		t.Run(fmt.Sprintf("roots=%d/size=%d/blocks=%d", p.Roots, p.BlockSize, p.Blocks), func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// TestRecover damages as many blocks of one round as the code can undo, with
// and without knowing which, and recovers all of them.
func TestRecover(t *testing.T) {
	t.Parallel()
	eachGeometry(t, func(t *testing.T, p Params) {
		for _, known := range []bool{false, true} {
			m := newImage(t, p, 1)
			count, bad := p.Roots/2, BadFunc(nil)
			if known {
				count, bad = p.Roots, m.bad
			}
			blocks := m.round(m.random.Uint64N(p.Rounds()))
			blocks = blocks[:min(count, len(blocks))]
			for _, b := range blocks {
				m.hurt(b)
			}
			d := m.decoder(t)
			got := make([]byte, p.BlockSize)
			for _, b := range blocks {
				if err := d.Recover(got, b, bad); err != nil || !bytes.Equal(got, m.block(m.original, b)) {
					t.Fatalf("known places %v, damaged %v: block %d not recovered: %v", known, blocks, b, err)
				}
			}
		}
	})
}

// TestRecoverTooMuch demands an error when there is one damaged block too
// many, and when the damage is of the parity.
func TestRecoverTooMuch(t *testing.T) {
	t.Parallel()
	eachGeometry(t, func(t *testing.T, p Params) {
		m := newImage(t, p, 2)
		blocks := m.round(0)
		if len(blocks) > p.Roots {
			for _, b := range blocks[:p.Roots+1] {
				m.hurt(b)
			}
			err := m.decoder(t).Recover(make([]byte, p.BlockSize), blocks[0], m.bad)
			if !errors.Is(err, ErrUnrepairable) {
				t.Errorf("%d damaged blocks: got %v, want ErrUnrepairable", p.Roots+1, err)
			}
		}
		m = newImage(t, p, 3)
		m.hurt(0)
		for i := range m.parity {
			m.parity[i] ^= byte(1 + m.random.IntN(255))
		}
		if err := m.decoder(t).Recover(make([]byte, p.BlockSize), 0, m.bad); !errors.Is(err, ErrUnrepairable) {
			t.Errorf("damaged parity: got %v, want ErrUnrepairable", err)
		}
	})
}

// TestRecoverParityDamage damages one block and some parity bytes; together
// they are within the code's limits if there are four roots or more.
func TestRecoverParityDamage(t *testing.T) {
	t.Parallel()
	p := Params{Roots: 8, BlockSize: 1024, Blocks: 1000}
	m := newImage(t, p, 4)
	m.hurt(777)
	for c := range p.ShardBytes() { // three of eight in every codeword
		for _, j := range m.random.Perm(p.Roots)[:3] {
			m.parity[c*int64(p.Roots)+int64(j)] ^= byte(1 + m.random.IntN(255))
		}
	}
	got := make([]byte, p.BlockSize)
	if err := m.decoder(t).Recover(got, 777, nil); err != nil || !bytes.Equal(got, m.block(m.original, 777)) {
		t.Errorf("block 777 not recovered: %v", err)
	}
}

// unreadable is a stream in which some blocks cannot be read.
type unreadable struct {
	memory
	blockSize int64
	blocks    map[int64]bool
}

func (u unreadable) ReadAt(p []byte, off int64) (int, error) {
	for b := off / u.blockSize; b*u.blockSize < off+int64(len(p)); b++ {
		if u.blocks[b] {
			return 0, errors.New("input/output error")
		}
	}
	return u.memory.ReadAt(p, off)
}

// TestRecoverUnreadable takes blocks that cannot be read as erasures, without
// any hash: as many as there are roots, and no more.
func TestRecoverUnreadable(t *testing.T) {
	t.Parallel()
	eachGeometry(t, func(t *testing.T, p Params) {
		m := newImage(t, p, 5)
		broken := unreadable{memory: m.stream, blockSize: int64(p.BlockSize), blocks: map[int64]bool{}}
		d, err := NewDecoder(broken, m.parity, 0, p)
		if err != nil {
			t.Fatal(err)
		}
		blocks := m.round(p.Rounds() - 1)
		got := make([]byte, p.BlockSize)
		for _, b := range blocks[:min(p.Roots, len(blocks))] {
			broken.blocks[int64(b)] = true
		}
		if err := d.Recover(got, blocks[0], nil); err != nil || !bytes.Equal(got, m.block(m.original, blocks[0])) {
			t.Errorf("%d unreadable blocks: block %d not recovered: %v", len(broken.blocks), blocks[0], err)
		}
		if len(blocks) > p.Roots {
			broken.blocks[int64(blocks[p.Roots])] = true
			if err := d.Recover(got, blocks[0], m.bad); !errors.Is(err, ErrUnrepairable) {
				t.Errorf("%d unreadable blocks: got %v, want ErrUnrepairable", len(broken.blocks), err)
			}
		}
	})
}

func TestRecoverMisuse(t *testing.T) {
	t.Parallel()
	p := Params{Roots: 2, BlockSize: 512, Blocks: 600}
	m := newImage(t, p, 6)
	d := m.decoder(t)
	if err := d.Recover(make([]byte, 512), 600, nil); !errors.Is(err, ErrBadParams) {
		t.Errorf("block behind the end: got %v, want ErrBadParams", err)
	}
	if err := d.Recover(make([]byte, 511), 0, nil); !errors.Is(err, ErrBadParams) {
		t.Errorf("short buffer: got %v, want ErrBadParams", err)
	}
	short, err := NewDecoder(m.stream, m.parity[:100], 0, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := short.Recover(make([]byte, 512), 0, nil); err == nil || errors.Is(err, ErrUnrepairable) {
		t.Errorf("short parity: got %v, want an error about reading", err)
	}
	if _, err := NewDecoder(m.stream, m.parity, -1, p); !errors.Is(err, ErrBadParams) {
		t.Errorf("negative offset: got %v, want ErrBadParams", err)
	}
}

// TestRepair damages a random set of blocks, at most Roots in a round, and
// repairs the image in place.
func TestRepair(t *testing.T) {
	t.Parallel()
	eachGeometry(t, func(t *testing.T, p Params) {
		for _, withHashes := range []bool{false, true} {
			m := newImage(t, p, 7)
			var damaged []Range
			for round := range p.Rounds() {
				blocks := m.round(round)
				for _, b := range blocks[:min(len(blocks), m.random.IntN(p.Roots+1))] {
					m.hurt(b)
					damaged = append(damaged, Range{b, b})
				}
			}
			var bad BadFunc
			if withHashes {
				bad = m.bad
			}
			var told atomic.Int64
			m.params.Progress = func(n int64) { told.Add(n) }
			got, err := m.decoder(t).Repair(t.Context(), m.stream, damaged, bad)
			if err != nil || len(got.Lost) != 0 || !bytes.Equal(m.stream, m.original) {
				t.Fatalf("hashes %v, %d damaged: %v, lost %v, image right: %v",
					withHashes, len(damaged), err, got.Lost, bytes.Equal(m.stream, m.original))
			}
			if n := count(got.Repaired); n != len(damaged) || told.Load() != int64(n*p.BlockSize) {
				t.Errorf("hashes %v: %d blocks reported repaired, progress %d, want %d", withHashes, n, told.Load(), len(damaged))
			}
		}
	})
}

func count(ranges []Range) (n int) {
	for _, r := range ranges {
		n += int(r.Last - r.First + 1)
	}
	return n
}

// TestRepairLost has one round with too much damage, which must be left alone,
// and one where there is damage that was not listed.
func TestRepairLost(t *testing.T) {
	t.Parallel()
	p := Params{Roots: 6, BlockSize: 512, Blocks: 249 * 4}
	m := newImage(t, p, 8)
	lost := m.round(1)[:7]
	mixed := m.round(2)[:4] // two listed, two not: 2 + 2×2 is 6
	for _, b := range slices.Concat(lost, mixed) {
		m.hurt(b)
	}
	damaged := []Range{{mixed[0], mixed[0]}, {mixed[1], mixed[1]}}
	for _, b := range lost {
		damaged = append(damaged, Range{b, b})
	}
	for _, bad := range []BadFunc{nil, m.bad} {
		before := append(memory(nil), m.stream...)
		got, err := m.decoder(t).Repair(t.Context(), m.stream, damaged, bad)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range lost {
			if !bytes.Equal(m.block(m.stream, b), m.block(before, b)) {
				t.Errorf("lost block %d was written", b)
			}
		}
		if count(got.Lost) != len(lost) || count(got.Repaired) != 2 {
			t.Errorf("repaired %v, lost %v; want %v repaired, %v lost", got.Repaired, got.Lost, mixed[:2], lost)
		}
		for _, b := range mixed[:2] {
			if m.bad(b, m.block(m.stream, b)) {
				t.Errorf("block %d is not right after the repair", b)
			}
			m.hurt(b)
		}
	}
}

// TestRepairUnlisted lists a block in a round with other damage beyond the
// code's reach without hashes: nothing may be written.
func TestRepairUnlisted(t *testing.T) {
	t.Parallel()
	p := Params{Roots: 4, BlockSize: 512, Blocks: 251}
	m := newImage(t, p, 9)
	blocks := m.round(0)[:4]
	for _, b := range blocks {
		m.hurt(b)
	}
	before := append(memory(nil), m.stream...)
	got, err := m.decoder(t).Repair(t.Context(), m.stream, []Range{{blocks[0], blocks[0]}}, nil)
	if err != nil || count(got.Lost) != 1 || !bytes.Equal(before, m.stream) {
		t.Errorf("got %+v, %v, image changed: %v; want one lost block", got, err, !bytes.Equal(before, m.stream))
	}
	got, err = m.decoder(t).Repair(t.Context(), m.stream, []Range{{blocks[0], blocks[0]}}, m.bad)
	if err != nil || count(got.Repaired) != 1 || m.bad(blocks[0], m.block(m.stream, blocks[0])) {
		t.Errorf("with hashes: got %+v, %v; want it repaired", got, err)
	}
	if _, err := m.decoder(t).Repair(t.Context(), m.stream, []Range{{0, 251}}, nil); !errors.Is(err, ErrBadParams) {
		t.Errorf("range behind the end: got %v, want ErrBadParams", err)
	}
	broken := errors.New("broken")
	if _, err := m.decoder(t).Repair(t.Context(), failing{broken}, []Range{{blocks[1], blocks[1]}}, m.bad); !errors.Is(err, broken) {
		t.Errorf("failing write: got %v, want it", err)
	}
}

// TestCheck damages blocks and parity and looks for them.
func TestCheck(t *testing.T) {
	t.Parallel()
	eachGeometry(t, func(t *testing.T, p Params) {
		m := newImage(t, p, 10)
		report, err := Check(t.Context(), m.stream, m.parity, 0, p)
		if err != nil || !report.OK() || len(report.Blocks)+len(report.Parity)+len(report.Unclear) != 0 {
			t.Fatalf("undamaged: got %+v, %v", report, err)
		}
		hurt := m.random.Uint64N(p.Blocks)
		m.hurt(hurt)
		at := m.random.Int64N(p.ParityBytes())
		for at/int64(p.Roots)/int64(p.BlockSize) == int64(hurt%p.Rounds()) && p.Rounds() > 1 {
			at = m.random.Int64N(p.ParityBytes())
		}
		codewords := uint64(p.BlockSize)
		if p.Rounds() > 1 { // another codeword
			m.parity[at] ^= 0x40
			codewords++
		}
		report, err = Check(t.Context(), m.stream, m.parity, 0, p)
		if err != nil || report.OK() || report.Codewords != codewords {
			t.Fatalf("block %d and parity byte %d damaged: got %+v, %v; want %d codewords", hurt, at, report, err, codewords)
		}
		if !slices.Equal(report.Blocks, []Range{{hurt, hurt}}) || len(report.Unclear) != 0 {
			t.Errorf("block %d damaged: got %+v", hurt, report)
		}
		if b := uint64(at) / uint64(p.BlockSize); p.Rounds() > 1 && !slices.Equal(report.Parity, []Range{{b, b}}) {
			t.Errorf("parity block %d damaged: got %+v", b, report)
		}
	})
}

// TestCheckUnclear has too much damage to tell where it is.
func TestCheckUnclear(t *testing.T) {
	t.Parallel()
	p := Params{Roots: 8, BlockSize: 512, Blocks: 247 * 6}
	m := newImage(t, p, 11)
	for _, b := range m.round(3)[:7] {
		m.hurt(b)
	}
	report, err := Check(t.Context(), m.stream, m.parity, 0, p)
	if err != nil || report.Codewords != 512 || !slices.Equal(report.Unclear, []Range{{3, 3}}) {
		t.Errorf("got %+v, %v; want 512 codewords, round 3 unclear", report, err)
	}
	if _, err := Check(t.Context(), m.stream, m.parity[:1000], 0, p); err == nil {
		t.Error("short parity: no error")
	}
	if _, err := Check(t.Context(), m.stream, m.parity, 0, Params{}); !errors.Is(err, ErrBadParams) {
		t.Errorf("no parameters: got %v, want ErrBadParams", err)
	}
}

func TestBlockSet(t *testing.T) {
	t.Parallel()
	s := blockSet{}
	for _, n := range []uint64{199, 0, 1, 2, 63, 64, chunkBits - 1, chunkBits, 1 << 60} {
		s.add(n)
	}
	want := []Range{{0, 2}, {63, 64}, {199, 199}, {chunkBits - 1, chunkBits}, {1 << 60, 1 << 60}}
	if got := s.ranges(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !s.contains(1<<60) || s.contains(1<<60+1) || s.contains(65) || s.contains(1<<50) {
		t.Error("contains is wrong")
	}
	for n := range s.all() {
		if n > 1 {
			t.Fatalf("all goes on to %d after the loop was left", n)
		}
		if n == 1 {
			break
		}
	}
	if got := (blockSet{}).ranges(); got != nil {
		t.Errorf("empty: got %v", got)
	}
}

// TestAbsurdSizes gives sizes that no device has: an error, and no memory for
// them.
func TestAbsurdSizes(t *testing.T) {
	t.Parallel()
	p := Params{Roots: 2, BlockSize: 512, Blocks: math.MaxInt64/512 - 255}
	empty := memory(nil)
	if _, err := Check(t.Context(), empty, empty, 0, p); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Check: got %v, want io.ErrUnexpectedEOF", err)
	}
	d, err := NewDecoder(empty, empty, 0, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Recover(make([]byte, 512), p.Blocks-1, nil); !errors.Is(err, ErrUnrepairable) {
		t.Errorf("Recover: got %v, want ErrUnrepairable", err)
	}
	got, err := d.Repair(t.Context(), empty, []Range{{p.Blocks - 1, p.Blocks - 1}}, nil)
	if err != nil || count(got.Lost) != 1 {
		t.Errorf("Repair: got %+v, %v; want one lost block", got, err)
	}
}

// FuzzRecover damages arbitrary bytes of a small image. With the hash asked,
// Recover must give the right content or an error.
func FuzzRecover(f *testing.F) {
	p := Params{Roots: 4, BlockSize: 512, Blocks: 300}
	clean := newImage(f, p, 12)
	f.Add([]byte{}, uint16(0))
	f.Add([]byte{1, 0, 0, 9, 1, 0, 2, 9}, uint16(256))
	f.Add(bytes.Repeat([]byte{0, 77, 3, 255}, 40), uint16(154))
	f.Fuzz(func(t *testing.T, damage []byte, block uint16) {
		m := *clean
		m.stream = append(memory(nil), clean.stream...)
		m.parity = append(memory(nil), clean.parity...)
		for ; len(damage) >= 4; damage = damage[4:] {
			at := int(damage[0])<<16 | int(damage[1])<<8 | int(damage[2])
			if all := len(m.stream) + len(m.parity); at%all < len(m.stream) {
				m.stream[at%all] ^= damage[3]
			} else {
				m.parity[at%all-len(m.stream)] ^= damage[3]
			}
		}
		b := uint64(block) % p.Blocks
		got := make([]byte, p.BlockSize)
		err := m.decoder(t).Recover(got, b, m.bad)
		if err == nil && m.bad(b, got) {
			t.Errorf("block %d: wrong content without an error", b)
		}
		if err != nil && !errors.Is(err, ErrUnrepairable) {
			t.Errorf("block %d: %v", b, err)
		}
		if _, err := Check(t.Context(), m.stream, m.parity, 0, p); err != nil {
			t.Errorf("Check: %v", err)
		}
	})
}
