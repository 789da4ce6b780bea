package fec

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sort"
)

// sampleRounds is how many rounds Sample looks at, and sampleColumns how much of
// each.
const (
	sampleRounds  = 8
	sampleColumns = minBlockSize
)

// Sample compares a little of the parity area at byte off of c.Parity with the
// covered stream before the changes: with c.Old or, if that is nil, with what of
// c.New shares no codeword with a listed block. It returns how many codewords it
// has compared and how many of them agree. Where next to none agrees, the area is
// not the parity of this stream, whatever it is: then [Reencode] and [Adjust]
// would spoil it. Bytes that have nothing to do with the stream agree by chance
// in one codeword of 256^Roots.
//
// Codewords of zeros are not counted, for they prove nothing. Nothing may be left
// to compare; then compared is 0.
func Sample(ctx context.Context, c Changes, off int64, p Params) (compared, agree int, err error) {
	if err := p.checkArea(off); err != nil {
		return 0, 0, err
	}
	touched, err := p.touchedColumns(c.Blocks)
	if err != nil {
		return 0, 0, err
	}
	src := c.Old
	if src == nil {
		src = c.New
	} else {
		touched = nil
	}
	groups, err := newGroups(p.Roots, sampleColumns)
	if err != nil {
		return 0, 0, err
	}
	s := newStrip(p, groups, sampleColumns)
	s.src = src
	for _, round := range p.sampledRounds(touched) {
		if err := s.encode(ctx, round*int64(p.BlockSize), sampleColumns); err != nil {
			return 0, 0, err
		}
		n, same, err := s.compareSample(c.Parity, off+round*int64(p.BlockSize)*int64(p.Roots))
		if err != nil {
			return 0, 0, err
		}
		compared, agree = compared+n, agree+same
	}
	return compared, agree, nil
}

// compareSample counts the codewords of a sample that are not zero, and those of
// them whose parity stands at byte at.
func (s *strip) compareSample(parity io.ReaderAt, at int64) (compared, agree int, err error) {
	roots := s.params.Roots
	want, stored := s.parity[:sampleColumns*roots], make([]byte, sampleColumns*roots)
	if got, err := parity.ReadAt(stored, at); got < len(stored) {
		return 0, 0, fmt.Errorf("fec: reading %d bytes of parity at offset %d: %w", len(stored), at, earlyEnd(err))
	}
	for i := 0; i < len(want); i += roots {
		if !allZero(want[i : i+roots]) {
			compared++
			if bytes.Equal(want[i:i+roots], stored[i:i+roots]) {
				agree++
			}
		}
	}
	return compared, agree, nil
}

// sampledRounds picks rounds all over the area, outside of columns.
func (p Params) sampledRounds(columns []extent) []int64 {
	size := int64(p.BlockSize)
	var free []extent // rounds
	at := int64(0)
	for _, c := range columns {
		if c.start/size > at {
			free = append(free, extent{at, c.start / size})
		}
		at = c.end / size
	}
	if rounds := int64(p.Rounds()); at < rounds {
		free = append(free, extent{at, rounds})
	}
	before := make([]int64, len(free)+1) // free rounds in front of each extent
	for i, f := range free {
		before[i+1] = before[i] + f.end - f.start
	}
	total := before[len(free)]
	n := min(sampleRounds, total)
	var list []int64
	for k := range n {
		nth := total/n*k + total%n*k/n
		i := sort.Search(len(free), func(i int) bool { return before[i+1] > nth })
		list = append(list, free[i].start+nth-before[i])
	}
	return list
}
