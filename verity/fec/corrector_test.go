package fec

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// difference is the parity difference that errors at the given positions
// cause: their remainder modulo the generator polynomial.
func difference(roots int, errors map[int]byte) []byte {
	f := galois()
	matrix := f.parityMatrix(roots)
	d := make([]byte, roots)
	for position, value := range errors {
		for j := range d {
			if position >= codewordLen-roots {
				if position == codewordLen-roots+j {
					d[j] ^= value
				}
			} else {
				d[j] ^= f.mul(matrix[j][position], value)
			}
		}
	}
	return d
}

// TestCorrector damages codewords in every way the code can undo: t errors at
// unknown places and e erasures with 2t+e at most roots.
func TestCorrector(t *testing.T) {
	t.Parallel()
	for roots := MinRoots; roots <= MaxRoots; roots++ {
		t.Run(fmt.Sprintf("roots=%d", roots), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(roots), 1))
			c := newCorrector(roots)
			for erased := 0; erased <= roots; erased++ {
				for unknown := 0; 2*unknown+erased <= roots; unknown++ {
					for range 4 {
						checkCorrector(t, c, random, erased, unknown)
					}
				}
			}
		})
	}
}

func checkCorrector(t *testing.T, c *corrector, random *rand.Rand, erased, unknown int) {
	t.Helper()
	places := random.Perm(codewordLen)[:erased+unknown]
	errors := map[int]byte{}
	for i, position := range places {
		errors[position] = byte(1 + random.IntN(255))
		if i < erased && random.IntN(4) == 0 {
			errors[position] = 0 // an erasure that was right
		}
	}
	n, ok := c.solve(difference(c.roots, errors), places[:erased])
	if !ok {
		t.Fatalf("%d roots, erasures %v, errors %v: not solved", c.roots, places[:erased], errors)
	}
	for i, position := range c.positions[:n] {
		if value, known := errors[position]; c.values[i] != value || !known && value != 0 {
			t.Fatalf("%d roots, erasures %v, errors %v: found %#x at %d", c.roots, places[:erased], errors, c.values[i], position)
		}
		delete(errors, position)
	}
	for position, value := range errors {
		if value != 0 {
			t.Fatalf("%d roots: error %#x at %d not found", c.roots, value, position)
		}
	}
}

// TestCorrectorOverload gives it more errors than the code can locate. It may
// find other errors that explain the difference, but whatever it claims must
// explain it, within the limits of the code.
func TestCorrectorOverload(t *testing.T) {
	t.Parallel()
	refused := 0
	for roots := MinRoots; roots <= MaxRoots; roots++ {
		random := rand.New(rand.NewPCG(uint64(roots), 2))
		c := newCorrector(roots)
		for range 100 {
			errors := map[int]byte{}
			for _, position := range random.Perm(codewordLen)[:roots/2+1+random.IntN(roots)] {
				errors[position] = byte(1 + random.IntN(255))
			}
			diff := difference(roots, errors)
			n, ok := c.solve(diff, nil)
			if !ok {
				refused++
				continue
			}
			found := map[int]byte{}
			for i, position := range c.positions[:n] {
				found[position] = c.values[i]
			}
			if n > roots/2 || !slices.Equal(difference(roots, found), diff) {
				t.Errorf("%d roots: claims %v for a difference it does not cause", roots, found)
			}
		}
	}
	if refused < 1000 {
		t.Errorf("only %d of 2300 overloaded codewords refused", refused)
	}
}

// FuzzCorrector solves arbitrary differences with arbitrary erasures; what it
// claims must explain the difference.
func FuzzCorrector(f *testing.F) {
	f.Add(uint8(0), []byte{0, 0}, []byte{})
	f.Add(uint8(0), []byte{1, 2}, []byte{})
	f.Add(uint8(0), []byte{1, 2}, []byte{3, 254})
	f.Add(uint8(22), []byte("a difference of 24 bytes"), []byte{1, 2, 3, 4, 5, 6, 7})
	f.Add(uint8(6), difference(8, map[int]byte{3: 7, 100: 9, 254: 1}), []byte{5, 6})
	f.Fuzz(func(t *testing.T, spare uint8, raw, places []byte) {
		roots := MinRoots + int(spare)%(MaxRoots-MinRoots+1)
		diff := make([]byte, roots)
		copy(diff, raw)
		var erasures []int
		for _, place := range places {
			if position := int(place) % codewordLen; len(erasures) < roots && !slices.Contains(erasures, position) {
				erasures = append(erasures, position)
			}
		}
		c := newCorrector(roots)
		n, ok := c.solve(diff, erasures)
		if !ok {
			return
		}
		found := map[int]byte{}
		unknown := 0
		for i, position := range c.positions[:n] {
			found[position] = c.values[i]
			if !slices.Contains(erasures, position) {
				unknown++
			}
		}
		if len(found) != n || 2*unknown+len(erasures) > roots && n > 0 {
			t.Errorf("%d roots, %d erasures: %d entries, %d new positions", roots, len(erasures), n, unknown)
		}
		if got := difference(roots, found); !slices.Equal(got, diff) {
			t.Errorf("%d roots, erasures %v: result causes %x, want %x", roots, erasures, got, diff)
		}
	})
}
