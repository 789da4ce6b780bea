package integrity_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/volumetest"
)

var background = context.Background()

// TestPlanAgreesWithKernel plans every device of the corpora from its size and
// the words it was loaded with, and demands the superblock that the kernel made.
func TestPlanAgreesWithKernel(t *testing.T) {
	t.Parallel()
	for _, corpus := range []string{"kernel-samples", "kernel-hard"} {
		for _, c := range volumetest.Cases(t, corpus) {
			for _, d := range c.Devices(t) {
				table, ok := d.Tables[0].(tables.IntegrityTable)
				if !ok || c.Verdict.Load == "refused" || c.Name == "corrupt-integrity-provided-less" {
					continue
				}
				t.Run(c.Name, func(t *testing.T) {
					t.Parallel()
					data, meta := images(t, c, c.Unpack(t), table)
					planned(t, table, data, meta)
				})
			}
		}
	}
}

func planned(t *testing.T, table tables.IntegrityTable, data, meta []byte) {
	t.Helper()
	o, err := table.Options()
	if err != nil {
		t.Fatal(err)
	}
	holder := data
	if meta != nil {
		holder = meta
	}
	want, err := integrity.ReadSuperblock(bytes.NewReader(holder), int64(table.Offset))
	if err != nil {
		t.Fatal(err)
	}
	got, l, err := integrity.Plan(integrity.FormatConfig{
		Reserved: int64(table.Offset), TagSize: int(table.TagSize), BlockSize: int(o.BlockSize),
		InternalHash: integrity.Algorithm(o.InternalHash), JournalMAC: integrity.Algorithm(o.JournalMAC),
		JournalSectors: int64(o.JournalSectors), InterleaveSectors: int64(o.InterleaveSectors), SectorsPerBit: o.SectorsPerBit,
		LegacyPadding: want.Flags&integrity.FlagFixPadding == 0, LegacyHMAC: want.Flags&integrity.FlagFixHMAC == 0,
	}, int64(len(data)), int64(len(meta)))
	if err != nil {
		t.Fatal(err)
	}
	got.Salt = want.Salt
	if *got != *want {
		t.Errorf("planned %+v\nthe kernel made %+v", got, want)
	}
	if uint64(l.Size()) != table.Length {
		t.Errorf("%d bytes, the kernel provides %d", l.Size(), table.Length)
	}
}

// made is a device in memory.
type made struct {
	data, meta *volumetest.Memory
	config     integrity.Config
}

