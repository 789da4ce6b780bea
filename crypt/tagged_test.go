package crypt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"testing"
)

// tagMemory is a TaggedStorage in memory that ends where the data end.
type tagMemory struct {
	unit, tag int // bytes
	data      []byte
	tags      []byte
	mu        sync.Mutex
	broken    map[int64]error // offsets of sectors that fail
	calls     int
}

func newTagMemory(sectors, unit, tag int) *tagMemory {
	return &tagMemory{unit: unit, tag: tag, data: make([]byte, sectors*unit), tags: make([]byte, sectors*tag)}
}

func (m *tagMemory) TagSize() int   { return m.tag }
func (m *tagMemory) BlockSize() int { return m.unit }

func (m *tagMemory) place(p, tags []byte, off int64) (data, tag []byte, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	first := int(off) / m.unit
	if off%int64(m.unit) != 0 || len(p)%m.unit != 0 || len(p)/m.unit*m.tag != len(tags) {
		return nil, nil, errors.New("not whole sectors")
	}
	if off+int64(len(p)) > int64(len(m.data)) {
		return nil, nil, io.EOF
	}
	for at := off; at < off+int64(len(p)); at += int64(m.unit) {
		if err := m.broken[at]; err != nil {
			return nil, nil, err
		}
	}
	return m.data[off:][:len(p)], m.tags[first*m.tag:][:len(tags)], nil
}

func (m *tagMemory) ReadTagged(p, tags []byte, off int64) error {
	data, tag, err := m.place(p, tags, off)
	if err != nil {
		clear(p) // a failed read may leave anything
		return err
	}
	copy(p, data)
	copy(tags, tag)
	return nil
}

func (m *tagMemory) WriteTagged(p, tags []byte, off int64) error {
	data, tag, err := m.place(p, tags, off)
	if err != nil {
		return err
	}
	copy(data, p)
	copy(tag, tags)
	return nil
}

// integrityImage reads an image of dm-integrity with tags among the data, as far
// as the samples need it: its journal must be empty. Package volume/integrity,
// which has the whole format, imports this package.
type integrityImage struct {
	image      []byte
	start      int64 // bytes before the superblock
	tag        int   // bytes
	initial    int64 // sectors of superblock and journal
	interleave int64 // sectors
	run        int64 // sectors of a tag area
	block      int64 // sectors
}

func openIntegrityImage(t *testing.T, image []byte, start int64) *integrityImage {
	t.Helper()
	sb := image[start:]
	if string(sb[:8]) != "integrt\x00" {
		t.Fatalf("no superblock at %d: %x", start, sb[:8])
	}
	m := &integrityImage{
		image: image, start: start, tag: int(binary.LittleEndian.Uint16(sb[10:])),
		interleave: 1 << sb[9], block: 1 << sb[28],
	}
	entry := (8 + 8*m.block + int64(m.tag) + 7) &^ 7
	entries := 504 / entry * 8
	m.initial = 8 + (8+entries*m.block)*int64(binary.LittleEndian.Uint32(sb[12:]))
	padding := int64(131072)
	if binary.LittleEndian.Uint32(sb[24:])&8 != 0 {
		padding = 4096
	}
	m.run = (int64(m.tag)*(m.interleave/m.block) + padding - 1) / padding * padding / 512
	return m
}

func (m *integrityImage) TagSize() int   { return m.tag }
func (m *integrityImage) BlockSize() int { return int(m.block) * 512 }

// each calls do with the place of every sector and its tag.
func (m *integrityImage) each(p, tags []byte, off int64, do func(sector, inImage, tag, tagInImage []byte)) error {
	unit := m.BlockSize()
	for ; len(p) > 0; p, tags, off = p[unit:], tags[m.tag:], off+int64(unit) {
		area, within := off/512/m.interleave, off/512%m.interleave
		data := m.start + 512*(m.initial+area*m.interleave+(area+1)*m.run+within)
		tag := m.start + 512*(m.initial+area*(m.interleave+m.run)) + within/m.block*int64(m.tag)
		if data+int64(unit) > int64(len(m.image)) {
			return io.EOF
		}
		do(p[:unit], m.image[data:][:unit], tags[:m.tag], m.image[tag:][:m.tag])
	}
	return nil
}

