package tables

import (
	"fmt"
	"strings"
)

// isSpace says whether c separates words: the white space of ASCII.
func isSpace(c byte) bool {
	return c == ' ' || c >= '\t' && c <= '\r'
}

// splitWords cuts a parameter string into words as the kernel does:
// white space separates, a backslash makes the next byte literal.
func splitWords(params string) ([]string, error) {
	if strings.IndexByte(params, 0) >= 0 {
		return nil, fmt.Errorf("%w: a NUL byte cannot stand in a table", ErrSyntax)
	}
	var words []string
	for i := 0; i < len(params); {
		if isSpace(params[i]) {
			i++
			continue
		}
		end := wordEnd(params, i)
		word, err := unescape(params[i:end])
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		i = end
	}
	return words, nil
}

// wordEnd is the index after the word that starts at i, escapes included.
func wordEnd(s string, i int) int {
	for i < len(s) && !isSpace(s[i]) {
		if s[i] == '\\' {
			i++
		}
		i++
	}
	return min(i, len(s))
}

func unescape(word string) (string, error) {
	if strings.IndexByte(word, '\\') < 0 {
		return word, nil
	}
	b := make([]byte, 0, len(word))
	for i := 0; i < len(word); i++ {
		if word[i] == '\\' {
			if i++; i == len(word) {
				return "", fmt.Errorf("%w: the backslash at the end has nothing to escape", ErrSyntax)
			}
		}
		b = append(b, word[i])
	}
	return string(b), nil
}

// escapeWord is the inverse of unescape. Besides white space and the backslash
// it escapes byte 0xA0, which a kernel that classifies bytes as Latin-1 takes
// for a space; an escape does no harm where it is not needed.
func escapeWord(word string) (string, error) {
	if word == "" {
		return "", fmt.Errorf("%w: a word is missing (empty text cannot be written)", ErrSyntax)
	}
	extra := 0
	for i := 0; i < len(word); i++ {
		if word[i] == 0 {
			return "", fmt.Errorf("%w: a NUL byte cannot be written", ErrSyntax)
		}
		if needsEscape(word[i]) {
			extra++
		}
	}
	if extra == 0 {
		return word, nil
	}
	b := make([]byte, 0, len(word)+extra)
	for i := 0; i < len(word); i++ {
		if needsEscape(word[i]) {
			b = append(b, '\\')
		}
		b = append(b, word[i])
	}
	return string(b), nil
}

func needsEscape(c byte) bool { return isSpace(c) || c == '\\' || c == 0xA0 }

// trimSpace removes white space around s, but not a last one that a backslash
// makes part of a word.
func trimSpace(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	end := len(s)
	for end > 0 && isSpace(s[end-1]) {
		end--
	}
	slashes := 0
	for slashes < end && s[end-1-slashes] == '\\' {
		slashes++
	}
	if slashes%2 == 1 && end < len(s) {
		end++
	}
	return s[:end]
}
