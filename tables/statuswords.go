package tables

import (
	"slices"
	"strconv"
	"strings"
)

// statusWords cuts the text of a status into words: white space separates, and
// nothing is escaped, as the kernel does not escape what it prints.
func statusWords(text string) []string { return strings.FieldsFunc(text, isSpaceRune) }

func isSpaceRune(c rune) bool { return c < 0x80 && isSpace(byte(c)) }

// none is what the kernel prints for a number or name that there is not.
const none = "-"

// state reads the whole text when it is one of texts, which the kernel prints in
// place of everything else; it is "" otherwise.
func (r *reader) state(texts ...string) string {
	text := strings.Join(r.words, " ")
	if !slices.Contains(texts, text) {
		return ""
	}
	r.next = len(r.words)
	return text
}

// more says whether words are left, where an older kernel's text may end. What
// the answer was once is kept for tail.
func (r *reader) more() bool {
	if r.left() > 0 {
		return true
	}
	if r.printed == 0 {
		r.printed = r.next
	}
	return false
}

// tail completes a header at the end of a status: what was not printed, and the
// words that are left.
func (r *reader) tail(h StatusHeader) StatusHeader {
	h.Printed = r.printed
	h.Extra = r.rest()
	return h
}

// ratio reads "a/b".
func (r *reader) ratio(field string) (a, b uint64) {
	w := r.word(field)
	if r.err != nil {
		return 0, 0
	}
	return r.pair(field, w, "/", "two decimal numbers with / between them")
}

// pair reads the two numbers of w.
func (r *reader) pair(field, w, separator, want string) (a, b uint64) {
	first, second, _ := strings.Cut(w, separator)
	a, err := parseNumber(first)
	if err == nil {
		b, err = parseNumber(second)
	}
	if err != nil {
		r.fail(field, &finding{ErrSyntax, w, want})
		return 0, 0
	}
	return a, b
}

// maybe reads a number, or nil for "-".
func (r *reader) maybe(field string) *uint64 {
	if r.left() > 0 && r.words[r.next] == none {
		r.next++
		return nil
	}
	n := r.number(field)
	return &n
}

// flag reads one of two words and says whether it is yes.
func (r *reader) flag(field, yes, no string) bool {
	w := r.word(field)
	if r.err == nil && w != yes && w != no {
		r.fail(field, &finding{ErrSyntax, w, yes + " or " + no})
	}
	return w == yes
}

// statusWriter makes the text of a status.
type statusWriter struct {
	target string
	words  []statusWord
	raw    *string // the text itself, in place of words
	closed bool    // a blank follows the last word too
	err    *ParseError
}

// statusWord is one word and what it is called in errors.
type statusWord struct{ field, text string }

func (w *statusWriter) word(field, text string) { w.words = append(w.words, statusWord{field, text}) }

func (w *statusWriter) number(n uint64) { w.word("", strconv.FormatUint(n, 10)) }

func (w *statusWriter) numbers(ns ...uint64) {
	for _, n := range ns {
		w.number(n)
	}
}

func (w *statusWriter) ratio(a, b uint64) {
	w.word("", strconv.FormatUint(a, 10)+"/"+strconv.FormatUint(b, 10))
}

// maybe writes a number, "-" for nil.
func (w *statusWriter) maybe(n *uint64) {
	if n == nil {
		w.word("", none)
		return
	}
	w.number(*n)
}

func (w *statusWriter) flag(is bool, yes, no string) {
	if !is {
		yes = no
	}
	w.word("", yes)
}

func (w *statusWriter) list(field string, words []string) {
	for _, s := range words {
		w.word(field, s)
	}
}

// group writes a count and the words.
func (w *statusWriter) group(field string, words []string) {
	w.number(uint64(len(words)))
	w.list(field, words)
}

// state writes a text that stands in place of everything else, and says whether
// there was one.
func (w *statusWriter) state(text string) bool {
	if text == "" {
		return false
	}
	w.list("state", strings.Fields(text))
	return true
}

func (w *statusWriter) verbatim(text string) { w.raw = &text }

// text joins the words that h says are printed.
func (w *statusWriter) text(h StatusHeader) (string, error) {
	if w.err != nil {
		return "", w.err
	}
	if w.raw != nil {
		if strings.IndexByte(*w.raw, 0) >= 0 {
			return "", failf(w.target, "", ErrSyntax, "a NUL byte cannot be written")
		}
		return *w.raw, nil
	}
	if h.Printed < 0 || h.Printed != 0 && (h.Printed >= len(w.words) || len(h.Extra) > 0) {
		return "", failf(w.target, "", ErrSyntax, "%d printed and %d extra words of a status of %d", h.Printed, len(h.Extra), len(w.words))
	}
	if h.Printed > 0 {
		w.words = w.words[:h.Printed]
	}
	w.list("extra", h.Extra)
	return w.join()
}

// join checks the words: one that would not read back as one is an error.
func (w *statusWriter) join() (string, error) {
	var b strings.Builder
	for i, s := range w.words {
		if s.text == "" || strings.IndexFunc(s.text, isSpaceRune) >= 0 || strings.IndexByte(s.text, 0) >= 0 {
			return "", locate(w.target, s.field, &finding{ErrSyntax, s.text, "a word without white space and NUL"})
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s.text)
	}
	if w.closed && len(w.words) > 0 {
		b.WriteByte(' ')
	}
	return b.String(), nil
}
