package crypt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// newTagDevice makes a device in memory with so many sectors.
func newTagDevice(t testing.TB, c Config, sectors, extra int) (*Device, *tagMemory) {
	t.Helper()
	p, err := parseProfile(c.Integrity)
	if err != nil {
		t.Fatal(err)
	}
	m := newTagMemory(sectors, max(c.SectorSize, 512), p.bytes+extra)
	d, err := NewAEADDevice(m, c)
	if err != nil {
		t.Fatalf("NewAEADDevice(%q, %q): %v", c.Spec, c.Integrity, err)
	}
	return d, m
}

func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// TestAEADRoundTrip writes and reads with every mode and sector size, in pieces
// and at once, and finds the tags filled up with zeros.
func TestAEADRoundTrip(t *testing.T) {
	t.Parallel()
	for _, config := range aeadConfigs() {
		for _, units := range []struct {
			size  int
			large bool
		}{{512, false}, {4096, false}, {4096, true}} {
			config := config
			config.SectorSize, config.IVLargeSectors, config.IVOffset = units.size, units.large, 1<<40
			t.Run(fmt.Sprintf("%s %s %v", config.Spec, config.Integrity, units), func(t *testing.T) {
				t.Parallel()
				checkRoundTrip(t, config, units.size)
			})
		}
	}
}

func checkRoundTrip(t *testing.T, config Config, unit int) {
	const sectors = 70 // a batch and a bit
	d, m := newTagDevice(t, config, sectors, 3)
	key := bytes.Clone(config.Key)
	plain := noise(1, sectors*unit)
	given := bytes.Clone(plain)
	for at, n := 0, 1; at < sectors; at, n = at+n, n+7 {
		n = min(n, sectors-at)
		if w, err := d.WriteAt(plain[at*unit:(at+n)*unit], int64(at*unit)); w != n*unit || err != nil {
			t.Fatalf("WriteAt of %d sectors at %d = %d, %v", n, at, w, err)
		}
	}
	if !bytes.Equal(plain, given) || !bytes.Equal(config.Key, key) {
		t.Error("WriteAt changed its argument, or NewAEADDevice the key")
	}
	got := make([]byte, len(plain))
	if n, err := d.ReadAt(got, 0); n != len(got) || err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("one large read differs: %d, %v", n, err)
	}
	for at := range sectors {
		if n, err := d.ReadAt(got[:unit], int64(at*unit)); n != unit || err != nil || !bytes.Equal(got[:unit], plain[at*unit:][:unit]) {
			t.Fatalf("sector %d alone differs: %d, %v", at, n, err)
		}
		if tag := m.tags[at*m.tag:][:m.tag]; !bytes.Equal(tag[m.tag-3:], []byte{0, 0, 0}) {
			t.Errorf("sector %d: tag %x does not end with zeros", at, tag)
		}
	}
}

// TestAEADFindsChanges changes single bits of data and tags, exchanges sectors,
// and demands an error for exactly that sector and no byte of it.
func TestAEADFindsChanges(t *testing.T) {
	t.Parallel()
	for _, config := range aeadConfigs() {
		if !authenticates(config) {
			continue
		}
		t.Run(config.Spec+" "+config.Integrity, func(t *testing.T) {
			t.Parallel()
			const sectors, bad = 70, 66 // in the second batch
			d, m := newTagDevice(t, config, sectors, 0)
			plain := noise(2, sectors*512)
			if _, err := d.WriteAt(plain, 0); err != nil {
				t.Fatal(err)
			}
			data, tags := m.data[bad*512:][:512], m.tags[bad*m.tag:][:m.tag]
			for bit := range 12 {
				at := data[bit%6*102:] // the first byte, …, the last but one
				if bit >= 6 {
					at = tags[(bit-6)*(len(tags)-1)/5:]
				}
				at[0] ^= 1 << (bit % 8)
				checkBadSector(t, d, plain, bad)
				at[0] ^= 1 << (bit % 8)
			}
			copy(data, m.data[3*512:][:512]) // sector 3 with its tag in another place
			copy(tags, m.tags[3*m.tag:][:m.tag])
			checkBadSector(t, d, plain, bad)
			clear(data) // never written
			clear(tags)
			checkBadSector(t, d, plain, bad)
			if _, err := d.WriteAt(plain[bad*512:][:512], bad*512); err != nil {
				t.Fatal(err)
			}
			if n, err := d.ReadAt(make([]byte, len(plain)), 0); n != len(plain) || err != nil {
				t.Errorf("after it was written: %d, %v", n, err)
			}
		})
	}
}

