package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/volume"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	plain := errors.New("plain")
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"nil":                      {nil, 0},
		"plain":                    {plain, 1},
		"failed":                   {Failf("x: %w", plain), 1},
		"usage":                    {Usagef("x"), 2},
		"wrapped usage":            {fmt.Errorf("y: %w", Usagef("x")), 2},
		"joined usage":             {errors.Join(plain, Usagef("x")), 2},
		"corrupt":                  {Corruptf("x"), 3},
		"wrong key":                {WrongKeyf("x"), 4},
		"outermost code wins":      {&Error{Code: 1, Err: Corruptf("x")}, 1},
		"hint keeps the code":      {Hint(Corruptf("x"), "do y"), 3},
		"failed hides a sentinel":  {Failf("x: %w", verity.ErrCorrupt), 1},
		"hint shows a sentinel":    {Hint(fmt.Errorf("x: %w", verity.ErrCorrupt), "y"), 3},
		"verity.ErrCorrupt":        {fmt.Errorf("x: %w", verity.ErrCorrupt), 3},
		"verity.CorruptError":      {&verity.CorruptError{Level: -1, Block: 7}, 3},
		"volume.ErrIO":             {fmt.Errorf("x: %w", volume.ErrIO), 3},
		"volume.ErrUnsupported":    {volume.ErrUnsupported, 1},
		"volume.ErrNoKey":          {volume.ErrNoKey, 4},
		"crypt.ErrKeySize":         {crypt.ErrKeySize, 4},
		"crypt.ErrUnknownCipher":   {crypt.ErrUnknownCipher, 1},
		"interrupted":              {context.Canceled, 1},
		"interrupted, then broken": {errors.Join(context.Canceled, plain), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := ExitCode(c.err); got != c.want {
				t.Errorf("ExitCode(%v) = %d, want %d", c.err, got, c.want)
			}
		})
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{Failf("opening x: no"), "dmimg: opening x: no\n"},
		{Hint(Failf("no"), "do %d", 3), "dmimg: no\nhint: do 3\n"},
		{fmt.Errorf("outer: %w", Hint(Failf("no"), "inner")), "dmimg: outer: no\nhint: inner\n"},
		{errors.Join(Failf("one"), Hint(Failf("two"), "h")), "dmimg: one\ndmimg: two\nhint: h\n"},
		{fmt.Errorf("reading: %w", context.Canceled), "dmimg: interrupted\n"},
	} {
		var got bytes.Buffer
		Report(&got, c.err)
		if got.String() != c.want {
			t.Errorf("Report(%v) wrote %q, want %q", c.err, got.String(), c.want)
		}
	}
	if Hint(nil, "x") != nil {
		t.Error("Hint(nil) is not nil")
	}
}
