package fec

import (
	"slices"

	"github.com/klauspost/reedsolomon"
)

// eraser computes the values of known erasures for many codewords at once. If
// the message bytes at e positions are replaced by zeros, the difference of
// the parity is the parity of what was there: e of its rows are e linear
// equations for the e values, and the other rows must then agree.
//
// This needs an e×e inversion only, where general Reed-Solomon reconstruction
// inverts a matrix as wide as the codeword.
type eraser struct {
	field     *field
	matrix    [][]byte // parity rows × message positions
	positions []int
	inverse   [][]byte // of the first rows and the columns of positions
}

func newEraser(roots int) *eraser {
	return &eraser{field: galois(), matrix: galois().parityMatrix(roots)}
}

// prepare sets the positions, at most as many as the matrix has rows. It
// costs nothing if they are the same as before.
func (e *eraser) prepare(positions []int) {
	if slices.Equal(positions, e.positions) {
		return
	}
	e.positions = append(e.positions[:0], positions...)
	n := len(positions)
	rows := make([][]byte, n) // the submatrix, then the unit matrix
	for j := range rows {
		rows[j] = make([]byte, 2*n)
		for k, position := range positions {
			rows[j][k] = e.matrix[j][position]
		}
		rows[j][n+j] = 1
	}
	e.field.eliminate(rows)
	e.inverse = rows
	for j, row := range rows {
		e.inverse[j] = row[n:]
	}
}

// eliminate turns the left half of rows into the unit matrix. Every square
// submatrix of a parity matrix is invertible, so there is always a pivot.
func (f *field) eliminate(rows [][]byte) {
	for i := range rows {
		pivot := i
		for rows[pivot][i] == 0 {
			pivot++
		}
		rows[i], rows[pivot] = rows[pivot], rows[i]
		scale := f.div(1, rows[i][i])
		for k := range rows[i] {
			rows[i][k] = f.mul(rows[i][k], scale)
		}
		for j := range rows {
			if factor := rows[j][i]; j != i && factor != 0 {
				for k := range rows[j] {
					rows[j][k] ^= f.mul(factor, rows[i][k])
				}
			}
		}
	}
}

// solve computes the values at the prepared positions from the rows of the
// parity difference, which it uses up. agree is false if the rows that are
// not needed contradict the result.
func (e *eraser) solve(values, difference [][]byte) (agree bool) {
	var bulk reedsolomon.LowLevel
	for k, value := range values {
		clear(value)
		for j, row := range difference[:len(values)] {
			bulk.GalMulSliceXor(e.inverse[k][j], row, value)
		}
	}
	agree = true
	for j, row := range difference[len(values):] {
		for k, value := range values {
			bulk.GalMulSliceXor(e.matrix[len(values)+j][e.positions[k]], value, row)
		}
		agree = agree && allZero(row)
	}
	return agree
}
