package journal_test

import (
	"crypto/hmac"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
	"github.com/dmimg/dmimg/volume/integrity/journal"
)

// memory is a device in memory.
type memory []byte

func (m memory) ReadAt(p []byte, off int64) (int, error) {
	if off > int64(len(m)) {
		return 0, io.EOF
	}
	n := copy(p, m[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (m memory) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > int64(len(m)) {
		return 0, errors.New("write past the end")
	}
	return copy(m[off:], p), nil
}

func (m memory) Sync() error { return nil }

// storage is what a device in tests lies on.
type storage interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}

// device is an integrity device around its journal: just enough of a superblock
// and a layout to check journals against kernels. It is a journal.Sink.
type device struct {
	data, meta storage // the same without a meta device
	config     journal.Config
	sb         []byte // 512 bytes
	split      bool   // with a meta device
	il, run    int64  // sectors between tags, sectors of tags
	areas      int64  // where data and tags begin, in sectors
	hash       func() hash.Hash
	flags      uint32
}

const blockFlagDirty = 4

// openDevice takes a device from the parameters of a table line.
func openDevice(t testing.TB, line string, data, meta storage) *device {
	t.Helper()
	words := strings.Fields(line)
	reserved, err := strconv.ParseInt(words[4], 10, 64)
	if err != nil || words[2] != "integrity" {
		t.Fatalf("table line %q", line)
	}
	d := &device{data: data, meta: data}
	if meta != nil {
		d.meta, d.split = meta, true
	}
	d.sb = make([]byte, 512)
	if _, err := d.meta.ReadAt(d.sb, reserved*512); err != nil || string(d.sb[:7]) != "integrt" {
		t.Fatalf("%q: no superblock: %v", line, err)
	}
	le := binary.LittleEndian
	d.flags = le.Uint32(d.sb[24:])
	length, err := strconv.ParseUint(words[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	c := &d.config
	*c = journal.Config{
		Start: reserved*512 + 4096, Sections: le.Uint32(d.sb[12:]), TagSize: int(le.Uint16(d.sb[10:])),
		BlockSectors: 1 << d.sb[28], DataSectors: max(length, le.Uint64(d.sb[16:])),
		HasMAC: d.flags&1 != 0, FixHMAC: d.flags&16 != 0, Salt: [16]byte(d.sb[48:]),
	}
	for _, word := range words[8:] {
		name, value, _ := strings.Cut(word, ":")
		algorithm, key, _ := strings.Cut(value, ":")
		secret, err := hex.DecodeString(key)
		switch {
		case name == "internal_hash":
			d.hash = newHash(t, algorithm, secret)
			c.Verify = d.verify
		case name == "journal_mac":
			c.MAC = journal.Algorithm{Name: algorithm, Key: secret}
		case name == "journal_crypt":
			c.Crypt = journal.Algorithm{Name: algorithm, Key: secret}
		}
		if err != nil && (name == "internal_hash" || c.MAC.Name == algorithm) {
			t.Fatal(err)
		}
	}
	d.place(t, reserved)
	return d
}

// place works out the layout of data and tags.
func (d *device) place(t testing.TB, reserved int64) {
	j, err := journal.New(d.config)
	if err != nil {
		t.Fatal(err)
	}
	d.areas = reserved + 8 + j.Size()/512
	d.il = 1 << d.sb[9]
	padding := int64(131072)
	if d.flags&8 != 0 {
		padding = 4096
	}
	tags := d.il / int64(d.config.BlockSectors) * int64(d.config.TagSize)
	d.run = (tags + padding - 1) / padding * padding / 512
}

func newHash(t testing.TB, name string, key []byte) func() hash.Hash {
	t.Helper()
	inner := strings.TrimSuffix(strings.TrimPrefix(name, "hmac("), ")")
	a, err := hashes.Lookup(inner)
	if err != nil {
		t.Fatal(err)
	}
	if inner != name {
		return func() hash.Hash { return hmac.New(a.New, key) }
	}
	return a.New
}

// tag computes the tag of a block.
func (d *device) tag(data []byte, sector uint64) []byte {
	h := d.hash()
	if d.config.FixHMAC {
		h.Write(d.config.Salt[:])
	}
	h.Write(binary.LittleEndian.AppendUint64(nil, sector))
	h.Write(data)
	tag := make([]byte, d.config.TagSize)
	copy(tag, h.Sum(nil))
	return tag
}

func (d *device) verify(data, tag []byte, sector uint64) bool {
	return string(d.tag(data, sector)) == string(tag)
}

func (d *device) blockSize() int { return 512 * d.config.BlockSectors }

// at is where a block and its tag are, in bytes.
func (d *device) at(sector uint64) (data, tag int64) {
	s, block := int64(sector), int64(d.config.BlockSectors)
	if d.split {
		return s * 512, d.areas*512 + s/block*int64(d.config.TagSize)
	}
	area, o := s/d.il, s%d.il
	return (d.areas + area*d.il + (area+1)*d.run + o) * 512,
		(d.areas+area*(d.il+d.run))*512 + o/block*int64(d.config.TagSize)
}

// WriteBlocks implements journal.Sink.
func (d *device) WriteBlocks(data, tags []byte, sector uint64) error {
	for len(data) > 0 {
		dataAt, tagAt := d.at(sector)
		if _, err := d.data.WriteAt(data[:d.blockSize()], dataAt); err != nil {
			return err
		}
		if _, err := d.meta.WriteAt(tags[:d.config.TagSize], tagAt); err != nil {
			return err
		}
		data, tags, sector = data[d.blockSize():], tags[d.config.TagSize:], sector+uint64(d.config.BlockSectors)
	}
	return nil
}

// Sync implements journal.Sink.
func (d *device) Sync() error { return errors.Join(d.data.Sync(), d.meta.Sync()) }

// below reads a block and its tag from their places.
func (d *device) below(data, tag []byte, sector uint64) error {
	dataAt, tagAt := d.at(sector)
	if _, err := d.data.ReadAt(data, dataAt); err != nil {
		return err
	}
	_, err := d.meta.ReadAt(tag, tagAt)
	return err
}

// content reads the whole device; a block that does not fit its tag is in bad.
func (d *device) content(t testing.TB, o *journal.Overlay) (content []byte, bad []uint64) {
	t.Helper()
	return d.contentUpTo(t, o, d.config.DataSectors)
}

// contentUpTo is content of the sectors in front of end.
func (d *device) contentUpTo(t testing.TB, o *journal.Overlay, end uint64) (content []byte, bad []uint64) {
	t.Helper()
	data, tag := make([]byte, d.blockSize()), make([]byte, d.config.TagSize)
	for sector := uint64(0); sector < end; sector += uint64(d.config.BlockSectors) {
		found := false
		if o != nil {
			var err error
			if found, err = o.ReadBlock(data, tag, sector); err != nil {
				t.Fatal(err)
			}
		}
		if !found {
			if err := d.below(data, tag, sector); err != nil {
				t.Fatal(err)
			}
		}
		if d.hash != nil && !d.verify(data, tag, sector) {
			bad = append(bad, sector)
			clear(data)
		}
		content = append(content, data...)
	}
	return content, bad
}

// overlay reads the journal.
func (d *device) overlay(t testing.TB) (*journal.Overlay, error) {
	t.Helper()
	j, err := journal.New(d.config)
	if err != nil {
		t.Fatal(err)
	}
	return j.ReadOverlay(t.Context(), d.meta)
}
