package verity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
)

// FuzzSuperblock demands that what decodes encodes to bytes that decode to the
// same, and that its parameters are refused or make a sane layout.
func FuzzSuperblock(f *testing.F) {
	f.Add(marshal(f, testSuperblock()), int64(0))
	f.Add(marshal(f, &Superblock{Algorithm: "sha1", DataBlockSize: 512, HashBlockSize: 524288, DataBlocks: 1 << 54}), int64(1<<40))
	for _, b := range badSuperblocks(f) {
		f.Add(b, int64(512))
	}
	f.Fuzz(func(t *testing.T, b []byte, off int64) {
		var sb Superblock
		if err := sb.UnmarshalBinary(b); err != nil {
			if !errors.Is(err, ErrNotVerity) && !errors.Is(err, ErrBadSuperblock) {
				t.Fatalf("got %v, want ErrNotVerity or ErrBadSuperblock", err)
			}
			return
		}
		var again Superblock
		if err := again.UnmarshalBinary(marshal(t, &sb)); err != nil || !reflect.DeepEqual(again, sb) {
			t.Fatalf("decoded %+v, encoded and decoded again %+v, %v", sb, again, err)
		}
		p, err := sb.Params(off)
		if err != nil {
			if !errors.Is(err, ErrBadParams) {
				t.Fatalf("got %v, want ErrBadParams", err)
			}
			return
		}
		l, err := NewLayout(p)
		if err != nil {
			t.Fatal(err)
		}
		checkLayout(t, p, &l)
	})
}

// hostile makes parameters out of anything.
func hostile(hashType, algorithm uint8, dataSize, hashSize uint32, blocks, start uint64, salt []byte) Params {
	names := hashes.Names()
	return Params{
		HashType: int(hashType), Algorithm: names[int(algorithm)%len(names)],
		DataBlockSize: int(dataSize), HashBlockSize: int(hashSize),
		DataBlocks: blocks, HashStartBlock: start, Salt: salt, Jobs: 2,
	}
}

func FuzzLayout(f *testing.F) {
	f.Add(uint8(1), uint8(4), uint32(4096), uint32(4096), uint64(129), uint64(1), 32)
	f.Add(uint8(0), uint8(0), uint32(512), uint32(524288), uint64(1<<54), uint64(1<<43), 0)
	f.Add(uint8(1), uint8(6), uint32(524288), uint32(512), uint64(1<<44-1), uint64(1<<53), 256)
	f.Add(uint8(2), uint8(6), uint32(0), uint32(1), uint64(0), uint64(1<<63), 257)
	f.Fuzz(func(t *testing.T, hashType, algorithm uint8, dataSize, hashSize uint32, blocks, start uint64, salt int) {
		p := hostile(hashType, algorithm, dataSize, hashSize, blocks, start, make([]byte, uint(salt)%300))
		l, err := NewLayout(p)
		if err != nil {
			if !errors.Is(err, ErrBadParams) {
				t.Fatalf("got %v, want ErrBadParams", err)
			}
			return
		}
		checkLayout(t, p, &l)
	})
}

// FuzzVerify gives Check and Device an image with edits and cuts, and with
// parameters that may not be its own. Whatever Device returns must be what Check
// has not called damaged.
func FuzzVerify(f *testing.F) {
	f.Add(uint8(1), uint8(4), uint32(4096), uint32(4096), uint64(3), uint64(1), []byte{1}, uint8(0), []byte{})
	f.Add(uint8(0), uint8(2), uint32(512), uint32(512), uint64(40), uint64(0), []byte{}, uint8(0), []byte{1, 0, 9, 0, 3, 7})
	f.Add(uint8(1), uint8(4), uint32(512), uint32(512), uint64(1)<<40, uint64(1)<<40, []byte{}, uint8(0), []byte{1})
	f.Add(uint8(1), uint8(6), uint32(512), uint32(512), uint64(70), uint64(2), []byte{2}, uint8(3), []byte{1, 2, 0, 1, 3, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, hashType, algorithm uint8, dataSize, hashSize uint32, blocks, start uint64, salt []byte, cut uint8, edits []byte) {
		i := &image{
			p:    hostile(hashType, algorithm, dataSize, hashSize, blocks, start, salt),
			data: &memory{b: make([]byte, 600)}, hash: &memory{b: make([]byte, 700)},
		}
		a, err := hashes.Lookup(i.p.Algorithm)
		if err != nil {
			t.Fatal(err)
		}
		i.root = make([]byte, a.Size)
		if l, err := NewLayout(i.p); err == nil && l.DataBytes() <= 64<<10 && l.HashEndOffset() <= 64<<10 {
			data := pattern(int(l.DataBytes()), 7)
			tree, root := modelTree(t, i.p, data)
			i.data.b, i.root = data, root
			i.hash.b = append(make([]byte, l.HashOffset()), tree...)
		}
		i.data.b = i.data.b[:len(i.data.b)-min(len(i.data.b), int(cut&15))]
		i.hash.b = i.hash.b[:len(i.hash.b)-min(len(i.hash.b), int(cut>>4))]
		for ; len(edits) >= 3; edits = edits[3:] {
			b := [][]byte{i.data.b, i.hash.b, i.root}[edits[0]%3]
			if at := int(edits[1])<<8 | int(edits[2]); at < len(b) {
				b[at] ^= edits[0] | 1
			}
		}
		verifyBothWays(t, i)
	})
}

