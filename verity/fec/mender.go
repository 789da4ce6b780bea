package fec

// mender undoes damage in a window whose parity was compared. Damage comes in
// blocks, so the codewords of a block mostly have their errors at the same
// positions: it locates the errors of one codeword and then computes the
// values at these positions for all the others at once. Where the surplus
// parity agrees, this is what decoding each codeword would give, since at most
// one set of so few errors explains a codeword.
type mender struct {
	window    *window
	corrector *corrector
	eraser    *eraser
	memory    []byte
	values    [][]byte // rows for the eraser
	positions []int    // of values
}

// mend returns the window's mender.
func (w *window) mend() *mender {
	if w.mender == nil {
		w.mender = &mender{
			window:    w,
			corrector: newCorrector(w.params.Roots),
			eraser:    newEraser(w.params.Roots),
			memory:    make([]byte, len(w.parity)),
			values:    make([][]byte, 0, w.params.Roots),
			positions: make([]int, 0, w.params.Roots),
		}
	}
	return w.mender
}

// each corrects the message bytes of the first n columns of the window, whose
// column 0 is the given column of the shards, and calls found for every
// codeword with errors: with their positions, or with ok false if they are too
// many to locate. It stops when found returns false.
func (m *mender) each(column int64, n int, erasures []int, found func(c int, positions []int, ok bool) bool) {
	for from := 0; from < n; from += m.window.params.BlockSize {
		to := min(n, from+m.window.params.BlockSize)
		if !m.block(column, from, to, erasures, found) {
			return
		}
	}
}

// block is each for columns [from, to), which lie in one round.
func (m *mender) block(column int64, from, to int, erasures []int, found func(c int, positions []int, ok bool) bool) bool {
	w := m.window
	tried := false // to find the errors of the whole block at once
	for c := from; c < to; c++ {
		if allZero(w.difference(c)) {
			continue
		}
		var errors []int
		ok := tried && m.agree(c)
		if ok {
			errors = m.apply(c, c-from)
		} else {
			n := 0
			if n, ok = m.correct(column, c, erasures); ok && !tried {
				tried = true
				m.spread(column, from, to, n)
			}
			errors = m.corrector.positions[:n]
		}
		if !found(c, errors, ok) {
			return false
		}
	}
	return true
}

// correct finds the errors of the codeword in column c of the window and
// mends its message bytes. The result is left in m.corrector. It refuses
// corrections of the zeros behind the covered stream, which cannot be damaged.
func (m *mender) correct(column int64, c int, erasures []int) (n int, ok bool) {
	w, k := m.window, m.corrector
	n, ok = k.solve(w.difference(c), erasures)
	if !ok {
		return 0, false
	}
	for i, position := range k.positions[:n] {
		if k.values[i] != 0 && w.params.padding(position, column+int64(c)+1) {
			return 0, false
		}
	}
	for i, position := range k.positions[:n] {
		if position < w.params.Shards() {
			w.shards[position][c] ^= k.values[i]
		}
	}
	return n, true
}

// padding reports that a message position is behind the covered stream at the
// last column before end.
func (p Params) padding(position int, end int64) bool {
	return position < p.Shards() && int64(position)*p.ShardBytes()+end > p.CoveredBytes()
}

// spread computes the values at those of the n positions just found that are in
// the message, for all codewords from column from to column to. Afterwards the
// surplus rows of the parity shards are zero where the result is right. With
// errors behind the covered stream it leaves everything as it was.
func (m *mender) spread(column int64, from, to, n int) {
	w := m.window
	m.positions, m.values = m.positions[:0], m.values[:0]
	for _, position := range m.corrector.positions[:n] {
		if position >= w.params.Shards() { // of the parity: other codewords have other ones
			continue
		}
		if w.params.padding(position, column+int64(to)) {
			m.positions, m.values = m.positions[:0], m.values[:0]
			return
		}
		m.values = append(m.values, m.memory[len(m.positions)*(to-from):][:to-from])
		m.positions = append(m.positions, position)
	}
	if len(m.positions) == 0 {
		return
	}
	var rows [MaxRoots][]byte
	for j := range w.params.Roots {
		rows[j] = w.shards[w.params.Shards()+j][from:to]
	}
	m.eraser.prepare(m.positions)
	m.eraser.solve(m.values, rows[:w.params.Roots])
}

// agree reports that the values computed by spread are right for column c.
func (m *mender) agree(c int) bool {
	w := m.window
	if len(m.positions) == 0 {
		return false
	}
	var rest byte
	for _, row := range w.shards[w.params.Shards()+len(m.positions):] {
		rest |= row[c]
	}
	return rest == 0
}

// apply mends column c with the values of spread, in which it is column i, and
// returns the positions that had errors, valid until the next codeword.
func (m *mender) apply(c, i int) []int {
	errors := m.corrector.positions[:0]
	for k, position := range m.positions {
		if v := m.values[k][i]; v != 0 {
			m.window.shards[position][c] ^= v
			errors = append(errors, position)
		}
	}
	return errors
}