func (m *integrityImage) ReadTagged(p, tags []byte, off int64) error {
	return m.each(p, tags, off, func(sector, inImage, tag, tagInImage []byte) {
		copy(sector, inImage)
		copy(tag, tagInImage)
	})
}

func (m *integrityImage) WriteTagged(p, tags []byte, off int64) error {
	return m.each(p, tags, off, func(sector, inImage, tag, tagInImage []byte) {
		copy(inImage, sector)
		copy(tagInImage, tag)
	})
}

// aeadConfigs are a config of every kind, with keys that are only long enough.
func aeadConfigs() []Config {
	key := func(n int) []byte {
		k := make([]byte, n)
		for i := range k {
			k[i] = byte(i*7 + n)
		}
		return k
	}
	return []Config{
		{Spec: "capi:authenc(hmac(sha256),xts(aes))-random", Key: key(96), Integrity: "48:aead"},
		{Spec: "capi:authenc(hmac(sha256),xts(aes))-plain64", Key: key(96), Integrity: "32:aead"},
		{Spec: "capi:authenc(hmac(sha1),xts(aes))-plain64be", Key: key(52), Integrity: "20:aead"},
		{Spec: "capi:authenc(hmac(sha512),cbc(aes))-essiv:sha256", Key: key(96), Integrity: "64:aead"},
		{Spec: "capi:authenc(hmac(sha256),essiv(cbc(aes),sha256))-plain64", Key: key(64), Integrity: "32:aead"},
		{Spec: "capi:authenc(hmac(sha256),ctr(aes))-benbi", Key: key(48), Integrity: "16:aead"},
		{Spec: "capi:authenc(hmac(sha256),cbc(twofish))-null", Key: key(64), Integrity: "32:aead"},
		{Spec: "capi:authenc(cmac(aes),xts(aes))-random", Key: key(80), Integrity: "32:aead"},
		{Spec: "capi:authenc(hmac(rmd160),xts(aes))-random", Key: key(64 + 7), IntegrityKeySize: 7, Integrity: "28:aead"},
		{Spec: "capi:gcm(aes)-random", Key: key(32), Integrity: "28:aead"},
		{Spec: "capi:gcm(aes)-plain64", Key: key(16), Integrity: "16:aead"},
		{Spec: "capi:gcm(aes)-random", Key: key(24), Integrity: "16:aead"},
		{Spec: "capi:gcm(twofish)-random", Key: key(32), Integrity: "28:aead"},
		{Spec: "capi:rfc4106(gcm(aes))-random", Key: key(36), Integrity: "24:aead"},
		{Spec: "capi:rfc4309(ccm(aes))-random", Key: key(35), Integrity: "24:aead"},
		{Spec: "capi:rfc4309(ccm(aes))-plain64", Key: key(19), Integrity: "8:aead"},
		{Spec: "capi:rfc7539(chacha20,poly1305)-random", Key: key(32), Integrity: "28:aead"},
		{Spec: "capi:rfc7539esp(chacha20,poly1305)-random", Key: key(36), Integrity: "24:aead"},
		{Spec: "capi:aegis128-random", Key: key(16), Integrity: "32:aead"},
		{Spec: "capi:aegis128-plain64", Key: key(16), Integrity: "8:aead"},
		{Spec: "aes-xts-random", Key: key(64), Integrity: "16:none"},
		{Spec: "capi:cbc(aes)-random", Key: key(32), Integrity: "20:none"},
		{Spec: "aes:64-cbc-random", Key: key(64 * 16), Integrity: "16:none"},
		{Spec: "aes-ecb-random", Key: key(32), Integrity: "16:none"},
		{Spec: "aes-xts-plain64", Key: key(64), Integrity: "4:none"},
		{Spec: "aes:2-cbc-essiv:sha256", Key: key(64), Integrity: "16:none"},
	}
}

// authenticates says whether c finds changes.
func authenticates(c Config) bool { return bytes.HasSuffix([]byte(c.Integrity), []byte("aead")) }
