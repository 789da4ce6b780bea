package tables

import (
	"strconv"
	"strings"
)

// builder makes the parameter text of one target. Like reader it keeps the
// first failure.
type builder struct {
	target string
	words  []string
	err    *ParseError
}

func (b *builder) failf(field string, kind error, format string, args ...any) {
	if b.err == nil {
		b.err = failf(b.target, field, kind, format, args...)
	}
}

// word writes one word, escaped; an empty one is an error.
func (b *builder) word(field, w string) {
	e, err := escapeWord(w)
	if err != nil && b.err == nil {
		b.err = locate(b.target, field, err)
	}
	b.words = append(b.words, e)
}

// wordOr writes w, or instead when w is empty.
func (b *builder) wordOr(field, w, instead string) {
	if w == "" {
		w = instead
	}
	b.word(field, w)
}

func (b *builder) number(n uint64) {
	b.words = append(b.words, strconv.FormatUint(n, 10))
}

// sectors writes a byte count in sectors; it must be a multiple of 512.
func (b *builder) sectors(field string, bytes uint64) {
	if bytes%SectorSize != 0 {
		b.failf(field, ErrUnaligned, "%d bytes are not a multiple of %d", bytes, SectorSize)
	}
	b.number(bytes / SectorSize)
}

func (b *builder) list(field string, words []string) {
	for _, w := range words {
		b.word(field, w)
	}
}

// group writes a count and the words.
func (b *builder) group(field string, words []string) {
	b.number(uint64(len(words)))
	b.list(field, words)
}

// optionalGroup writes nothing at all for no words.
func (b *builder) optionalGroup(field string, words []string) {
	if len(words) > 0 {
		b.group(field, words)
	}
}

// check records a failed check of what is being written.
func (b *builder) check(err error) {
	if b.err != nil || err == nil {
		return
	}
	if p, ok := err.(*ParseError); ok {
		b.err = p
		return
	}
	b.err = locate(b.target, "", err)
}

// done joins the words, or returns the first failure.
func (b *builder) done() (string, error) {
	if b.err != nil {
		return "", b.err
	}
	return strings.Join(b.words, " "), nil
}

// limit refuses more option words than the kernel takes.
func (b *builder) limit(field string, words []string, most int) {
	if len(words) > most {
		b.failf(field, ErrSyntax, "found %d words, want at most %d", len(words), most)
	}
}
