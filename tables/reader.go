package tables

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// reader walks through the words of one target's parameters. The first failure
// sticks: later calls return zero values, so a parser asks for its fields in
// order and looks at the error once.
type reader struct {
	target string
	words  []string
	next   int
	err    *ParseError

	printed int // where the status of an older kernel ended; 0: it did not
}

func (r *reader) fail(field string, cause error) {
	if r.err == nil {
		r.err = locate(r.target, field, cause)
	}
}

func (r *reader) failf(field string, kind error, format string, args ...any) {
	if r.err == nil {
		r.err = failf(r.target, field, kind, format, args...)
	}
}

// left is the number of words not read yet.
func (r *reader) left() int {
	if r.err != nil {
		return 0
	}
	return len(r.words) - r.next
}

// word reads one word of any text.
func (r *reader) word(field string) string {
	if r.left() == 0 {
		r.failf(field, ErrSyntax, "missing, the line ends before it (parameter words: %d)", len(r.words))
		return ""
	}
	r.next++
	return r.words[r.next-1]
}

// number reads a plain decimal.
func (r *reader) number(field string) uint64 {
	w := r.word(field)
	if r.err != nil {
		return 0
	}
	n, err := parseNumber(w)
	if err != nil {
		r.fail(field, err)
	}
	return n
}

// sectors reads a count of 512-byte sectors and returns bytes.
func (r *reader) sectors(field string) uint64 {
	w := r.word(field)
	if r.err != nil {
		return 0
	}
	n, err := parseSectors(w)
	if err != nil {
		r.fail(field, err)
	}
	return n
}

// take reads n words; nil when n is 0.
func (r *reader) take(field string, n uint64) []string {
	if r.err != nil || n == 0 {
		return nil
	}
	if n > uint64(r.left()) {
		r.failf(field, ErrSyntax, "the count says %d words, %d follow", n, r.left())
		return nil
	}
	ws := append([]string(nil), r.words[r.next:r.next+int(n)]...)
	r.next += int(n)
	return ws
}

// group reads a count and that many words, at most limit.
func (r *reader) group(field string, limit uint64) []string {
	n := r.number(field)
	if r.err == nil && n > limit {
		r.failf(field, ErrSyntax, "found %d words, want at most %d", n, limit)
	}
	return r.take(field, n)
}

// optionalGroup is group where a line may also end before the count.
func (r *reader) optionalGroup(field string, limit uint64) []string {
	if r.left() == 0 {
		return nil
	}
	return r.group(field, limit)
}

// rest reads all words that are left.
func (r *reader) rest() []string { return r.take("", uint64(r.left())) }

// end checks that every word was read.
func (r *reader) end() {
	if r.left() > 0 {
		r.failf("", ErrSyntax, "left over: parameter words %d to %d, from %s on", r.next+1, len(r.words), quoteWord(r.target, r.words[r.next]))
	}
}

// check records the failure of a check made on words already read.
func (r *reader) check(err error) {
	if r.err != nil || err == nil {
		return
	}
	if p, ok := err.(*ParseError); ok {
		r.err = p
		return
	}
	r.fail("", err)
}

const noLimit = math.MaxUint64

// parseNumber reads a plain decimal: digits only, no sign, at most 64 bits.
func parseNumber(w string) (uint64, error) {
	for i := 0; i < len(w); i++ {
		if w[i] < '0' || w[i] > '9' {
			return 0, &finding{ErrSyntax, w, "a decimal number"}
		}
	}
	n, err := strconv.ParseUint(w, 10, 64)
	if err != nil && w != "" {
		return 0, &finding{ErrSyntax, w, "a decimal number below 2^64"}
	}
	if err != nil {
		return 0, &finding{ErrSyntax, w, "a decimal number"}
	}
	return n, nil
}

// parseSectors reads a decimal count of 512-byte sectors and returns bytes.
func parseSectors(w string) (uint64, error) {
	n, err := parseNumber(w)
	if err != nil {
		return 0, err
	}
	b, ok := multiply(n, SectorSize)
	if !ok {
		return 0, &finding{ErrSyntax, w, "a number of sectors below 2^55"}
	}
	return b, nil
}

// parseRange reads a decimal between low and high, both included.
func parseRange(w string, low, high uint64) (uint64, error) {
	n, err := parseNumber(w)
	if err != nil {
		return 0, err
	}
	if n < low || n > high {
		want := strconv.FormatUint(low, 10) + " to " + strconv.FormatUint(high, 10)
		if high == noLimit {
			want = "at least " + strconv.FormatUint(low, 10)
		}
		return 0, &finding{ErrInvalid, w, want}
	}
	return n, nil
}

// oneOf finds word in names, ignoring case, and returns the kernel's spelling.
func oneOf(word string, names ...string) (string, error) {
	for _, n := range names {
		if equalFold(word, n) {
			return n, nil
		}
	}
	return "", &finding{ErrSyntax, word, "one of " + strings.Join(names, ", ")}
}

// equalFold compares as the kernel does where case does not matter: letters of
// ASCII only.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// multiply and add are the package's only overflow checks.
func multiply(a, b uint64) (uint64, bool) {
	hi, lo := bits.Mul64(a, b)
	return lo, hi == 0
}

func add(a, b uint64) (uint64, bool) {
	sum, carry := bits.Add64(a, b, 0)
	return sum, carry == 0
}
