package verity

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func testSuperblock() *Superblock {
	return &Superblock{
		HashType: 1, UUID: [16]byte{1, 2, 3}, Algorithm: "sha256", DataBlockSize: 4096, HashBlockSize: 1024,
		DataBlocks: 77, Salt: []byte{9, 8, 7},
	}
}

func marshal(t testing.TB, sb *Superblock) []byte {
	t.Helper()
	b, err := sb.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSuperblockRoundTrip(t *testing.T) {
	t.Parallel()
	for _, off := range []int64{0, 512, 4096, 1 << 20} {
		m := new(memory)
		want := testSuperblock()
		if err := WriteSuperblock(m, off, want); err != nil {
			t.Fatal(err)
		}
		got, err := ReadSuperblock(m, off)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(marshal(t, got), m.b[off:]) || !isZero(m.b[:off]) || len(m.b) != int(off)+SuperblockSize {
			t.Errorf("offset %d: read and written superblock differ", off)
		}
		p, err := got.Params(off)
		if err != nil || p.HashStartBlock != uint64((off+512+1023)/1024) || p.DataBlocks != 77 || !bytes.Equal(p.Salt, want.Salt) {
			t.Errorf("offset %d: got parameters %+v, %v", off, p, err)
		}
	}
}

// TestSuperblockPermits lists headers at the edge of what the format has.
func TestSuperblockPermits(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Superblock){
		"no salt":        func(sb *Superblock) { sb.Salt = nil },
		"longest salt":   func(sb *Superblock) { sb.Salt = bytes.Repeat([]byte{5}, 256) },
		"longest name":   func(sb *Superblock) { sb.Algorithm = strings.Repeat("x", 31) },
		"smallest block": func(sb *Superblock) { sb.DataBlockSize, sb.HashBlockSize = 512, 512 },
		"largest block":  func(sb *Superblock) { sb.DataBlockSize, sb.HashBlockSize = 524288, 524288 },
		"type 0":         func(sb *Superblock) { sb.HashType = 0 },
		"many blocks":    func(sb *Superblock) { sb.DataBlocks = 1<<64 - 1 },
	} {
		sb := testSuperblock()
		change(sb)
		var got Superblock
		b := marshal(t, sb)
		if err := got.UnmarshalBinary(b); err != nil || !bytes.Equal(marshal(t, &got), b) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, sb)
		}
	}
}

// badSuperblocks are headers with one thing wrong.
func badSuperblocks(t testing.TB) map[string][]byte {
	all := map[string][]byte{}
	for name, change := range map[string]func(b []byte){
		"version 0":            func(b []byte) { b[8] = 0 },
		"version 2":            func(b []byte) { b[8] = 2 },
		"type 2":               func(b []byte) { b[12] = 2 },
		"no name":              func(b []byte) { clear(b[32:64]) },
		"name without end":     func(b []byte) { copy(b[32:64], strings.Repeat("a", 32)) },
		"name not printable":   func(b []byte) { b[33] = 7 },
		"data block 0":         func(b []byte) { clear(b[64:68]) },
		"data block 256":       func(b []byte) { b[64], b[65] = 0, 1 },
		"data block odd":       func(b []byte) { b[64] = 1 },
		"hash block too large": func(b []byte) { copy(b[68:72], []byte{0, 0, 16, 0}) },
		"no blocks":            func(b []byte) { clear(b[72:80]) },
		"salt of 257":          func(b []byte) { b[80], b[81] = 1, 1 },
	} {
		b := marshal(t, testSuperblock())
		change(b)
		all[name] = b
	}
	return all
}

// TestSuperblockIgnoresPadding: veritysetup 2.6.1 verifies images whose header
// has other bytes than zero between and behind its fields.
func TestSuperblockIgnoresPadding(t *testing.T) {
	t.Parallel()
	want := marshal(t, testSuperblock())
	for name, at := range map[string]int{"after the name": 60, "after the salt size": 82, "after the salt": 88 + 3, "at the end": 511} {
		b := bytes.Clone(want)
		b[at] = 'x'
		var sb Superblock
		if err := sb.UnmarshalBinary(b); err != nil || !bytes.Equal(marshal(t, &sb), want) {
			t.Errorf("junk %s: got %+v, %v, want the fields", name, sb, err)
		}
	}
}

