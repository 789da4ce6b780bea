package hashes

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"slices"
	"strings"
	"testing"
)

// digest is one line of testdata/digests.txt.
type digest struct {
	algorithm string
	length    int
	want      []byte
}

// message makes the input that testdata/digests.py used.
func message(n int) []byte {
	m := make([]byte, n)
	for i := range m {
		m[i] = byte(i*7 + i/256)
	}
	return m
}

func readDigests(t testing.TB) []digest {
	t.Helper()
	f, err := os.Open("testdata/digests.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []digest
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		var d digest
		var hexDigest, source string
		if _, err := fmt.Sscan(s.Text(), &d.algorithm, &d.length, &hexDigest, &source); err != nil {
			t.Fatalf("testdata/digests.txt: %q: %v", s.Text(), err)
		}
		if d.want, err = hex.DecodeString(hexDigest); err != nil {
			t.Fatalf("testdata/digests.txt: %q: %v", s.Text(), err)
		}
		all = append(all, d)
	}
	return all
}

func mustLookup(t testing.TB, name string) Algorithm {
	t.Helper()
	a, err := Lookup(name)
	if err != nil {
		t.Fatalf("Lookup(%q): %v", name, err)
	}
	return a
}

// TestDigests compares with what OpenSSL, libgcrypt, Python and libxxhash
// computed, and demands that every algorithm of the list has such digests.
func TestDigests(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, d := range readDigests(t) {
		h := mustLookup(t, d.algorithm).New()
		h.Write(message(d.length))
		if got := h.Sum(nil); !bytes.Equal(got, d.want) {
			t.Errorf("%s of %d bytes: got %x, want %x", d.algorithm, d.length, got, d.want)
		}
		seen[d.algorithm]++
	}
	for _, name := range Names() {
		if seen[name] < 10 {
			t.Errorf("%s: only %d digests in testdata/digests.txt, want at least 10", name, seen[name])
		}
	}
	if len(seen) != len(Names()) {
		t.Errorf("digests.txt has %d algorithms, the list has %d", len(seen), len(Names()))
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		a := mustLookup(t, name)
		h := a.New()
		if h.Size() != a.Size || h.BlockSize() != a.BlockSize || len(h.Sum(nil)) != a.Size {
			t.Errorf("%s: hash says size %d, block %d, digest has %d bytes; list says %d and %d",
				name, h.Size(), h.BlockSize(), len(h.Sum(nil)), a.Size, a.BlockSize)
		}
	}
}

// TestSplitWrites writes the same message in pieces of every size up to three
// blocks, with a Sum after every piece, which must not disturb the state.
func TestSplitWrites(t *testing.T) {
	t.Parallel()
	m := message(700)
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := mustLookup(t, name)
			whole := a.New()
			whole.Write(m)
			want := whole.Sum(nil)
			h := a.New()
			h.Write([]byte("something to forget"))
			for piece := 1; piece <= 3*a.BlockSize; piece++ {
				h.Reset()
				for rest := m; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
					h.Write(rest[:min(piece, len(rest))])
					h.Sum(nil)
				}
				if got := h.Sum([]byte("ab")); string(got[:2]) != "ab" || !bytes.Equal(got[2:], want) {
					t.Fatalf("pieces of %d bytes: got %x, want ab and %x", piece, got, want)
				}
			}
		})
	}
}

