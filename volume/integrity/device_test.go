package integrity_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/volumetest"
)

func noise(seed uint64, n int) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	p := make([]byte, n)
	_, _ = r.Read(p)
	return p
}

// TestWriteThenRead writes in pieces, reads in others, closes, and reads again in
// every mode: no journal and no bitmap is left.
func TestWriteThenRead(t *testing.T) {
	t.Parallel()
	every(t, func(t *testing.T, c integrity.FormatConfig, mode integrity.Mode, apart bool) {
		m := format(t, c, mode, apart)
		d := m.open(t)
		want := make([]byte, d.Size())
		blocks := len(want) / d.BlockSize
		r := rand.New(rand.NewPCG(1, 2))
		for i := range 12 {
			first := r.IntN(blocks)
			n := 1 + r.IntN(min(blocks-first, 300))
			p := noise(uint64(i), n*d.BlockSize)
			copy(want[first*d.BlockSize:], p)
			if got, err := d.WriteAt(p, int64(first*d.BlockSize)); got != len(p) || err != nil {
				t.Fatalf("WriteAt = %d of %d, %v", got, len(p), err)
			}
			if i%5 == 0 {
				if err := d.Sync(); err != nil {
					t.Fatal(err)
				}
			}
			wantContent(t, d, want)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		for _, other := range []integrity.Mode{integrity.ModeJournal, integrity.ModeBitmap, integrity.ModeDirect, integrity.ModeRecovery} {
			m.config.Mode = other
			again := m.open(t)
			wantContent(t, again, want)
			if sb := again.Superblock(); again.Journaled() != 0 || sb.Flags&integrity.FlagDirtyBitmap != 0 {
				t.Errorf("after closing: %d blocks in the journal, flags %v", again.Journaled(), sb.Flags)
			}
		}
	})
}

func wantContent(t *testing.T, d *integrity.Device, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := d.ReadAt(got, 0); n != len(got) || err != nil {
		t.Fatalf("ReadAt = %d of %d, %v", n, len(got), err)
	}
	if !bytes.Equal(got, want) {
		t.Fatal("what was written is not what is read")
	}
}

// TestDamage changes one bit of a block, or of its tag: that block is an error and
// nothing else is, in every mode but recovery.
func TestDamage(t *testing.T) {
	t.Parallel()
	every(t, func(t *testing.T, c integrity.FormatConfig, mode integrity.Mode, apart bool) {
		m := format(t, c, mode, apart)
		d := m.open(t)
		size, block := d.Size(), int64(d.BlockSize)
		for _, at := range []int64{0, size - block, size / 2 / block * block} {
			data, _ := d.DataOffset(at + 17)
			tag, _ := d.TagOffset(at / block)
			holder := m.data
			if apart {
				holder = m.meta
			}
			for _, place := range []struct {
				device *volumetest.Memory
				at     int64
			}{{m.data, data}, {holder, tag}} {
				flip(t, place.device, place.at)
				p := make([]byte, size)
				n, err := d.ReadAt(p, 0)
				var corrupt *integrity.CorruptError
				if int64(n) != at || !errors.As(err, &corrupt) || corrupt.Offset != at || corrupt.Length != block || !errors.Is(err, integrity.ErrCorrupt) {
					t.Errorf("ReadAt = %d, %v, want the block at %d", n, err, at)
				}
				if rest := at + block; rest < size {
					if n, err := d.ReadAt(p[rest:], rest); int64(n) != size-rest || err != nil {
						t.Errorf("behind it: ReadAt = %d, %v", n, err)
					}
				}
				recovery := m
				recovery.config.Mode = integrity.ModeRecovery
				if n, err := recovery.open(t).ReadAt(p, 0); n != len(p) || err != nil {
					t.Errorf("mode R: ReadAt = %d, %v", n, err)
				}
				flip(t, place.device, place.at)
			}
		}
		if d.Mismatches() != 6 {
			t.Errorf("%d mismatches counted, want 6", d.Mismatches())
		}
	})
}

func flip(t *testing.T, m *volumetest.Memory, at int64) {
	t.Helper()
	b := m.Bytes()[at : at+1]
	b[0] ^= 0x10
	if _, err := m.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// TestMovedBlock: a block with its tag in the place of another one does not fit.
func TestMovedBlock(t *testing.T) {
	t.Parallel()
	m := format(t, shapes["crc32c"], integrity.ModeDirect, false)
	d := m.open(t)
	if _, err := d.WriteAt(noise(1, 512), 512); err != nil {
		t.Fatal(err)
	}
	image := m.data.Bytes()
	for _, move := range []func(int64) int64{
		func(block int64) int64 { at, _ := d.DataOffset(block * 512); return at },
		func(block int64) int64 { at, _ := d.TagOffset(block); return at },
	} {
		if _, err := m.data.WriteAt(image[move(1):][:4], move(2)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.ReadAt(make([]byte, 512), 1024); !errors.Is(err, integrity.ErrCorrupt) {
		t.Errorf("ReadAt: %v, want %v", err, integrity.ErrCorrupt)
	}
}

func TestOpenRefused(t *testing.T) {
	t.Parallel()
	mac := shapes["MAC and cipher"]
	for _, tt := range []struct {
		name   string
		made   integrity.FormatConfig
		change func(*integrity.Config)
		want   error
	}{
		{"mode I", shapes["crc32c"], func(c *integrity.Config) { c.Mode = 'I' }, integrity.ErrUnsupported},
		{"mode X", shapes["crc32c"], func(c *integrity.Config) { c.Mode = 'X' }, integrity.ErrBadParams},
		{"other tag size", shapes["crc32c"], func(c *integrity.Config) { c.TagSize = 8 }, integrity.ErrBadParams},
		{"other hash", shapes["crc32c"], func(c *integrity.Config) { c.InternalHash.Name, c.TagSize = "sha256", 0 }, integrity.ErrBadParams},
		{"other block size", shapes["crc32c"], func(c *integrity.Config) { c.BlockSize = 4096 }, integrity.ErrBadParams},
		{"MAC where none is", shapes["crc32c"], func(c *integrity.Config) { c.JournalMAC = mac.JournalMAC }, integrity.ErrBadParams},
		{"no MAC", mac, func(c *integrity.Config) { c.JournalMAC = integrity.Algorithm{} }, integrity.ErrBadParams},
		{"wrong key of the MAC", mac, func(c *integrity.Config) { c.JournalMAC.Key = []byte("n") }, integrity.ErrBadSuperblock},
		{"elsewhere", shapes["crc32c"], func(c *integrity.Config) { c.Reserved = 4096 }, integrity.ErrNotIntegrity},
		{"bitmap without hash", shapes["crc32c"], func(c *integrity.Config) { c.Mode, c.InternalHash.Name = 'B', "" }, integrity.ErrBadParams},
		{"discards without hash", shapes["crc32c"], func(c *integrity.Config) { c.AllowDiscards, c.InternalHash.Name = true, "" }, integrity.ErrBadParams},
		{"recalculating with a key", shapes["hmac(sha256)"], func(c *integrity.Config) { c.Recalculate = true }, integrity.ErrBadParams},
		{"fine", shapes["hmac(sha256)"], func(c *integrity.Config) { c.Recalculate, c.LegacyRecalculate = true, true }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := format(t, tt.made, integrity.ModeJournal, false)
			tt.change(&m.config)
			d, err := integrity.Open(background, m.data, nil, m.config)
			if !errors.Is(err, tt.want) || (err == nil) != (d != nil) {
				t.Errorf("Open: %v, want %v", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "key of the tags") {
				t.Errorf("the error shows a key: %v", err)
			}
		})
	}
	m := format(t, shapes["crc32c"], integrity.ModeJournal, false)
	if _, err := integrity.Open(background, m.data, volumetest.NewMemory(m.data.Bytes()), m.config); !errors.Is(err, integrity.ErrBadParams) {
		t.Errorf("Open with a meta device that has not been: %v", err)
	}
	if err := m.data.Truncate(90 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := integrity.Open(background, m.data, nil, m.config); !errors.Is(err, integrity.ErrTooSmall) {
		t.Errorf("Open of a part: %v, want %v", err, integrity.ErrTooSmall)
	}
}

// TestBadUse: alignment, range, closed devices, devices without a hash.
func TestBadUse(t *testing.T) {
	t.Parallel()
	m := format(t, shapes["sha1, 4k"], integrity.ModeJournal, false)
	d := m.open(t)
	p := make([]byte, 8192)
	for _, tt := range []struct {
		name string
		do   func() (int, error)
		want error
	}{
		{"half a block", func() (int, error) { return d.ReadAt(p[:512], 0) }, integrity.ErrUnaligned},
		{"from half a block", func() (int, error) { return d.ReadAt(p, 512) }, integrity.ErrUnaligned},
		{"before the start", func() (int, error) { return d.ReadAt(p, -4096) }, fs.ErrInvalid},
		{"past the end", func() (int, error) { return d.ReadAt(p, d.Size()) }, io.EOF},
		{"write past the end", func() (int, error) { return d.WriteAt(p, d.Size()-4096) }, io.ErrShortWrite},
		{"write half a block", func() (int, error) { return d.WriteAt(p[:512], 0) }, integrity.ErrUnaligned},
		{"discard", func() (int, error) { return 0, d.Discard(0, 4096) }, integrity.ErrUnsupported},
		{"closed", func() (int, error) { _ = d.Close(); return d.ReadAt(p, 0) }, fs.ErrClosed},
		{"write closed", func() (int, error) { return d.WriteAt(p, 0) }, fs.ErrClosed},
	} {
		if n, err := tt.do(); n != 0 || !errors.Is(err, tt.want) {
			t.Errorf("%s: %d, %v, want %v", tt.name, n, err, tt.want)
		}
	}
	m.config.Mode = integrity.ModeRecovery
	if _, err := m.open(t).WriteAt(p, 0); !errors.Is(err, integrity.ErrReadOnly) {
		t.Errorf("WriteAt in mode R: %v, want %v", err, integrity.ErrReadOnly)
	}
}

// TestTagged: without an internal hash blocks are stored with tags of the layer
// above, in every mode that there is.
func TestTagged(t *testing.T) {
	t.Parallel()
	for _, mode := range []integrity.Mode{integrity.ModeJournal, integrity.ModeDirect} {
		for _, apart := range []bool{false, true} {
			m := format(t, integrity.FormatConfig{TagSize: 28, BlockSize: 4096, InterleaveSectors: 16}, mode, apart)
			d := m.open(t)
			storage, ok := d.Tagged()
			if !ok || storage.TagSize() != 28 {
				t.Fatalf("Tagged: %v", ok)
			}
			data, tags := noise(1, 20*4096), noise(2, 20*28)
			if err := storage.WriteTagged(data, tags, 3*4096); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				gotData, gotTags := make([]byte, len(data)), make([]byte, len(tags))
				if err := storage.ReadTagged(gotData, gotTags, 3*4096); err != nil || !bytes.Equal(gotData, data) || !bytes.Equal(gotTags, tags) {
					t.Errorf("mode %c: ReadTagged: %v", mode, err)
				}
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				d = m.open(t)
				storage, _ = d.Tagged()
			}
			if err := storage.ReadTagged(data, tags[:27], 0); !errors.Is(err, integrity.ErrBadParams) {
				t.Errorf("too few tags: %v", err)
			}
			if err := storage.WriteTagged(data[:4096], tags, 0); !errors.Is(err, integrity.ErrBadParams) {
				t.Errorf("too many tags: %v", err)
			}
			if _, err := d.WriteAt(data, 0); !errors.Is(err, integrity.ErrUnsupported) {
				t.Errorf("WriteAt without tags: %v", err)
			}
		}
	}
	if _, ok := format(t, shapes["crc32c"], integrity.ModeJournal, false).open(t).Tagged(); ok {
		t.Error("a device with an internal hash hands out its tags")
	}
}

// TestConcurrent: many goroutines write, read and sync at once, each its own blocks,
// whose tags share sectors.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	for _, mode := range []integrity.Mode{integrity.ModeJournal, integrity.ModeBitmap, integrity.ModeDirect} {
		d := format(t, shapes["small regions"], mode, false).open(t)
		const workers = 8
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for i := range 20 {
					off := int64(i*workers+w) * 512
					p, got := noise(uint64(w*100+i), 512), make([]byte, 512)
					_, err := d.WriteAt(p, off)
					if err == nil && i%8 == w {
						err = d.Sync()
					}
					if err == nil {
						_, err = d.ReadAt(got, off)
					}
					if err != nil || !bytes.Equal(got, p) {
						t.Errorf("mode %c: block %d: %v", mode, off/512, err)
					}
					_, _ = d.Superblock(), d.Journaled()
				}
			})
		}
		wg.Wait()
	}
}
