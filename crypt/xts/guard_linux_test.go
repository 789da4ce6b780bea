package xts

import (
	"bytes"
	"syscall"
	"testing"
)

// guarded returns n bytes between pages that must not be touched: at the start of
// the accessible memory, and at its end.
func guarded(t *testing.T, n int) (atStart, atEnd []byte) {
	t.Helper()
	page := syscall.Getpagesize()
	size := (n + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(m); err != nil {
			t.Error(err)
		}
	})
	for _, edge := range [][]byte{m[:page], m[page+size:]} {
		if err := syscall.Mprotect(edge, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	inside := m[page : page+size]
	return inside[:n], inside[size-n:]
}

// TestGuardPages works at the edges of memory: what reads or writes a byte too many
// crashes.
func TestGuardPages(t *testing.T) {
	t.Parallel()
	const room = 6 * 4096 // twice what is worked on
	readStart, readEnd := guarded(t, room)
	writeStart, writeEnd := guarded(t, room)
	key := random(21, 64)
	for _, i := range available() {
		c, err := newCipher(key, i)
		if err != nil {
			t.Fatal(err)
		}
		for size := BlockSize; size <= room/2; size += BlockSize {
			if size > 600 && size%512 != 0 && testing.Short() {
				continue
			}
			r := Run{SectorSize: size, First: uint64(size)}
			for sectors := 1; sectors <= min(3, room/2/size); sectors++ {
				n := sectors * size
				plain := random(uint64(n), n)
				src, dst := readStart[:n], writeStart[:n]
				copy(src, plain)
				c.Encrypt(dst, src, r)
				src, back := readEnd[room-n:], writeEnd[room-n:]
				copy(src, dst)
				c.Decrypt(back, src, r)
				c.Decrypt(src, src, r)
				c.Decrypt(dst, dst, r)
				if !bytes.Equal(back, plain) || !bytes.Equal(src, plain) || !bytes.Equal(dst, plain) {
					t.Fatalf("%v: %d sectors of %d bytes: wrong plaintext", i, sectors, size)
				}
			}
		}
	}
}

// TestBlocksGuardPages is TestGuardPages for blocks.
func TestBlocksGuardPages(t *testing.T) {
	t.Parallel()
	const room = 4096
	atStart, atEnd := guarded(t, room)
	for _, i := range available() {
		b, err := newBlocks(random(22, 32), i)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n <= room; n += BlockSize {
			plain := random(uint64(n), n)
			for name, p := range map[string][]byte{"start": atStart[:n], "end": atEnd[room-n:]} {
				copy(p, plain)
				b.Encrypt(p, p)
				b.Decrypt(p, p)
				if !bytes.Equal(p, plain) {
					t.Fatalf("%v: %d bytes at the %s of the page: wrong plaintext", i, n, name)
				}
			}
		}
	}
}