// TestSumIndependent checks that two hashes made by one constructor share
// nothing.
func TestSumIndependent(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		a := mustLookup(t, name)
		h1, h2 := a.New(), a.New()
		h1.Write([]byte("one"))
		h2.Write([]byte("two"))
		h3 := a.New()
		h3.Write([]byte("one"))
		if bytes.Equal(h1.Sum(nil), h2.Sum(nil)) || !bytes.Equal(h1.Sum(nil), h3.Sum(nil)) {
			t.Errorf("%s: two hashes of one constructor disturb each other", name)
		}
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"sha256": "sha256", "SHA256": "sha256", "Sha-256": "sha256", "sha2-256": "sha256",
		"ripemd160": "rmd160", "RIPEMD": "rmd160", "whirlpool": "wp512", "WP512": "wp512",
		"blake2b512": "blake2b-512", "BLAKE2s256": "blake2s-256", "sha-512/256": "sha512-256",
	} {
		if a := mustLookup(t, given); a.Name != want {
			t.Errorf("Lookup(%q): got %q, want %q", given, a.Name, want)
		}
	}
	for _, name := range []string{
		"", "sha", "sha 256", " sha256", "sha256 ", "sha256\x00", "sha512/256", "sha3_256", "blake2b", "hmac(sha256)",
		"tgr192", "keccak-256", "null", strings.Repeat("x", 1<<16),
	} {
		a, err := Lookup(name)
		if !errors.Is(err, ErrUnknown) || a.New != nil {
			t.Errorf("Lookup(%.20q): got %q, %v; want ErrUnknown", name, a.Name, err)
		}
		if err != nil && len(err.Error()) > 400 {
			t.Errorf("Lookup of a %d byte name: the error has %d bytes", len(name), len(err.Error()))
		}
	}
	if _, err := Lookup("nosuch"); err == nil || !strings.Contains(err.Error(), `"nosuch"`) {
		t.Errorf("Lookup(nosuch): error %v does not name it", err)
	}
}

// TestNamesUnique checks the list itself: lower case, no name twice, and
// callers cannot change it.
func TestNamesUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, name := range Names() {
		a := mustLookup(t, name)
		for _, n := range append(a.Aliases(), a.Name) {
			if n != strings.ToLower(n) {
				t.Errorf("%s: name %q is not in lower case", name, n)
			}
			if other, ok := seen[n]; ok {
				t.Errorf("name %q belongs to %s and %s", n, other, name)
			}
			seen[n] = name
		}
	}
	Names()[0] = "changed"
	mustLookup(t, "ripemd").Aliases()[0] = "changed"
	if slices.Contains(Names(), "changed") || slices.Contains(mustLookup(t, "ripemd").Aliases(), "changed") {
		t.Error("a caller changed the list")
	}
}

// TestNoAllocation checks the steady state: Reset, Write and Sum into a slice
// with room allocate nothing.
func TestNoAllocation(t *testing.T) {
	m := message(4096)
	for _, name := range Names() {
		h := mustLookup(t, name).New()
		out := make([]byte, 0, 64)
		n := testing.AllocsPerRun(100, func() {
			h.Reset()
			h.Write(m[:100])
			h.Write(m)
			h.Sum(out)
		})
		if n != 0 {
			t.Errorf("%s: %v allocations per digest, want 0", name, n)
		}
	}
}

// FuzzSplit hashes arbitrary input in arbitrary pieces with every algorithm
// and compares with hashing it whole.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(nil), uint16(0), uint16(0))
	f.Add(message(64), uint16(1), uint16(63))
	f.Add(message(65), uint16(64), uint16(64))
	f.Add(message(300), uint16(100), uint16(228))
	f.Fuzz(func(t *testing.T, m []byte, cut1, cut2 uint16) {
		i := min(int(cut1), len(m))
		j := max(i, min(int(cut2), len(m)))
		for _, a := range algorithms {
			whole, parts := a.New(), a.New()
			whole.Write(m)
			parts.Write(m[:i])
			first := parts.Sum(nil)
			parts.Write(m[i:j])
			parts.Write(m[j:])
			if got, want := parts.Sum(nil), whole.Sum(nil); !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes cut at %d and %d: got %x, want %x", a.Name, len(m), i, j, got, want)
			}
			whole.Reset()
			whole.Write(m[:i])
			if got := whole.Sum(nil); !bytes.Equal(got, first) {
				t.Errorf("%s: first %d bytes: got %x in the middle, %x alone", a.Name, i, first, got)
			}
		}
	})
}

func BenchmarkHash(b *testing.B) {
	m := message(4096)
	for _, name := range Names() {
		b.Run("hash="+name+"/size=4096", func(b *testing.B) {
			h := mustLookup(b, name).New()
			out := make([]byte, 0, 64)
			b.SetBytes(int64(len(m)))
			b.ReportAllocs()
			for b.Loop() {
				benchOne(h, m, out)
			}
		})
	}
}

func benchOne(h hash.Hash, m, out []byte) {
	h.Reset()
	h.Write(m)
	h.Sum(out)
}
