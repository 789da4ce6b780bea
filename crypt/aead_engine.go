package crypt

import "crypto/rand"

// tagEngine encrypts runs of whole sectors with what is stored beside them. dst
// and src are of equal length; tags holds the stride of the storage for each
// sector. sector is the number of the first in units of 512 bytes, without the
// IV offset. Calls may be concurrent.
type tagEngine interface {
	// seal encrypts src to dst, the same memory or apart, and fills tags.
	seal(dst, src, tags []byte, sector uint64)

	// open decrypts p in place. It returns how many bytes at its front are sectors
	// that authenticate; what is behind the first that does not is no plaintext.
	open(p, tags []byte, sector uint64) int

	wiper
}

// aeadEngine is the tagEngine of modes with tags, and of stored IVs. Beside each
// sector are the tag, the IV if it is random, and zeros.
type aeadEngine struct {
	geometry
	mode    sectorAEAD
	iv      ivGenerator // nil when the mode takes no IV, and when it is random
	random  bool
	ivSize  int // bytes; 0 when the mode takes no IV
	tagSize int // bytes; 0 when there is none
	stride  int // bytes beside each sector
}

func (e *aeadEngine) seal(dst, src, tags []byte, sector uint64) {
	clear(tags)
	e.run(src, tags, sector, func(at, n int, r *tagRun) bool {
		if e.random {
			rand.Read(r.ivs) // never fails
			for i := range n / e.unit {
				copy(r.tags[i*e.stride+e.tagSize:], r.iv(i))
			}
		}
		e.mode.seal(dst[at:at+n], src[at:at+n], r)
		return true
	})
}

func (e *aeadEngine) open(p, tags []byte, sector uint64) int {
	good := 0
	e.run(p, tags, sector, func(at, n int, r *tagRun) bool {
		if e.random {
			for i := range n / e.unit {
				copy(r.iv(i), r.tags[i*e.stride+e.tagSize:])
			}
		}
		opened := e.mode.open(p[at:at+n], r)
		good += opened
		return opened == n
	})
	return good
}

// run calls do for one batch of sectors of p after the other, while it returns
// true, with the place and the length of the batch in p, and its IVs unless they
// are random.
func (e *aeadEngine) run(p, tags []byte, sector uint64, do func(at, n int, r *tagRun) bool) {
	b := tagBatches.Get().(*tagBatch)
	defer tagBatches.Put(b)
	for at := 0; at < len(p); {
		n := min(len(p)-at, batchUnits*e.unit)
		sectors, first := n/e.unit, at/e.unit
		number := sector + uint64(at>>sectorShift)
		b.tagRun = tagRun{
			unit: e.unit, first: number, step: e.step,
			ivs: b.room[:sectors*e.ivSize], ivSize: e.ivSize,
			tags: tags[first*e.stride : (first+sectors)*e.stride], stride: e.stride,
		}
		if e.iv != nil {
			e.iv.generate(b.ivs, e.ivSize, ivNumbers{first: number + e.ivOffset, step: e.step, shift: e.shift})
		}
		if !do(at, n, &b.tagRun) {
			break
		}
		at += n
	}
	b.tagRun = tagRun{} // no reference to the caller's memory
}

func (e *aeadEngine) wipe() {
	if w, ok := e.mode.(wiper); ok {
		w.wipe()
	}
}

// ivOnly is a cipher without tags as a sectorAEAD: every sector opens.
type ivOnly struct {
	keys     []keyed // sector S uses keys[S mod len(keys)]
	ivOffset uint64  // 512-byte sectors, added to S
}

func (m ivOnly) seal(dst, src []byte, r *tagRun) {
	for i, at, n := 0, 0, m.run(len(src), r); at < len(src); i, at = i+1, at+n {
		m.mode(r, i).encrypt(dst[at:at+n], src[at:at+n], r.ivs[at/r.unit*r.ivSize:(at+n)/r.unit*r.ivSize], r.unit)
	}
}

func (m ivOnly) open(p []byte, r *tagRun) int {
	for i, at, n := 0, 0, m.run(len(p), r); at < len(p); i, at = i+1, at+n {
		m.mode(r, i).decrypt(p[at:at+n], p[at:at+n], r.ivs[at/r.unit*r.ivSize:(at+n)/r.unit*r.ivSize], r.unit)
	}
	return len(p)
}

// run returns how many bytes have the same key: all of length, or a sector.
func (m ivOnly) run(length int, r *tagRun) int {
	if len(m.keys) == 1 {
		return length
	}
	return r.unit
}

// mode returns that of sector i. The number of keys is a power of two.
func (m ivOnly) mode(r *tagRun, i int) sectorMode {
	sector := r.first + uint64(i)*r.step + m.ivOffset
	return m.keys[sector&uint64(len(m.keys)-1)].mode
}

func (m ivOnly) wipe() {
	for _, k := range m.keys {
		if w, ok := k.mode.(wiper); ok {
			w.wipe()
		}
	}
}

// tagless is an engine that leaves what is beside the sectors zero and does not
// look at it: integrity none without random IVs.
type tagless struct{ engine *engine }

func (t tagless) seal(dst, src, tags []byte, sector uint64) {
	clear(tags)
	t.engine.EncryptSectors(dst, src, sector)
}

func (t tagless) open(p, _ []byte, sector uint64) int {
	t.engine.DecryptSectors(p, p, sector)
	return len(p)
}

func (t tagless) wipe() { t.engine.wipe() }
