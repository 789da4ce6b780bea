package ui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestContextReaderReadsEverything(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("0123456789abcdef"), 3*streamChunk/16+5)
	for name, r := range map[string]io.Reader{
		"whole":    bytes.NewReader(want),
		"halves":   iotest.HalfReader(bytes.NewReader(want)),
		"data+EOF": iotest.DataErrReader(bytes.NewReader(want)),
	} {
		got, err := io.ReadAll(NewContextReader(t.Context(), r))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v, want %d bytes", name, len(got), err, len(want))
		}
	}
	var copied bytes.Buffer
	if n, err := io.Copy(&copied, NewContextReader(t.Context(), bytes.NewReader(want))); err != nil || n != int64(len(want)) {
		t.Errorf("copied %d bytes, %v, want %d", n, err, len(want))
	}
	if !bytes.Equal(copied.Bytes(), want) {
		t.Error("copied other bytes")
	}
}

func TestContextReaderPassesErrorsOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	got, err := io.ReadAll(NewContextReader(t.Context(), io.MultiReader(bytes.NewReader([]byte("abc")), iotest.ErrReader(broken))))
	if string(got) != "abc" || !errors.Is(err, broken) {
		t.Errorf("read %q, %v, want abc and the error", got, err)
	}
}

func TestContextReaderLeavesASilentStream(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	c := NewContextReader(ctx, r)
	cancel()
	if n, err := c.Read(make([]byte, 10)); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %d, %v, want 0 and context.Canceled", n, err)
	}
}
