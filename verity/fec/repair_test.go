package fec

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

// TestRepairWithinPower damages every round at random: e listed blocks, u others
// and p bytes of parity in each codeword, with e + 2u + 2p at most the number of
// roots. All listed blocks must come back, the others must not be touched.
func TestRepairWithinPower(t *testing.T) {
	t.Parallel()
	for roots := MinRoots; roots <= MaxRoots; roots++ {
		random := rand.New(rand.NewPCG(uint64(roots), 7))
		p := Params{Roots: roots, BlockSize: 512 << random.IntN(3), Blocks: 1 + random.Uint64N(900)}
		m := newImage(t, p, uint64(roots))
		var damaged []Range
		var others []uint64
		for round := range p.Rounds() {
			blocks := m.round(round)
			e := random.IntN(min(roots, len(blocks)) + 1)
			u := random.IntN(min((roots-e)/2, len(blocks)-e) + 1)
			for _, b := range blocks[:e] {
				damaged = append(damaged, Range{b, b})
			}
			others = append(others, blocks[e:e+u]...)
			for _, b := range blocks[:e+u] {
				m.hurt(b)
			}
			for c := range p.BlockSize {
				at := (int(round)*p.BlockSize + c) * roots
				for _, j := range random.Perm(roots)[:random.IntN((roots-e)/2-u+1)] {
					m.parity[at+j] ^= byte(1 + random.IntN(255))
				}
			}
		}
		before := bytes.Clone(m.stream)
		got, err := m.decoder(t).Repair(t.Context(), m.stream, damaged, m.bad)
		if err != nil || len(got.Lost) > 0 || count(got.Repaired) != len(damaged) {
			t.Errorf("%+v, %d blocks listed: got %+v, %v", p, len(damaged), got, err)
		}
		for _, b := range others {
			copy(m.block(m.original, b), m.block(before, b))
		}
		if !bytes.Equal(m.stream, m.original) {
			t.Errorf("%+v: the image has other bytes than wanted", p)
		}
	}
}

// TestRepairPartly has a block that is damaged in some codewords and a parity
// that is destroyed in others: a hash can prove what comes out, otherwise nothing
// is written.
func TestRepairPartly(t *testing.T) {
	t.Parallel()
	p := Params{Roots: 12, BlockSize: 512, Blocks: 600}
	m := newImage(t, p, 1)
	m.stream[5*512+7] ^= 1
	for c := 2*512 + 100; c < 3*512; c++ { // of 3 rounds the one that has block 5
		for j := range p.Roots {
			m.parity[c*p.Roots+j] ^= byte(1 + m.random.IntN(255))
		}
	}
	for _, bad := range []BadFunc{nil, func(uint64, []byte) bool { return false }} {
		before := bytes.Clone(m.stream)
		got, err := m.decoder(t).Repair(t.Context(), m.stream, []Range{{5, 5}}, bad)
		if err != nil || count(got.Lost) != 1 || !bytes.Equal(m.stream, before) {
			t.Errorf("nothing known: got %+v, %v; want one lost block", got, err)
		}
	}
	got, err := m.decoder(t).Repair(t.Context(), m.stream, []Range{{5, 5}}, m.bad)
	if err != nil || count(got.Repaired) != 1 || !bytes.Equal(m.stream, m.original) {
		t.Errorf("with hashes: got %+v, %v; want one repaired block", got, err)
	}
}

// TestRepairTooManyListed lists a whole round, of which few blocks are damaged.
func TestRepairTooManyListed(t *testing.T) {
	t.Parallel()
	p := Params{Roots: 6, BlockSize: 32 << 10, Blocks: 200}
	m := newImage(t, p, 2)
	for _, b := range m.round(0)[:3] {
		m.hurt(b)
	}
	got, err := m.decoder(t).Repair(t.Context(), m.stream, []Range{{0, 199}}, m.bad)
	if err != nil || count(got.Repaired) != 200 || !bytes.Equal(m.stream, m.original) {
		t.Errorf("got %+v, %v; want 200 repaired blocks", got, err)
	}
}

// TestRepairCancel ends the context in the middle of a hopeless repair: it stops
// soon.
func TestRepairCancel(t *testing.T) {
	t.Parallel()
	p := Params{Roots: 24, BlockSize: 512, Blocks: 231 * 20, Jobs: 2}
	m := newImage(t, p, 3)
	m.random = rand.New(rand.NewPCG(4, 5))
	for b := range p.Blocks {
		m.hurt(b)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var after atomic.Int64
	bad := func(block uint64, data []byte) bool {
		if ctx.Err() != nil {
			after.Add(1)
		}
		cancel()
		return m.bad(block, data)
	}
	got, err := m.decoder(t).Repair(ctx, m.stream, []Range{{0, p.Blocks - 1}}, bad)
	if !errors.Is(err, context.Canceled) || count(got.Repaired) > 0 {
		t.Errorf("got %+v, %v; want context.Canceled", got, err)
	}
	if n := after.Load(); n > 2*4*231 {
		t.Errorf("%d blocks were looked at after the end", n)
	}
	if _, err := m.decoder(t).Repair(ctx, m.stream, []Range{{0, p.Blocks - 1}}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("from the start: got %v, want context.Canceled", err)
	}
}
