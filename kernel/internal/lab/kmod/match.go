package kmod

import "strings"

// match reports whether name fits a pattern with the wildcards of fnmatch(3): "*"
// and "?" also match "/", "[…]" is a class with ranges and "!", "\" takes the next
// byte as it is. It looks at each pair of bytes a bounded number of times.
func match(pattern, name string) bool {
	star, retry := -1, 0 // the last "*", and where in name it is tried next
	p, n := 0, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			star, retry = p, n
			p++
			continue
		}
		if width := one(pattern[p:], name[n]); width > 0 {
			p += width
			n++
			continue
		}
		if star < 0 {
			return false
		}
		retry++
		p, n = star+1, retry
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// one returns how many bytes of pattern match c, which is one character; 0 if they
// do not.
func one(pattern string, c byte) int {
	if pattern == "" {
		return 0
	}
	switch pattern[0] {
	case '?':
		return 1
	case '[':
		return class(pattern, c)
	case '\\':
		if len(pattern) > 1 && pattern[1] == c {
			return 2
		}
		return 0
	}
	if pattern[0] == c {
		return 1
	}
	return 0
}

// class is one for a pattern that begins with "[".
func class(pattern string, c byte) int {
	i, negated := 1, false
	if i < len(pattern) && pattern[i] == '!' {
		negated = true
		i++
	}
	found := false
	for first := i; i < len(pattern) && (pattern[i] != ']' || i == first); i++ {
		low, high := pattern[i], pattern[i]
		if i+2 < len(pattern) && pattern[i+1] == '-' && pattern[i+2] != ']' {
			high = pattern[i+2]
			i += 2
		}
		found = found || low <= c && c <= high
	}
	if i == len(pattern) || found == negated {
		return 0
	}
	return i + 1
}