func verifyBothWays(t *testing.T, i *image) {
	report, checkErr := Check(context.Background(), i.data, i.hash, i.p, i.root)
	if checkErr != nil && !errors.Is(checkErr, ErrBadParams) && !errors.Is(checkErr, io.ErrUnexpectedEOF) {
		t.Fatalf("check: got %v, want ErrBadParams or ErrUnexpectedEOF", checkErr)
	}
	d, err := NewDeviceWithOptions(i.data, i.hash, i.p, i.root, DeviceOptions{CacheBytes: 1})
	if err != nil {
		if !errors.Is(err, ErrBadParams) || !errors.Is(checkErr, ErrBadParams) {
			t.Fatalf("device: got %v, check %v, want ErrBadParams of both", err, checkErr)
		}
		return
	}
	b := make([]byte, min(len(i.data.b), 1<<20))
	n, err := d.ReadAt(b, 0)
	if !bytes.Equal(b[:n], i.data.b[:n]) || !isZero(b[n:]) {
		t.Fatalf("device: got other bytes than the data, %d of them", n)
	}
	if checkErr == nil && report.RootOK {
		for block := range uint64(n / i.p.DataBlockSize) {
			if contains(report.Data, block) || contains(report.Unproven, block) {
				t.Fatalf("block %d: Device returned it, Check says %s", block, show(report))
			}
		}
		if report.OK() && n < len(b) && err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("device: got %d of %d bytes, %v; Check says OK", n, len(b), err)
		}
	}
}

// FuzzTree demands that Build, Writer and the model agree, and that Check and
// Device accept what they made.
func FuzzTree(f *testing.F) {
	f.Add(uint8(1), uint8(4), uint8(3), uint8(3), 1, []byte("data"), uint8(200))
	f.Add(uint8(0), uint8(2), uint8(0), uint8(0), 0, []byte{0}, uint8(40))
	f.Add(uint8(1), uint8(6), uint8(0), uint8(9), 256, []byte{5, 0}, uint8(255))
	f.Fuzz(func(t *testing.T, hashType, algorithm, dataBits, hashBits uint8, salt int, seed []byte, kib uint8) {
		p := hostile(hashType%2, algorithm, 512<<(dataBits%11), 512<<(hashBits%11), 0, 1, make([]byte, uint(salt)%(MaxSaltSize+1)))
		data := make([]byte, max(1, int(kib)*1024/p.DataBlockSize)*p.DataBlockSize)
		for n := 0; n < len(data) && len(seed) > 0; n += 3 * len(seed) {
			copy(data[n:], seed)
		}
		p.DataBlocks = uint64(len(data) / p.DataBlockSize)
		tree, root := modelTree(t, p, data)
		want := &image{p: p, data: &memory{b: data}, hash: &memory{b: append(make([]byte, p.HashBlockSize), tree...)}, root: root}
		var built memory
		got, err := Build(context.Background(), want.data, &built, p)
		if err != nil || !bytes.Equal(got, root) || len(tree) > 0 && !bytes.Equal(built.b, want.hash.b) {
			t.Fatalf("build of %s: got %x, %v, want %x", describe(p), got, err, root)
		}
		compareStream(t, want, len(seed)%2 == 0, 10007)
		verifyBothWays(t, want)
	})
}
