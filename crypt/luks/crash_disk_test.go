package luks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// disk is a Storage in memory that remembers what was done to it.
type disk struct {
	b      []byte
	log    []event
	failAt int // number of the write or sync that fails, from 1 on; 0: none
	torn   bool
}

// event is a write, or a sync if b is nil.
type event struct {
	off int64
	b   []byte
}

var errDisk = errors.New("the disk has gone")

func (d *disk) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(d.b).ReadAt(p, off) }

func (d *disk) WriteAt(p []byte, off int64) (int, error) {
	d.log = append(d.log, event{off, append([]byte{}, p...)})
	if d.failAt > 0 && len(d.log) >= d.failAt {
		if d.torn && len(d.log) == d.failAt {
			d.put(event{off, p[:len(p)/2/SectorSize*SectorSize]})
		}
		return 0, errDisk
	}
	d.put(event{off, p})
	return len(p), nil
}

// put writes, and grows the disk as a file grows.
func (d *disk) put(e event) {
	if missing := e.off + int64(len(e.b)) - int64(len(d.b)); missing > 0 {
		d.b = append(d.b, make([]byte, missing)...)
	}
	copy(d.b[e.off:], e.b)
}

func (d *disk) Sync() error {
	d.log = append(d.log, event{})
	if d.failAt > 0 && len(d.log) >= d.failAt {
		return errDisk
	}
	return nil
}

func (d *disk) Size() (int64, error) { return int64(len(d.b)), nil }

// crashes calls visit with every state that a crash may leave behind while what d logged
// was done to before: what was synced is there; of the rest any sectors of 512 bytes may
// be. Of many sectors, some cuts between what is there and what is not are visited, in either
// order, and some sets at random; with DMIMG_TEST_COSTLY=1 all cuts and more sets.
func (d *disk) crashes(t *testing.T, before []byte, visit func(what string, image *disk)) {
	t.Helper()
	now, r := &disk{b: bytes.Clone(before)}, rand.New(rand.NewPCG(1, 2))
	var pending []event // sectors
	for i, e := range append(slices.Clone(d.log), event{}) {
		for len(e.b) > 0 {
			n := min(len(e.b), int(SectorSize-e.off%SectorSize))
			pending = append(pending, event{e.off, e.b[:n]})
			e = event{e.off + int64(n), e.b[n:]}
		}
		if e.b != nil {
			continue
		}
		for _, mask := range masks(len(pending), r) {
			image := &disk{b: bytes.Clone(now.b)}
			for k, p := range pending {
				if mask(k) {
					image.put(p)
				}
			}
			visit(fmt.Sprintf("event %d of %d, %d sectors", i+1, len(d.log), len(pending)), image)
		}
		for _, p := range pending {
			now.put(p)
		}
		pending = nil
	}
	if !bytes.Equal(now.b, d.b) {
		t.Error("the log does not lead to the disk")
	}
	if n := len(d.log); n > 0 && d.log[n-1].b != nil {
		t.Error("the last write was not synced")
	}
}

// masks say which of n sectors reach the disk.
func masks(n int, r *rand.Rand) (list []func(k int) bool) {
	step, some := 1, 3
	if n > 8 {
		step = n / 4
	}
	if os.Getenv("DMIMG_TEST_COSTLY") != "" {
		step, some = max(n/128, 1), 64
	}
	for cut := 0; cut <= n; cut += step {
		list = append(list, func(k int) bool { return k < cut })
		list = append(list, func(k int) bool { return k >= cut })
	}
	for range min(some, n-1) {
		seed := r.Uint64()
		list = append(list, func(k int) bool { return rand.New(rand.NewPCG(seed, uint64(k))).IntN(2) == 0 })
	}
	return list
}

// dataAt is where the data of blank begins: behind the slots of all headers here.
const dataAt = 1<<20 + 192<<10

// blank is a header without key slots, with costs that take no time, on a disk that has
// some data. The key is for the digest.
func blank(t *testing.T, version int) (*disk, *Key) {
	t.Helper()
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(3*i + 1)
	}
	d := &disk{b: make([]byte, dataAt+16<<10)}
	for i := range d.b {
		d.b[i] = byte(i >> 9)
	}
	if version == 1 {
		blank1(t, d, key)
	} else {
		blank2(t, d, key, minSize2)
	}
	return d, NewKey(key)
}

func blank1(t *testing.T, d *disk, key []byte) {
	t.Helper()
	digest, err := newDigest(t.Context(), key, "sha256", digest1, minIterations, random)
	if err != nil {
		t.Fatal(err)
	}
	h := Header1{
		Cipher: "aes", Mode: "xts-plain64", Hash: "sha256", PayloadOffset: dataAt / SectorSize, KeySize: uint32(len(key)),
		Digest: [digest1]byte(digest.Digest), DigestSalt: [salt1]byte(digest.Salt), DigestIterations: minIterations,
		UUID: "0a8c9a7e-7f0b-4b5c-8d7a-2f6c5d4e3b2a",
	}
	for i := range h.Slots {
		h.Slots[i] = Slot1{Offset: slotOffset1(i, len(key)), Stripes: stripes}
	}
	b, err := h.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	copy(d.b, b)
}

func blank2(t *testing.T, d *disk, key []byte, size uint64) {
	t.Helper()
	digest, err := newDigest(t.Context(), key, "sha256", 32, minIterations, random)
	if err != nil {
		t.Fatal(err)
	}
	digest.Segments = IDs{0}
	h := &Header2{
		Size: size, SequenceID: 3, ChecksumHash: "sha256", UUID: "0a8c9a7e-7f0b-4b5c-8d7a-2f6c5d4e3b2a",
		Metadata: &Metadata{
			Keyslots: map[int]*Keyslot{}, Tokens: map[int]*Token{}, Digests: map[int]*Digest{0: digest},
			Segments: map[int]*Segment{0: {Type: segmentCrypt, Offset: dataAt, Size: SegmentSize{Dynamic: true}, Encryption: fallback, SectorSize: SectorSize}},
			Config:   Config{JSONSize: Number(size - binarySize2), KeyslotsSize: 1 << 20},
		},
	}
	for number := range uint64(2) {
		st, err := h.text().copyStep(number)
		if err != nil {
			t.Fatal(err)
		}
		d.put(event{st.off, st.b})
	}
}

// text makes the JSON of the header.
func (h *Header2) text() *Header2 {
	doc, err := h.Metadata.MarshalJSON()
	if err != nil {
		panic(err)
	}
	h.JSON = doc
	return h
}

// random is not random.
var random io.Reader = zeros{}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
