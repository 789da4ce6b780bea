package bench

import (
	"context"
	"errors"
	"testing"
)

func TestParseEVP(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]float64{
		"3223094776 aa 3.0.19\n": 3223094776,
		"3223094776 bb 3.0.19\n": 0, // made something else
		"0 aa 3.0.19\n":          0,
		"fast aa 3.0.19\n":       0,
		"3223094776 aa\n":        0,
		"":                       0,
	} {
		got, err := parseEVP(said, "aa")
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: got %v, %v; want %v", said, got, err, want)
		}
	}
}

// TestOpenSSLMakesTheSame holds the peer to our output, where it is built.
func TestOpenSSLMakesTheSame(t *testing.T) {
	for _, size := range []int{512, 4096} {
		for _, decrypt := range []bool{true, false} {
			rate, err := opensslEVP(testKey(64), size, decrypt).rate(t.Context())
			if errors.Is(err, errNotHere) {
				t.Skip(err)
			}
			if err != nil || rate <= 0 {
				t.Errorf("%d-byte sectors, decrypt %v: %v, %v", size, decrypt, rate, err)
			}
		}
	}
}

// TestRowsLeftOut measures a loop of which one contestant is not on this machine.
func TestRowsLeftOut(t *testing.T) {
	t.Parallel()
	var missing []string
	l := loop{name: "work", lacks: func(what string) { missing = append(missing, what) }, contestants: []contestant{
		{name: "ours", baseline: true, bytes: 1, call: func() {}},
		{name: "theirs", peer: true, bytes: 1, rate: func(context.Context) (float64, error) { return 0, errNotHere }},
	}}
	rows, err := l.measure(t.Context(), 1)
	if err != nil || len(rows) != 1 || rows[0].Implementation != "ours" {
		t.Errorf("rows %v, %v; want ours alone", rows, err)
	}
	if len(missing) != 1 {
		t.Errorf("missing: %q, want one line", missing)
	}
}
