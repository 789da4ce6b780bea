package tables

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// maxShown is the longest part of a word that an error repeats, in bytes.
const maxShown = 64

// Numbers of hexadecimal digits in a row from which a word is taken for a key
// and not shown: in targets that hold keys, where the target is not known yet,
// and in all others.
const (
	keyRun     = 8
	anyKeyRun  = 16
	longKeyRun = 32
)

// holdsKeys says whether the parameters of a target may contain key material.
// default-key is Android's relative of crypt, with the same first words.
func holdsKeys(target string) bool {
	switch target {
	case "crypt", "inlinecrypt", "default-key", "integrity":
		return true
	}
	return false
}

// quoteWord shows a word in an error: quoted and cut, or only its length when
// it may be key material. An empty target means "not known yet".
func quoteWord(target, word string) string {
	limit := longKeyRun
	switch {
	case holdsKeys(target):
		limit = keyRun
	case target == "":
		limit = anyKeyRun
	}
	if word == "" {
		return "nothing"
	}
	if hexRun(word) >= limit {
		return fmt.Sprintf("a word of %d bytes (not shown: it may be a key)", len(word))
	}
	if len(word) > maxShown {
		return strconv.Quote(word[:maxShown]) + fmt.Sprintf("… (%d bytes)", len(word))
	}
	return strconv.Quote(word)
}

// showTarget is a target name as errors print it. A misplaced key can stand
// where the name belongs, so long or hexadecimal ones are quoted with care.
func showTarget(name string) string {
	if _, known := lookup(name); known {
		return name
	}
	return quoteWord("", name)
}

// quoteName shows a device name in an error. Names are shown in full, unless
// white space in one suggests that it is a misread table line.
func quoteName(name string) string {
	if len(name) > maxName || strings.IndexFunc(name, unicode.IsSpace) >= 0 {
		return quoteWord("", name)
	}
	return strconv.Quote(name)
}

// hexRun is the length of the longest run of hexadecimal digits in s.
func hexRun(s string) int {
	best, run := 0, 0
	for i := 0; i < len(s); i++ {
		if !isHexDigit(s[i]) {
			run = 0
			continue
		}
		if run++; run > best {
			best = run
		}
	}
	return best
}

func isHexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// maskParams is params with every key replaced by zeros, as dmsetup prints
// them. It works on text that need not be well formed, so it rather masks too
// much: white space and escapes outside the keys stay as they are.
func maskParams(target, params string) string {
	var b strings.Builder
	word := 0
	for i := 0; i < len(params); {
		end := i
		if isSpace(params[i]) {
			for end < len(params) && isSpace(params[end]) {
				end++
			}
			b.WriteString(params[i:end])
		} else {
			end = wordEnd(params, i)
			b.WriteString(maskWord(target, word, params[i:end]))
			word++
		}
		i = end
	}
	return b.String()
}

// maskWord masks word number n (from 0) of a target's parameters.
func maskWord(target string, n int, word string) string {
	switch {
	case target == "integrity":
		return maskIntegrityWord(word)
	case holdsKeys(target):
		if n == 1 && word != "-" && !isKeyringWord(word) {
			return zeros(len(word))
		}
		if hexRun(word) == len(word) && len(word) >= anyKeyRun {
			return zeros(len(word))
		}
	case hexRun(word) == len(word) && len(word) >= longKeyRun && unknownTarget(target):
		return zeros(len(word))
	}
	return word
}

// isKeyringWord says whether a key word is a well formed keyring reference,
// which names a key and does not hold it.
func isKeyringWord(word string) bool { return checkKeyID(word) == nil }

// maskIntegrityWord zeroes the key of an integrity algorithm word such as
// journal_mac:hmac(sha256):00ff.
func maskIntegrityWord(word string) string {
	option, rest, ok := strings.Cut(word, ":")
	if !ok || !isIntegrityAlgorithm(option) {
		if hexRun(word) >= longKeyRun {
			return zeros(len(word))
		}
		return word
	}
	algorithm, key, ok := strings.Cut(rest, ":")
	if !ok {
		if hexRun(rest) >= anyKeyRun {
			return option + ":" + zeros(len(rest))
		}
		return word
	}
	return option + ":" + algorithm + ":" + zeros(len(key))
}

func zeros(n int) string { return strings.Repeat("0", n) }

// formatMasked implements fmt.Formatter for types that mask keys: whatever the
// verb, only the masked texts can come out.
func formatMasked(f fmt.State, verb rune, text, goText string) {
	switch {
	case verb == 'v' && f.Flag('#'):
		io.WriteString(f, goText)
	case verb == 's' || verb == 'q' || verb == 'x' || verb == 'X':
		fmt.Fprintf(f, fmt.FormatString(f, verb), text)
	default:
		io.WriteString(f, text)
	}
}
