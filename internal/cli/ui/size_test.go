package ui

import (
	"math"
	"strconv"
	"testing"
)

func TestParseSize(t *testing.T) {
	t.Parallel()
	good := map[string]int64{
		"0": 0, "4096": 4096, "8S": 4096, "8s": 4096, "7B": 7,
		"1K": 1024, "1KiB": 1024, "1kib": 1024, "1KB": 1000, "3kB": 3000,
		"2M": 2 << 20, "2MiB": 2 << 20, "2MB": 2_000_000,
		"64G": 64 << 30, "1T": 1 << 40, "1TB": 1_000_000_000_000, "7E": 7 << 60,
		"9223372036854775807": math.MaxInt64,
	}
	for text, want := range good {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	bad := []string{
		"", "K", "-1", "+1", " 1", "1 ", "1.5K", "0x10", "1X", "1KiBB", "1Ki", "1KBs", "1_000",
		"9223372036854775808", "8E", "18014398509481984S", "99999999999999999999",
	}
	for _, text := range bad {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", text, got)
		}
	}
}

func TestFormatSize(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 1023: "1023 bytes", 1024: "1024 bytes (1 KiB)",
		1536: "1536 bytes (1.5 KiB)", 64 << 30: "68719476736 bytes (64 GiB)",
		math.MaxInt64: "9223372036854775807 bytes (8 EiB)",
	} {
		if got := FormatSize(n); got != want {
			t.Errorf("FormatSize(%d) = %q, want %q", n, got, want)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"1", "8S", "1KiB", "1KB", "7E", "-1", "1.5G", "99999999999999999999T"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseSize(text)
		if err != nil {
			return
		}
		if n < 0 {
			t.Fatalf("ParseSize(%q) = %d, want no negative size", text, n)
		}
		again, err := ParseSize(strconv.FormatInt(n, 10))
		if err != nil || again != n {
			t.Fatalf("ParseSize(%d), from %q = %d, %v", n, text, again, err)
		}
	})
}