func (m made) open(t testing.TB) *integrity.Device {
	t.Helper()
	d, err := integrity.Open(background, m.data, m.metaStorage(), m.config)
	if err != nil {
		t.Fatalf("Open(%q): %v", m.config.Mode, err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func (m made) metaStorage() integrity.Storage {
	if m.meta == nil {
		return nil
	}
	return m.meta
}

// format makes a device with random bytes where it was.
func format(t testing.TB, c integrity.FormatConfig, mode integrity.Mode, apart bool) made {
	t.Helper()
	m := made{data: volumetest.NewMemory(bytes.Repeat([]byte("noise!!!"), 1<<19/8))}
	if c.InterleaveSectors == 0 {
		c.InterleaveSectors = 128
	}
	if apart {
		m.meta = volumetest.NewMemory(bytes.Repeat([]byte("noise..."), 1<<18/8))
	}
	sb, l, err := integrity.Format(background, m.data, m.metaStorage(), c)
	if err != nil {
		t.Fatalf("Format(%+v): %v", c, err)
	}
	m.config = integrity.Config{
		Reserved: c.Reserved, Mode: mode, TagSize: l.TagSize, BlockSize: sb.BlockSize(), SectorsPerBit: c.SectorsPerBit,
		InternalHash: c.InternalHash, JournalMAC: c.JournalMAC, JournalCrypt: c.JournalCrypt,
	}
	return m
}

// shapes are devices of many kinds.
var shapes = map[string]integrity.FormatConfig{
	"crc32c":          {InternalHash: integrity.Algorithm{Name: "crc32c"}},
	"crc32, legacy":   {InternalHash: integrity.Algorithm{Name: "crc32"}, LegacyPadding: true, LegacyHMAC: true, InterleaveSectors: 128},
	"xxhash64, 1k":    {InternalHash: integrity.Algorithm{Name: "xxhash64"}, BlockSize: 1024, InterleaveSectors: 100},
	"sha1, 4k":        {InternalHash: integrity.Algorithm{Name: "sha1"}, BlockSize: 4096, Reserved: 8192},
	"sha256, cut":     {InternalHash: integrity.Algorithm{Name: "sha256"}, TagSize: 7, InterleaveSectors: 8},
	"sha512, filled":  {InternalHash: integrity.Algorithm{Name: "sha512"}, TagSize: 100, BlockSize: 2048},
	"sha3-256":        {InternalHash: integrity.Algorithm{Name: "sha3-256"}, JournalSectors: 1},
	"blake2b-256":     {InternalHash: integrity.Algorithm{Name: "blake2b-256"}},
	"hmac(sha256)":    {InternalHash: integrity.Algorithm{Name: "hmac(sha256)", Key: []byte("key of the tags")}, Reserved: 512},
	"MAC and cipher":  {InternalHash: integrity.Algorithm{Name: "hmac(sha256)", Key: []byte("k")}, JournalMAC: integrity.Algorithm{Name: "hmac(sha1)", Key: []byte("m")}, JournalCrypt: integrity.Algorithm{Name: "ctr(aes)", Key: []byte("sixteen bytes :)")}},
	"cbc, no salt":    {InternalHash: integrity.Algorithm{Name: "crc32c"}, JournalMAC: integrity.Algorithm{Name: "hmac(sha512)", Key: []byte("m")}, JournalCrypt: integrity.Algorithm{Name: "cbc(aes)", Key: []byte("sixteen bytes :)")}, LegacyHMAC: true},
	"small regions":   {InternalHash: integrity.Algorithm{Name: "crc32c"}, SectorsPerBit: 16},
	"long journal":    {InternalHash: integrity.Algorithm{Name: "crc32c"}, JournalSectors: 360},
	"blocks, regions": {InternalHash: integrity.Algorithm{Name: "sha256"}, BlockSize: 4096, SectorsPerBit: 64},
}

// every calls test for every shape, in every mode that writes, on one device and
// with a meta device.
func every(t *testing.T, test func(t *testing.T, c integrity.FormatConfig, mode integrity.Mode, apart bool)) {
	t.Helper()
	for name, c := range shapes {
		for _, mode := range []integrity.Mode{integrity.ModeJournal, integrity.ModeBitmap, integrity.ModeDirect} {
			for _, apart := range []bool{false, true} {
				words := []string{name, string(mode)}
				if apart {
					words = append(words, "meta device")
				}
				t.Run(strings.Join(words, "/"), func(t *testing.T) {
					t.Parallel()
					test(t, c, mode, apart)
				})
			}
		}
	}
}

// TestFormatIsZeros: a new device is zeros that fit their tags.
func TestFormatIsZeros(t *testing.T) {
	t.Parallel()
	every(t, func(t *testing.T, c integrity.FormatConfig, mode integrity.Mode, apart bool) {
		d := format(t, c, mode, apart).open(t)
		got := bytes.Repeat([]byte{1}, int(d.Size()))
		if n, err := d.ReadAt(got, 0); n != len(got) || err != nil || len(bytes.Trim(got, "\x00")) != 0 {
			t.Errorf("ReadAt = %d of %d, %v", n, len(got), err)
		}
		if d.Journaled() != 0 {
			t.Errorf("%d blocks are in the new journal", d.Journaled())
		}
	})
}

func TestFormatRefused(t *testing.T) {
	t.Parallel()
	crc := integrity.Algorithm{Name: "crc32c"}
	for name, tt := range map[string]struct {
		c    integrity.FormatConfig
		size int
		want error
	}{
		"tiny":               {integrity.FormatConfig{InternalHash: crc}, 64 << 10, integrity.ErrTooSmall},
		"empty":              {integrity.FormatConfig{InternalHash: crc}, 0, integrity.ErrTooSmall},
		"no hash, no tags":   {integrity.FormatConfig{}, 1 << 20, integrity.ErrBadParams},
		"unknown hash":       {integrity.FormatConfig{InternalHash: integrity.Algorithm{Name: "md17"}}, 1 << 20, integrity.ErrUnsupported},
		"other name":         {integrity.FormatConfig{InternalHash: integrity.Algorithm{Name: "sha-256"}}, 1 << 20, integrity.ErrUnsupported},
		"hmac without a key": {integrity.FormatConfig{InternalHash: integrity.Algorithm{Name: "hmac(sha256)"}}, 1 << 20, integrity.ErrBadParams},
		"open hmac":          {integrity.FormatConfig{InternalHash: integrity.Algorithm{Name: "hmac(sha256", Key: []byte("k")}}, 1 << 20, integrity.ErrBadParams},
		"hmac of a checksum": {integrity.FormatConfig{InternalHash: integrity.Algorithm{Name: "hmac(crc32c)", Key: []byte("k")}}, 1 << 20, integrity.ErrUnsupported},
		"a key for sha256":   {integrity.FormatConfig{InternalHash: integrity.Algorithm{Name: "sha256", Key: []byte("k")}}, 1 << 20, integrity.ErrUnsupported},
		"blocks of 700":      {integrity.FormatConfig{InternalHash: crc, BlockSize: 700}, 1 << 20, integrity.ErrBadParams},
		"odd reserve":        {integrity.FormatConfig{InternalHash: crc, Reserved: 7}, 1 << 20, integrity.ErrBadParams},
		"tags of 256":        {integrity.FormatConfig{InternalHash: crc, TagSize: 256}, 1 << 20, integrity.ErrBadParams},
		"endless journal":    {integrity.FormatConfig{InternalHash: crc, JournalSectors: 1 << 40}, 1 << 20, integrity.ErrBadParams},
		"long journal":       {integrity.FormatConfig{InternalHash: crc, JournalSectors: 1 << 20}, 1 << 20, integrity.ErrTooSmall},
		"unknown cipher":     {integrity.FormatConfig{InternalHash: crc, JournalCrypt: integrity.Algorithm{Name: "ctr(rot13)", Key: []byte("k")}}, 1 << 20, integrity.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := volumetest.NewMemory(make([]byte, tt.size))
			if _, _, err := integrity.Format(background, m, nil, tt.c); !errors.Is(err, tt.want) {
				t.Errorf("Format: %v, want %v", err, tt.want)
			}
			if len(bytes.Trim(m.Bytes(), "\x00")) != 0 {
				t.Error("something was written")
			}
		})
	}
}
