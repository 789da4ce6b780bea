package fec

import (
	"sync"

	"github.com/klauspost/reedsolomon"
)

// powerRow has a value for every power of alpha, from 0 to 255.
type powerRow [256]byte

// syndromesRow is the beginning of a powerRow that has the syndromes; a
// multiple of the vector size.
const syndromesRow = 64

// powers returns the rows alpha^(k×n) over n, for all powers k that polynomials
// have here; they are read-only.
var powers = sync.OnceValue(func() *[MaxRoots + 1]powerRow {
	f, rows := galois(), new([MaxRoots + 1]powerRow)
	for k := range rows {
		for n := range rows[k] {
			rows[k][n] = f.power(k * n)
		}
	}
	return rows
})

// sumPowers puts the values of a polynomial, lowest power first, at alpha^n into
// values[n], as many as there is room for.
func sumPowers(values, polynomial []byte) {
	var bulk reedsolomon.LowLevel
	clear(values)
	rows := powers()
	for k, v := range polynomial {
		if v != 0 {
			bulk.GalMulSliceXor(v, rows[k][:len(values)], values)
		}
	}
}
