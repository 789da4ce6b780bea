package verity

import (
	"bytes"
	"context"
	"testing"
)

// TestUpdateAllocationsDoNotGrow compares lists of changes over an image with lists
// twice as long.
func TestUpdateAllocationsDoNotGrow(t *testing.T) {
	skipCounting(t)
	const large = 48000
	p := Params{HashType: 1, Algorithm: "md5", DataBlockSize: 512, HashBlockSize: 512, DataBlocks: large, Jobs: 2}
	old := &memory{b: pattern(large*512, 1)}
	now := &memory{b: bytes.Clone(old.b)}
	for at := 7; at < len(now.b); at += 512 {
		now.b[at] ^= 1
	}
	hash := new(memory)
	if _, err := Build(context.Background(), old, hash, p); err != nil {
		t.Fatal(err)
	}
	out := &memory{b: make([]byte, len(hash.b))}
	lists := map[string]func(n uint64) []Range{
		"a run": func(n uint64) []Range { return []Range{{0, n - 1}} },
		"scattered": func(n uint64) (list []Range) {
			for b := uint64(0); b < n; b += 5 {
				list = append(list, Range{b, b})
			}
			return list
		},
	}
	for name, list := range lists {
		allocs := func(n uint64) float64 {
			changed := list(n)
			return testing.AllocsPerRun(3, func() {
				if _, err := Update(context.Background(), now, hash, out, p, changed, UpdateOptions{OldData: old}); err != nil {
					t.Fatal(err)
				}
			})
		}
		if small, big := allocs(large/2), allocs(large); big > small+150 {
			t.Errorf("%s: got %v allocations for %d blocks, %v for %d; want about as many", name, small, large/2, big, large)
		}
	}
	compare := func(n uint64) float64 {
		p := p
		p.DataBlocks = n
		return testing.AllocsPerRun(3, func() {
			if _, err := ChangedBlocks(context.Background(), old, now, p); err != nil {
				t.Fatal(err)
			}
		})
	}
	if small, big := compare(large/2), compare(large); big > small+100 {
		t.Errorf("comparing: got %v allocations for %d blocks, %v for %d; want about as many", small, large/2, big, large)
	}
}
