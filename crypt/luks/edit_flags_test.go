package luks_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/dmimg/dmimg/crypt/luks"
)

// TestSetFlags sets flags, takes them away again, and refuses what is none.
func TestSetFlags(t *testing.T) {
	t.Parallel()
	for _, version := range []int{1, 2} {
		s := &memory{b: make([]byte, 4<<20)}
		o := luks.FormatOptions{Version: version, Slot: luks.SlotOptions{Slot: -1, Cost: quick}}
		if version == 2 {
			o.KeyslotsSize = 512 << 10
		}
		key, err := luks.Format(context.Background(), s, []byte("secret"), o)
		if err != nil {
			t.Fatal(err)
		}
		key.Wipe()
		e, err := luks.Edit(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, flags := range [][]string{{"allow-discards", "no-journal"}, nil} {
			err := e.SetFlags(flags)
			if version == 1 {
				if !errors.Is(err, luks.ErrUnsupported) {
					t.Errorf("LUKS1: %v", err)
				}
				continue
			}
			h, rerr := luks.Read(s)
			if err != nil || rerr != nil || len(h.Problems) != 0 || !slices.Equal(h.V2.Metadata.Config.Flags, flags) {
				t.Errorf("%q: %v, %v, %+v", flags, err, rerr, h)
			}
		}
		before := bytes.Clone(s.b)
		if err := e.SetFlags([]string{"no-such-flag"}); err == nil || version == 2 && !errors.Is(err, luks.ErrOption) || !bytes.Equal(before, s.b) {
			t.Errorf("an unknown flag: %v", err)
		}
	}
}
