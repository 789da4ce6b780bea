package integrity_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// disk is a device that loses, when the power goes, any of the sectors that were
// written and not flushed.
type disk struct {
	mu      sync.Mutex
	now     []byte
	safe    []byte
	pending map[int64]bool // sectors
	budget  int            // sectors that may still be written; 0: the power is gone
}

var errPower = errors.New("the power is gone")

func newDisk(image []byte) *disk {
	return &disk{now: bytes.Clone(image), safe: bytes.Clone(image), pending: make(map[int64]bool), budget: 1 << 30}
}

func (d *disk) Size() (int64, error) { return int64(len(d.now)), nil }

func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return copy(p, d.now[off:]), nil
}

func (d *disk) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n := range p {
		if at := (off + int64(n)) / 512; n == 0 || (off+int64(n))%512 == 0 {
			if d.budget == 0 {
				return n, errPower
			}
			d.budget--
			d.pending[at] = true
		}
		d.now[off+int64(n)] = p[n]
	}
	return len(p), nil
}

func (d *disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.budget == 0 {
		return errPower
	}
	d.safe = bytes.Clone(d.now)
	clear(d.pending)
	return nil
}

// crash returns what is on the disk afterwards.
func (d *disk) crash(r *rand.Rand) []byte {
	image := bytes.Clone(d.safe)
	for sector := range d.pending {
		if r.IntN(2) == 0 {
			copy(image[sector*512:(sector+1)*512], d.now[sector*512:])
		}
	}
	return image
}

// TestPowerLoss writes until the power goes, again and again. What was synced is
// there afterwards, every block is a state that it had, and with a journal every
// tag fits.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"crc32c", "MAC and cipher", "sha1, 4k", "small regions", "blocks, regions", "long journal"} {
		for _, mode := range []integrity.Mode{integrity.ModeJournal, integrity.ModeBitmap} {
			t.Run(name+"/"+string(mode), func(t *testing.T) {
				t.Parallel()
				m := format(t, shapes[name], mode, false)
				m.config.LegacyRecalculate = true // in mode B with a key
				image := m.data.Bytes()
				r := rand.New(rand.NewPCG(7, uint64(mode)))
				var l lives
				for life := range 12 {
					image = l.live(t, m.config, image, r, life)
				}
			})
		}
	}
}

// lives is what the blocks of a device may hold: what was synced, and what was
// written since.
type lives struct {
	states map[int64][][]byte // block → contents
}

// live opens the image, checks it, writes until the power goes, and returns what
// is left.
func (l *lives) live(t *testing.T, c integrity.Config, image []byte, r *rand.Rand, life int) []byte {
	t.Helper()
	power := newDisk(image)
	d, err := integrity.Open(background, power, nil, c)
	if err != nil {
		t.Fatalf("life %d: Open: %v", life, err)
	}
	l.check(t, d, life)
	power.budget = 1 + r.IntN(3000)
	blocks := d.Size() / int64(d.BlockSize)
	for i := 0; ; i++ {
		first := r.Int64N(blocks)
		n := 1 + r.Int64N(min(blocks-first, 20))
		p := noise(uint64(life*1000+i), int(n)*d.BlockSize)
		for b := range n {
			l.states[first+b] = append(l.states[first+b], p[int(b)*d.BlockSize:][:d.BlockSize])
		}
		if _, err = d.WriteAt(p, first*int64(d.BlockSize)); err == nil && r.IntN(4) == 0 {
			if err = d.Sync(); err == nil {
				for b, states := range l.states {
					l.states[b] = states[len(states)-1:]
				}
			}
		}
		if err != nil {
			if !errors.Is(err, errPower) {
				t.Fatalf("life %d: %v", life, err)
			}
			return power.crash(r)
		}
		if i%10 == 9 && r.IntN(8) == 0 { // an orderly end
			if err := d.Close(); err == nil {
				return power.safe
			}
			return power.crash(r)
		}
	}
}

// check reads every block, and takes what it holds for its state.
func (l *lives) check(t *testing.T, d *integrity.Device, life int) {
	t.Helper()
	if l.states == nil {
		l.states = make(map[int64][][]byte)
	}
	for b := range d.Size() / int64(d.BlockSize) {
		p := make([]byte, d.BlockSize)
		if _, err := d.ReadAt(p, b*int64(d.BlockSize)); err != nil {
			t.Fatalf("life %d: block %d: %v", life, b, err)
		}
		known := l.states[b]
		if known == nil {
			known = [][]byte{make([]byte, d.BlockSize)}
		}
		found := false
		for _, state := range known {
			found = found || bytes.Equal(p, state) || d.BlockSize > 512 && torn(p, known)
		}
		if !found {
			t.Fatalf("life %d: block %d is none of the %d states that it had", life, b, len(known))
		}
		l.states[b] = [][]byte{p}
	}
}

