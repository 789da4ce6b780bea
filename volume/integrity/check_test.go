package integrity_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/dmimg/dmimg/volume/integrity"
)

// TestCheck finds every damaged block, joined, whoever reads it.
func TestCheck(t *testing.T) {
	t.Parallel()
	m := format(t, shapes["blocks, regions"], integrity.ModeJournal, false)
	d := m.open(t)
	for _, block := range []int64{0, 7, 8, 9, 30} {
		at, _ := d.DataOffset(block * 4096)
		flip(t, m.data, at)
	}
	at, _ := d.DataOffset(20 * 4096)
	m.data.FailRead(at+1000, 1, io.ErrNoProgress)
	want := []integrity.Damage{
		{Offset: 0, Length: 4096, Corrupt: true},
		{Offset: 7 * 4096, Length: 3 * 4096, Corrupt: true},
		{Offset: 20 * 4096, Length: 4096},
		{Offset: 30 * 4096, Length: 4096, Corrupt: true},
	}
	for _, workers := range []int{0, 1, 3} {
		var read atomic.Int64
		got, err := d.Check(background, workers, func(n int64) { read.Add(n) })
		if err != nil || !slices.Equal(got, want) || read.Load() != d.Size() {
			t.Errorf("%d workers: %+v, %v after %d bytes, want %+v", workers, got, err, read.Load(), want)
		}
	}
	ctx, cancel := context.WithCancel(background)
	cancel()
	if _, err := d.Check(ctx, 2, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"hmac-sha256": "hmac(sha256)", "crc32c": "crc32c", "sha3-256": "sha3-256", "hmac(sha1)": "hmac(sha1)"} {
		if got := integrity.HashName(given); got != want {
			t.Errorf("HashName(%q) = %q, want %q", given, got, want)
		}
	}
	for given, want := range map[string]string{"cbc-aes": "cbc(aes)", "ctr-aes": "ctr(aes)", "chacha20": "chacha20", "ctr(aes)": "ctr(aes)"} {
		if got := integrity.CipherName(given); got != want {
			t.Errorf("CipherName(%q) = %q, want %q", given, got, want)
		}
	}
}
