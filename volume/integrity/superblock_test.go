package integrity

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// valid is a superblock with every field in use.
func valid() Superblock {
	return Superblock{
		Version: 5, Log2Interleave: 7, TagSize: 32, JournalSections: 2, ProvidedSectors: 872,
		Flags: FlagFixPadding | FlagFixHMAC | FlagJournalMAC, Log2BlockSectors: 1, Log2BitmapBlocks: 15,
		RecalcSector: 77, Salt: [SaltSize]byte{1, 2, 3}, tail: [SuperblockSize - sbTail]byte{447: 9},
	}
}

func encode(t testing.TB, sb Superblock) []byte {
	t.Helper()
	b, err := sb.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSuperblockFields pins every field to its place.
func TestSuperblockFields(t *testing.T) {
	t.Parallel()
	want := make([]byte, SuperblockSize)
	copy(want, "integrt\x00\x05\x07\x20\x00\x02\x00\x00\x00\x68\x03\x00\x00\x00\x00\x00\x00\x19\x00\x00\x00\x01\x0f\x00\x00\x4d")
	copy(want[48:], "\x01\x02\x03")
	want[511] = 9
	if got := encode(t, valid()); !bytes.Equal(got, want) {
		t.Errorf("encoded\n% x\nwant\n% x", got, want)
	}
}

func TestSuperblockRefused(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(*Superblock){
		"version 0":             func(sb *Superblock) { sb.Version = 0 },
		"version 8":             func(sb *Superblock) { sb.Version = 8 },
		"tags of 0 bytes":       func(sb *Superblock) { sb.TagSize = 0 },
		"tags of 256 bytes":     func(sb *Superblock) { sb.TagSize = 256 },
		"blocks of 2^4":         func(sb *Superblock) { sb.Log2BlockSectors = 4 },
		"no sections":           func(sb *Superblock) { sb.JournalSections = 0 },
		"interleave of 2^2":     func(sb *Superblock) { sb.Log2Interleave = 2 },
		"interleave of 2^32":    func(sb *Superblock) { sb.Log2Interleave = 32 },
		"a bit of the bitmap":   func(sb *Superblock) { sb.Log2BitmapBlocks = 64 },
		"2^255 blocks":          func(sb *Superblock) { sb.Log2BitmapBlocks = 255 },
		"interleave of 2^255":   func(sb *Superblock) { sb.Log2Interleave = 255 },
		"blocks of 2^255":       func(sb *Superblock) { sb.Log2BlockSectors = 255 },
		"tags of 65535 bytes":   func(sb *Superblock) { sb.TagSize = 65535 },
		"version 255: 1 to 7":   func(sb *Superblock) { sb.Version = 255 },
		"the journal has no se": func(sb *Superblock) { sb.JournalSections, sb.Log2Interleave = 0, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sb := valid()
			damage(&sb)
			_, err := sb.MarshalBinary()
			if !errors.Is(err, ErrBadSuperblock) || !strings.Contains(err.Error(), name) {
				t.Errorf("MarshalBinary: %v, want it to say %q", err, name)
			}
		})
	}
}

// TestSuperblockDamaged wants what the bytes say beside the error.
func TestSuperblockDamaged(t *testing.T) {
	t.Parallel()
	b := encode(t, valid())
	b[sbVersion] = 9
	var sb Superblock
	if err := sb.UnmarshalBinary(b); !errors.Is(err, ErrBadSuperblock) || sb.Version != 9 || sb.ProvidedSectors != valid().ProvidedSectors {
		t.Errorf("decoded %+v, %v", sb, err)
	}
}

func TestSuperblockAbsent(t *testing.T) {
	t.Parallel()
	image := append(make([]byte, 4096), encode(t, valid())...)
	for _, tt := range []struct {
		name string
		off  int64
		want error
	}{
		{"zeros", 0, ErrNotIntegrity},
		{"past the end", 8192, ErrNotIntegrity},
		{"cut off", 4096 + 512, ErrNotIntegrity},
		{"not a sector", 4095, ErrBadParams},
		{"negative", -512, ErrBadParams},
		{"there", 4096, nil},
	} {
		sb, err := ReadSuperblock(bytes.NewReader(image), tt.off)
		if !errors.Is(err, tt.want) || (err == nil) != (sb != nil) {
			t.Errorf("%s: ReadSuperblock(%d) = %v, %v, want %v", tt.name, tt.off, sb, err, tt.want)
		}
	}
}

func TestSetVersion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		flags Flags
		meta  bool
		want  uint8
	}{
		{0, false, 1},
		{0, true, 2},
		{FlagRecalculating, false, 2},
		{FlagDirtyBitmap | FlagRecalculating, false, 3},
		{FlagFixPadding | FlagDirtyBitmap, false, 4},
		{FlagFixHMAC | FlagJournalMAC, true, 5},
		{FlagInline | FlagFixHMAC, false, 6},
		{FlagDiscardKeyed | FlagFixHMAC, false, 7},
		{FlagJournalMAC, false, 1},
	} {
		sb := valid()
		sb.Flags = tt.flags
		if tt.meta {
			sb.Log2Interleave = 0
		}
		if sb.SetVersion(); sb.Version != tt.want {
			t.Errorf("flags %q, meta device %v: version %d, want %d", tt.flags, tt.meta, sb.Version, tt.want)
		}
	}
}

func TestFlagNames(t *testing.T) {
	t.Parallel()
	if got, want := (FlagJournalMAC | FlagFixHMAC | 1<<31).String(), "have_journal_mac fix_hmac unknown_0x80000000"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// FuzzSuperblock: what decodes encodes to the same bytes, and its layout on any
// device is refused or lies inside it.
func FuzzSuperblock(f *testing.F) {
	f.Add(encode(f, valid()), int64(1<<20), int64(0), int64(0))
	meta := valid()
	meta.Log2Interleave = 0
	f.Add(encode(f, meta), int64(1<<20), int64(1<<20), int64(4096))
	f.Fuzz(func(t *testing.T, b []byte, size, metaSize, reserved int64) {
		var sb Superblock
		if err := sb.UnmarshalBinary(b); err != nil {
			return
		}
		if again := encode(t, sb); !bytes.Equal(again, b) {
			t.Fatalf("decoded % x, encoded % x", b, again)
		}
		l, err := NewLayout(sb.Geometry(reserved), size, metaSize)
		if err != nil {
			return
		}
		checkLayout(t, l, size, metaSize)
	})
}