// torn says whether every sector of a block comes from some state: without a
// journal the power may go in the middle of a block.
func torn(p []byte, states [][]byte) bool {
	for off := 0; off < len(p); off += 512 {
		found := false
		for _, s := range states {
			found = found || bytes.Equal(s[off:off+512], p[off:off+512])
		}
		if !found {
			return false
		}
	}
	return true
}

// TestUncleanBitmap: a device in mode B that was not shut down shows the regions
// that are marked as they are, checks the others, and marks stay until the tags
// are computed anew.
func TestUncleanBitmap(t *testing.T) {
	t.Parallel()
	m := format(t, shapes["small regions"], integrity.ModeBitmap, false)
	d := m.open(t)
	p := noise(1, 512)
	if _, err := d.WriteAt(p, 100*512); err != nil { // region of blocks 96 to 111
		t.Fatal(err)
	}
	left := made{data: volumetest.NewMemory(m.data.Bytes()), config: m.config}
	for _, block := range []int64{97, 112} {
		at, _ := d.TagOffset(block)
		flip(t, left.data, at)
	}
	for _, tt := range []struct {
		name   string
		change func(*integrity.Config)
		block  int64
		want   error
	}{
		{"in the region", func(*integrity.Config) {}, 97, nil},
		{"outside", func(*integrity.Config) {}, 112, integrity.ErrCorrupt},
		{"other regions, all are computed anew", func(c *integrity.Config) { c.SectorsPerBit = 32 }, 112, nil},
		{"mode J, all are computed anew", func(c *integrity.Config) { c.Mode = 'J' }, 112, nil},
		{"mode D, all are computed anew", func(c *integrity.Config) { c.Mode, c.SectorsPerBit = 'D', 0 }, 112, nil},
		{"reset_recalculate", func(c *integrity.Config) { c.ResetRecalculate = true }, 112, nil},
		{"mode R", func(c *integrity.Config) { c.Mode = 'R' }, 112, nil},
	} {
		other := left
		tt.change(&other.config)
		if _, err := other.open(t).ReadAt(make([]byte, 512), tt.block*512); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	again := left.open(t)
	if _, err := again.WriteAt(p, 0); err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	again = left.open(t)
	if sb := again.Superblock(); sb.Flags&integrity.FlagDirtyBitmap == 0 {
		t.Errorf("flags %v: the mark is lost", sb.Flags)
	}
	for block, want := range map[int64]error{0: nil, 97: nil, 112: integrity.ErrCorrupt} {
		if _, err := again.ReadAt(make([]byte, 512), block*512); !errors.Is(err, want) {
			t.Errorf("block %d after another write: %v, want %v", block, err, want)
		}
	}
	left.config.Mode = integrity.ModeJournal
	journaled := left.open(t)
	if _, err := journaled.WriteAt(p, 0); err != nil {
		t.Fatal(err)
	}
	if err := journaled.Close(); err != nil {
		t.Fatal(err)
	}
	sb := left.open(t).Superblock()
	if sb.Flags&(integrity.FlagDirtyBitmap|integrity.FlagRecalculating) != integrity.FlagRecalculating || sb.RecalcSector != 0 {
		t.Errorf("after mode J: flags %v, sector %d, want all to be computed anew", sb.Flags, sb.RecalcSector)
	}
}

// TestUncleanBitmapWithKey: computing tags with a key would vouch for anything.
func TestUncleanBitmapWithKey(t *testing.T) {
	t.Parallel()
	m := format(t, shapes["hmac(sha256)"], integrity.ModeBitmap, false)
	d := m.open(t)
	if _, err := d.WriteAt(noise(1, 512), 0); err != nil {
		t.Fatal(err)
	}
	left := made{data: volumetest.NewMemory(m.data.Bytes()), config: m.config}
	at, _ := d.TagOffset(1)
	flip(t, left.data, at)
	again := left.open(t)
	if _, err := again.ReadAt(make([]byte, 512), 512); !errors.Is(err, integrity.ErrCorrupt) {
		t.Errorf("ReadAt of a marked block: %v, want %v", err, integrity.ErrCorrupt)
	}
	if _, err := again.WriteAt(make([]byte, 512), 0); !errors.Is(err, integrity.ErrUnsupported) {
		t.Errorf("WriteAt: %v, want %v", err, integrity.ErrUnsupported)
	}
	if _, err := again.ReadAt(make([]byte, 512), 0); err != nil {
		t.Errorf("ReadAt after the refused write: %v", err)
	}
	left.config.LegacyRecalculate = true
	if _, err := left.open(t).ReadAt(make([]byte, 512), 512); err != nil {
		t.Errorf("ReadAt with legacy_recalculate: %v", err)
	}
}

// TestRecalculating: blocks behind the sector where computing tags stopped are not
// checked.
func TestRecalculating(t *testing.T) {
	t.Parallel()
	m := format(t, shapes["crc32c"], integrity.ModeJournal, false)
	d := m.open(t)
	sb := d.Superblock()
	sb.Flags |= integrity.FlagRecalculating
	sb.RecalcSector = 100
	if err := integrity.WriteSuperblock(m.data, 0, &sb); err != nil {
		t.Fatal(err)
	}
	for _, block := range []int64{99, 100} {
		at, _ := d.DataOffset(block * 512)
		flip(t, m.data, at)
	}
	again := m.open(t)
	if n, err := again.ReadAt(make([]byte, 4096), 99*512); n != 0 || !errors.Is(err, integrity.ErrCorrupt) {
		t.Errorf("before the sector: ReadAt = %d, %v", n, err)
	}
	if n, err := again.ReadAt(make([]byte, 4096), 100*512); n != 4096 || err != nil {
		t.Errorf("behind it: ReadAt = %d, %v", n, err)
	}
	if at, begun := again.Recalculated(); at != 100 || !begun {
		t.Errorf("Recalculated = %d, %v", at, begun)
	}
	sb.RecalcSector = 1 << 40
	if err := integrity.WriteSuperblock(m.data, 0, &sb); err != nil {
		t.Fatal(err)
	}
	if _, err := integrity.Open(background, m.data, nil, m.config); !errors.Is(err, integrity.ErrBadSuperblock) {
		t.Errorf("a sector past the end: %v", err)
	}
}

// TestDiscards: discarded blocks read as what is there, others do not.
func TestDiscards(t *testing.T) {
	t.Parallel()
	for _, keyed := range []bool{false, true} {
		m := format(t, shapes["hmac(sha256)"], integrity.ModeJournal, false)
		strict := made{data: m.data, config: m.config}
		m.config.AllowDiscards, m.config.AllowDiscardsKeyed = !keyed, keyed
		d := m.open(t)
		if _, err := d.WriteAt(noise(1, 64*512), 0); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.Discard(10*512, 20*512), d.Sync()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if n, err := d.ReadAt(make([]byte, 64*512), 0); n != 64*512 || err != nil {
				t.Errorf("keyed %v: ReadAt = %d, %v", keyed, n, err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d = m.open(t)
		}
		if keyed {
			if _, err := integrity.Open(background, strict.data, nil, strict.config); !errors.Is(err, integrity.ErrBadParams) {
				t.Errorf("Open without the option: %v", err)
			}
		} else if n, err := strict.open(t).ReadAt(make([]byte, 64*512), 0); n != 10*512 || !errors.Is(err, integrity.ErrCorrupt) {
			t.Errorf("without the option: ReadAt = %d, %v", n, err)
		}
		if err := d.Discard(0, d.Size()+512); !errors.Is(err, integrity.ErrUnaligned) {
			t.Errorf("Discard past the end: %v", err)
		}
	}
}

// FuzzOpen: whatever the superblock says, opening and reading neither panics nor
// gives a block that does not fit its tag.
func FuzzOpen(f *testing.F) {
	m := format(f, shapes["crc32c"], integrity.ModeJournal, false)
	image := m.data.Bytes()
	f.Add(image[:512], byte('J'), uint16(0))
	f.Add(image[:512], byte('B'), uint16(5000))
	f.Fuzz(func(t *testing.T, head []byte, mode byte, at uint16) {
		damaged := bytes.Clone(image)
		copy(damaged[:4096], head)
		damaged[int(at)*8%len(damaged)] ^= 1
		sb, err := integrity.ReadSuperblock(bytes.NewReader(damaged), 0)
		if err != nil {
			return
		}
		c := m.config
		c.Mode, c.TagSize, c.BlockSize = integrity.Mode(mode), int(sb.TagSize), sb.BlockSize()
		d, err := integrity.Open(background, volumetest.NewMemory(damaged), nil, c)
		if err != nil {
			return
		}
		defer d.Close()
		p := make([]byte, d.BlockSize)
		for off := int64(0); off < d.Size(); off += int64(len(p)) {
			_, _ = d.ReadAt(p, off)
		}
		_, _ = d.WriteAt(p, 0)
	})
}
