package kernel_test

import (
	"bytes"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// TestMessages covers answers: none, empty, long, lost.
func TestMessages(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	activate(t, c, "data", linear(disk), tables.ErrorTable{Start: mib, Length: mib})
	ref := kernel.ByName("data")
	long := strings.Repeat("r", 100_000)
	k.OnMessage("linear", func(words []string) (string, bool, error) {
		switch words[0] {
		case "listbadblocks", "long":
			return long, true, nil
		case "empty":
			return "", true, nil
		case "none":
			return "", false, nil
		}
		return "", false, syscall.EEXIST
	})
	for _, e := range []struct {
		text   string
		sector uint64
		o      kernel.MessageOptions
		want   []byte
		err    error
		calls  int
	}{
		{"listbadblocks", 0, kernel.MessageOptions{}, []byte(long), nil, 2},
		{" LISTBADBLOCKS ", 0, kernel.MessageOptions{}, nil, syscall.EEXIST, 1},
		{"long", 0, kernel.MessageOptions{}, nil, kernel.ErrTruncated, 1},
		{"long", 0, kernel.MessageOptions{ReplySize: 200_000}, []byte(long), nil, 1},
		{"empty", 0, kernel.MessageOptions{}, []byte{}, nil, 1},
		{"none", 2047, kernel.MessageOptions{}, nil, nil, 1},
		{"none", 2048, kernel.MessageOptions{}, nil, kernel.ErrInvalid, 1},
		{"", 0, kernel.MessageOptions{}, nil, kernel.ErrInvalid, 1},
		{"@nothing", 0, kernel.MessageOptions{}, nil, kernel.ErrInvalid, 1},
		{"a\x00b", 0, kernel.MessageOptions{}, nil, kernel.ErrInvalid, 0},
		{"none", 0, kernel.MessageOptions{ReplySize: -1}, nil, kernel.ErrInvalid, 0},
		{"none", 0, kernel.MessageOptions{ReplySize: 1 << 30}, nil, kernel.ErrInvalid, 0},
		{"@stats_create 0+2048 2048 dmimg", 0, kernel.MessageOptions{}, []byte("0"), nil, 1},
		{"@stats_list", 0, kernel.MessageOptions{}, []byte("0: 0+2048 2048 dmimg -\n"), nil, 1},
		{"@stats_list", 0, kernel.MessageOptions{ReplySize: 1}, []byte("0: 0+2048 2048 dmimg -\n"), nil, 4},
		{"@stats_delete 0", 0, kernel.MessageOptions{}, nil, nil, 1},
	} {
		k.ForgetCalls()
		got, err := c.Message(ref, e.sector, []byte(e.text), e.o)
		if !bytes.Equal(got, e.want) || (got == nil) != (e.want == nil) || !errors.Is(err, e.err) {
			t.Errorf("%q at %d: %.40q (%d bytes), %v, want %.40q, %v", e.text, e.sector, got, len(got), err, e.want, e.err)
		}
		if n := len(k.Calls()); n != e.calls {
			t.Errorf("%q: %d calls, want %d", e.text, n, e.calls)
		}
	}
}
