package verity

import "bytes"

// restore deals with a stored tree block that does not have the digest want. It
// notes the damage and goes on below with what the block should hold, if that
// can be proven.
func (w *walker) restore(level int, index uint64, want, stored []byte) error {
	if err := w.below.settle(); err != nil {
		return err
	}
	first, n := w.layout.children(level, index, 1)
	sums := make([]byte, int(n)*w.layout.digestSize)
	if err := w.below.sums(level-1, first, sums); err != nil {
		return err
	}
	digests, err := w.restoreFrom(level, index, want, stored, sums)
	if err != nil {
		return err
	}
	if digests == nil {
		w.lose(level, index)
		return nil
	}
	w.found.tree[level].add(index, 1)
	return w.below.verify(level-1, first, digests)
}

// restoreFrom looks for the digests that a damaged tree block should hold: a
// combination of those that it still holds, those of the blocks below as they
// are stored (sums), and guesses at what those should be where they are damaged
// too. Whatever has the digest want is right; nil when nothing has.
func (w *walker) restoreFrom(level int, index uint64, want, stored, sums []byte) ([]byte, error) {
	slots := make([]byte, len(sums))
	w.layout.unpack(slots, stored, 0)
	s := w.newSearch(want)
	if s.combine(slots) || s.combine(sums) || s.combine(slots, sums) {
		return s.digests, nil
	}
	if level == 0 || bytes.Equal(slots, sums) {
		return nil, nil
	}
	first, _ := w.layout.children(level, index, 1)
	g := newGuesses(len(sums))
	if err := w.below.estimate(level-1, first, g); err != nil {
		return nil, err
	}
	for _, lists := range [][][]byte{
		{g.remade},
		{g.likely},
		{sums, g.remade},
		{sums, g.likely},
		{slots, g.remade},
		{slots, g.likely},
		{g.remade, g.likely},
		{slots, sums, g.remade, g.likely},
	} {
		if s.combine(lists...) {
			return s.digests, nil
		}
	}
	return nil, nil
}

// guesses are the digests that some blocks of a level have or should have.
type guesses struct {
	stored []byte // of the blocks as they are
	remade []byte // of the blocks made anew from the data
	likely []byte // of the block as it is if it fits most of what is below, otherwise made anew
}

func newGuesses(n int) guesses {
	return guesses{stored: make([]byte, n), remade: make([]byte, n), likely: make([]byte, n)}
}

// grow is for memory that is used again.
func (g *guesses) grow(n int) guesses {
	return guesses{stored: grow(&g.stored, n), remade: grow(&g.remade, n), likely: grow(&g.likely, n)}
}

// cut splits g after n bytes.
func (g guesses) cut(n int) (head, tail guesses) {
	return guesses{g.stored[:n], g.remade[:n], g.likely[:n]}, guesses{g.stored[n:], g.remade[n:], g.likely[n:]}
}

// estimate implements lower.
func (w *walker) estimate(level int, first uint64, g guesses) error {
	if level < 0 {
		err := w.sums(level, first, g.stored)
		copy(g.remade, g.stored)
		copy(g.likely, g.stored)
		return err
	}
	for ; len(g.stored) > 0; first++ {
		var one guesses
		one, g = g.cut(w.layout.digestSize)
		if err := w.estimateBlock(level, first, one); err != nil {
			return err
		}
	}
	return nil
}

// estimateBlock is estimate for a single block of the tree.
func (w *walker) estimateBlock(level int, index uint64, g guesses) error {
	block, sum, err := w.read(level, index, 1)
	if err != nil {
		return err
	}
	copy(g.stored, sum)
	child, n := w.layout.children(level, index, 1)
	below := w.levels[level+1].guesses.grow(int(n) * w.layout.digestSize)
	if err := w.below.estimate(level-1, child, below); err != nil {
		return err
	}
	fits := 2*w.layout.arbitrate(block, below) >= int(n)
	w.remake(g.remade, block, below.remade)
	if fits {
		copy(g.likely, g.stored)
	} else {
		w.remake(g.likely, block, below.likely)
	}
	return nil
}

// remake is the digest that a block with these digests in it has. It uses block
// as memory.
func (w *walker) remake(sum, block, digests []byte) {
	clear(block)
	w.layout.pack(block, 0, digests)
	w.sumTree(sum, block)
}

// arbitrate settles what the blocks below should be wherever one of the guesses
// is the digest that block holds. It returns how often that is so.
func (l *Layout) arbitrate(block []byte, below guesses) (agree int) {
	for slot, at := 0, 0; at < len(below.stored); slot, at = slot+1, at+l.digestSize {
		held := block[l.digestOffset(slot):][:l.digestSize]
		for _, guess := range [][]byte{below.stored, below.remade, below.likely} {
			if bytes.Equal(held, guess[at:at+l.digestSize]) {
				copy(below.remade[at:], held)
				copy(below.likely[at:], held)
				agree++
				break
			}
		}
	}
	return agree
}

// sumTree hashes one tree block.
func (w *walker) sumTree(sum, block []byte) {
	w.gate.enter()
	defer w.gate.leave()
	w.hasher.SumBlocks(sum, block, w.layout.hashBlockSize)
}