func checkBadSector(t *testing.T, d *Device, plain []byte, bad int) {
	t.Helper()
	p := noise(3, len(plain))
	n, err := d.ReadAt(p, 0)
	var failed *IntegrityError
	if n != bad*512 || !errors.Is(err, ErrIntegrity) || !errors.As(err, &failed) || failed.Offset != int64(n) || failed.Length != 512 {
		t.Fatalf("ReadAt = %d, %v, want an IntegrityError at %d", n, err, bad*512)
	}
	if !bytes.Equal(p[:n], plain[:n]) {
		t.Error("the sectors before differ")
	}
	if !bytes.Equal(p[n:], make([]byte, len(p)-n)) {
		t.Error("the rest holds something")
	}
	if n, err := d.ReadAt(p[:len(plain)-(bad+1)*512], int64(bad+1)*512); err != nil || !bytes.Equal(p[:n], plain[(bad+1)*512:]) {
		t.Errorf("the sectors behind: %d, %v", n, err)
	}
}

// TestIVOnlyFindsNothing documents that type none has no tags.
func TestIVOnlyFindsNothing(t *testing.T) {
	t.Parallel()
	d, m := newTagDevice(t, Config{Spec: "aes-xts-random", Key: noise(1, 64), Integrity: "16:none"}, 2, 0)
	p := noise(2, 1024)
	if _, err := d.WriteAt(p, 0); err != nil {
		t.Fatal(err)
	}
	m.tags[0] ^= 1
	got := make([]byte, 1024)
	if _, err := d.ReadAt(got, 0); err != nil || bytes.Equal(got[:512], p[:512]) || !bytes.Equal(got[512:], p[512:]) {
		t.Errorf("with another IV of sector 0: %v", err)
	}
}

// TestRandomIVsAreFresh writes the same twice.
func TestRandomIVsAreFresh(t *testing.T) {
	t.Parallel()
	d, m := newTagDevice(t, Config{Spec: "capi:gcm(aes)-random", Key: noise(1, 32), Integrity: "28:aead"}, 200, 0)
	seen := map[string]bool{}
	for range 3 {
		if _, err := d.WriteAt(make([]byte, 200*512), 0); err != nil {
			t.Fatal(err)
		}
		for i := range 200 {
			seen[string(m.tags[i*28+16:][:12])] = true
		}
	}
	if len(seen) != 600 {
		t.Errorf("%d different IVs in 600 writes", len(seen))
	}
}