func TestSuperblockRefusesBadFields(t *testing.T) {
	t.Parallel()
	for name, b := range badSuperblocks(t) {
		sb, err := ReadSuperblock(&memory{b: b}, 0)
		if sb != nil || !errors.Is(err, ErrBadSuperblock) || errors.Is(err, ErrNotVerity) {
			t.Errorf("%s: got %+v, %v, want ErrBadSuperblock", name, sb, err)
		}
	}
	keep := testSuperblock()
	if err := keep.UnmarshalBinary(badSuperblocks(t)["no blocks"]); err == nil || keep.DataBlocks != 77 {
		t.Errorf("a refused header changed the receiver: %+v, %v", keep, err)
	}
}

func TestSuperblockAbsent(t *testing.T) {
	t.Parallel()
	good := marshal(t, testSuperblock())
	magic := bytes.Clone(good)
	magic[7] = 1
	for name, test := range map[string]struct {
		b    []byte
		off  int64
		want error
	}{
		"empty":      {nil, 0, ErrNotVerity},
		"cut":        {good[:511], 0, io.ErrUnexpectedEOF},
		"past end":   {good, 512, ErrNotVerity},
		"magic":      {magic, 0, ErrNotVerity},
		"zeros":      {make([]byte, 512), 0, ErrNotVerity},
		"negative":   {good, -512, ErrBadParams},
		"not a unit": {append(make([]byte, 100), good...), 100, ErrBadParams},
	} {
		if sb, err := ReadSuperblock(&memory{b: test.b}, test.off); sb != nil || !errors.Is(err, test.want) {
			t.Errorf("%s: got %+v, %v, want %v", name, sb, err, test.want)
		}
	}
	if _, err := ReadSuperblock(&failing{&memory{b: good}, 5}, 0); !errors.Is(err, errMedium) || errors.Is(err, ErrNotVerity) {
		t.Errorf("medium error: got %v, want it as it is", err)
	}
}

func TestWriteSuperblockErrors(t *testing.T) {
	t.Parallel()
	bad := testSuperblock()
	bad.Salt = make([]byte, 257)
	if err := WriteSuperblock(new(memory), 0, bad); !errors.Is(err, ErrBadSuperblock) {
		t.Errorf("long salt: got %v, want ErrBadSuperblock", err)
	}
	if err := WriteSuperblock(new(memory), 100, testSuperblock()); !errors.Is(err, ErrBadParams) {
		t.Errorf("offset 100: got %v, want ErrBadParams", err)
	}
	if err := WriteSuperblock(&failing{new(memory), 5}, 0, testSuperblock()); !errors.Is(err, errMedium) {
		t.Errorf("medium error: got %v, want it", err)
	}
}

func TestSuperblockParamsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*Superblock)
		off    int64
		want   error
	}{
		"unknown hash": {func(sb *Superblock) { sb.Algorithm = "nohash" }, 0, ErrUnknownHash},
		"overflow":     {func(sb *Superblock) { sb.DataBlocks = 1 << 60 }, 0, ErrBadParams},
		"hash block":   {func(sb *Superblock) { sb.HashBlockSize = 3 }, 0, ErrBadParams},
		"offset":       {func(*Superblock) {}, 1, ErrBadParams},
	} {
		sb := testSuperblock()
		test.change(sb)
		if _, err := sb.Params(test.off); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}

// TestSuperblockOfVeritysetup reads headers that the tool wrote, among them one
// with a hash name in capitals.
func TestSuperblockOfVeritysetup(t *testing.T) {
	t.Parallel()
	v := newVeritysetup(t)
	p := params(5)
	for given, stored := range map[string]string{"sha256": "sha256", "SHA512": "sha512", "whirlpool": "whirlpool", "ripemd160": "ripemd160"} {
		p.Algorithm = given
		hash, _, ok := v.format(t, p, true, 0, pattern(5*4096, 1))
		if !ok {
			continue
		}
		sb, err := ReadSuperblock(&memory{b: hash}, 0)
		if err != nil || sb.Algorithm != stored || sb.DataBlocks != 5 || !bytes.Equal(sb.Salt, p.Salt) {
			t.Errorf("%s: got %+v, %v, want the parameters given", given, sb, err)
			continue
		}
		if !bytes.Equal(marshal(t, sb), hash[:SuperblockSize]) {
			t.Errorf("%s: encoded again it differs", given)
		}
		// and the tool reads ours
		if err := os.WriteFile(filepath.Join(v.dir, "ours"), append(marshal(t, sb), hash[SuperblockSize:]...), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, code := v.run(t, nil, nil, "dump", filepath.Join(v.dir, "ours")); code != 0 || !strings.Contains(out, "01020300-") && !strings.Contains(out, stored) {
			t.Errorf("%s: veritysetup dump of our header: exit %d: %s", given, code, out)
		}
	}
}
