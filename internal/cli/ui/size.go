package ui

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// errSize is the cause of every refused size.
var errSize = errors.New("a size is digits and one of the suffixes S (512-byte sectors), K M G T (or KiB … TiB, 1024), KB MB GB TB (1000)")

const (
	binaryPrefixes = "KMGTPE"
	sectorBytes    = 512
)

// ParseSize reads a number of bytes: plain digits, or digits with one of the
// suffixes S (512-byte sectors), K, M, G, T, P, E or KiB, MiB, … (powers of 1024)
// and KB, MB, … (powers of 1000), in any case. Signs, blanks, fractions and
// values of 2⁶³ and more are refused.
func ParseSize(text string) (int64, error) {
	digits := 0
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		digits++
	}
	if digits == 0 {
		return 0, fmt.Errorf("size %q: %w", text, errSize)
	}
	unit, err := unitOf(text[digits:])
	if err != nil {
		return 0, fmt.Errorf("size %q: %w", text, err)
	}
	n, err := strconv.ParseUint(text[:digits], 10, 63)
	if err != nil || n > math.MaxInt64/uint64(unit) {
		return 0, fmt.Errorf("size %q: more than %d bytes", text, int64(math.MaxInt64))
	}
	return int64(n) * unit, nil
}

// unitOf returns the bytes that a suffix stands for.
func unitOf(suffix string) (int64, error) {
	s := strings.ToUpper(suffix)
	switch s {
	case "", "B":
		return 1, nil
	case "S":
		return sectorBytes, nil
	}
	power := strings.IndexByte(binaryPrefixes, s[0]) + 1
	if power == 0 {
		return 0, errSize
	}
	base := int64(1024)
	switch s[1:] {
	case "", "IB":
	case "B":
		base = 1000
	default:
		return 0, errSize
	}
	unit := int64(1)
	for range power {
		unit *= base
	}
	return unit, nil
}

// FormatSize writes a number of bytes for people: the exact bytes and, from 1 KiB
// on, the largest binary unit in brackets, as in "1536 bytes (1.5 KiB)".
func FormatSize(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	if n < 1024 && n > -1024 {
		return fmt.Sprintf("%d bytes", n)
	}
	v := float64(n)
	unit := -1
	for math.Abs(v) >= 1024 && unit < len(binaryPrefixes)-1 {
		v /= 1024
		unit++
	}
	short := strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	return fmt.Sprintf("%d bytes (%s %ciB)", n, short, binaryPrefixes[unit])
}