// TestAEADStorageErrors finds the sector that fails in the middle of a run, and
// passes the end of the storage on.
func TestAEADStorageErrors(t *testing.T) {
	t.Parallel()
	d, m := newTagDevice(t, Config{Spec: "capi:gcm(aes)-random", Key: noise(1, 32), Integrity: "28:aead"}, 40, 0)
	plain := noise(2, 40*512)
	if _, err := d.WriteAt(plain, 0); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("medium error")
	m.broken = map[int64]error{20 * 512: broken}
	p := make([]byte, len(plain))
	if n, err := d.ReadAt(p, 0); n != 20*512 || !errors.Is(err, broken) || errors.Is(err, ErrIntegrity) || !bytes.Equal(p[:n], plain[:n]) {
		t.Errorf("ReadAt over a broken sector = %d, %v", n, err)
	}
	m.data[5*512] ^= 1 // the first of both failures counts
	if n, err := d.ReadAt(p, 0); n != 5*512 || !errors.Is(err, ErrIntegrity) {
		t.Errorf("ReadAt over a changed, then a broken sector = %d, %v", n, err)
	}
	if n, err := d.WriteAt(plain, 0); n != 0 || !errors.Is(err, broken) {
		t.Errorf("WriteAt over a broken sector = %d, %v", n, err)
	}
	m.broken = nil
	m.data[5*512] ^= 1
	if n, err := d.ReadAt(make([]byte, 4096), 36*512); n != 4*512 || err != io.EOF {
		t.Errorf("ReadAt over the end = %d, %v, want %d, EOF", n, err, 4*512)
	}
	if n, err := d.ReadAt(p[:512], 40*512); n != 0 || err != io.EOF {
		t.Errorf("ReadAt behind the end = %d, %v, want EOF", n, err)
	}
	if n, err := d.ReadAt(p[:512], 100); n != 0 || !errors.Is(err, ErrUnaligned) {
		t.Errorf("ReadAt at 100 = %d, %v", n, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.ReadAt(p[:512], 0); !errors.Is(err, ErrClosed) {
		t.Errorf("ReadAt after Close: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestAEADLarge reads and writes what several workers share, also at the same
// time, and finds the first of several wrong tags.
func TestAEADLarge(t *testing.T) {
	t.Parallel()
	const sectors = 2048
	d, m := newTagDevice(t, Config{Spec: "capi:rfc7539(chacha20,poly1305)-random", Key: noise(1, 32), Integrity: "28:aead"}, sectors, 0)
	plain := noise(2, sectors*512)
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Go(func() {
			half := plain[part*len(plain)/4:][:len(plain)/4]
			if n, err := d.WriteAt(half, int64(part*len(plain)/4)); n != len(half) || err != nil {
				t.Errorf("WriteAt = %d, %v", n, err)
			}
		})
	}
	wg.Wait()
	got := make([]byte, len(plain))
	if n, err := d.ReadAt(got, 0); n != len(got) || err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("ReadAt = %d, %v", n, err)
	}
	for _, bad := range []int{1999, 700, 701, 1200} {
		m.tags[bad*28] ^= 0x80
	}
	n, err := d.ReadAt(got, 0)
	var failed *IntegrityError
	if n != 700*512 || !errors.As(err, &failed) || failed.Offset != 700*512 || !bytes.Equal(got[:n], plain[:n]) {
		t.Errorf("ReadAt = %d, %v, want the error of sector 700", n, err)
	}
}

// TestAEADAllocatesNothing holds small calls to no allocation for every mode.
func TestAEADAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	for _, config := range aeadConfigs() {
		if strings.Contains(config.Spec, "gcm(twofish)") {
			continue // GCM of crypto/cipher allocates for each sector with all but AES
		}
		if strings.Contains(config.Spec, "chacha20") && len(Implementations()) == 1 {
			continue // so does x/crypto's ChaCha20-Poly1305 without assembly
		}
		d, _ := newTagDevice(t, config, 128, 0)
		p := make([]byte, 128*512)
		for name, call := range map[string]func([]byte, int64) (int, error){"WriteAt": d.WriteAt, "ReadAt": d.ReadAt} {
			if _, err := d.WriteAt(p, 0); err != nil {
				t.Fatal(err)
			}
			got := testing.AllocsPerRun(10, func() {
				if _, err := call(p, 0); err != nil {
					t.Fatal(err)
				}
			})
			if got >= 1 {
				t.Errorf("%s %s: %s of 128 sectors: %v allocations", config.Spec, config.Integrity, name, got)
			}
		}
	}
}

func BenchmarkAEAD(b *testing.B) {
	for _, config := range aeadConfigs() {
		config.SectorSize = 4096
		for _, write := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/write=%v", config.Spec, write), func(b *testing.B) {
				d, _ := newTagDevice(b, config, 16, 0)
				p := make([]byte, 16*4096)
				if _, err := d.WriteAt(p, 0); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(p)))
				b.ReportAllocs()
				for b.Loop() {
					if write {
						_, _ = d.WriteAt(p, 0)
					} else {
						_, _ = d.ReadAt(p, 0)
					}
				}
			})
		}
	}
}
