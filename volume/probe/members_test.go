package probe

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"
)

const mdTestSize = 1 << 20

// mdImage builds a version 1 superblock at byte off.
func mdImage(off int64, minor int) []byte {
	image := make([]byte, mdTestSize)
	b := image[off:]
	le := binary.LittleEndian
	le.PutUint32(b, mdMagic)
	le.PutUint32(b[4:], 1)
	copy(b[16:], testDisk)
	copy(b[32:], "box:array")
	le.PutUint32(b[72:], 1)
	le.PutUint32(b[92:], 2)
	data := uint64(0)
	if minor != 0 {
		data = 64
	}
	le.PutUint64(b[128:], data)
	le.PutUint64(b[136:], 1000)
	le.PutUint64(b[144:], uint64(off)/512)
	le.PutUint32(b[220:], 1)
	sealMD(b)
	return image
}

func sealMD(b []byte) {
	var total uint64
	binary.LittleEndian.PutUint32(b[216:], 0)
	for i := 0; i < 256; i += 4 {
		total += uint64(binary.LittleEndian.Uint32(b[i:]))
	}
	total += uint64(binary.LittleEndian.Uint16(b[256:]))
	binary.LittleEndian.PutUint32(b[216:], uint32(total)+uint32(total>>32))
}

// TestMD finds the superblock of every version, and says what is wrong with one.
func TestMD(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		image []byte
		want  string
	}{
		{"1.0", mdImage(mdTestSize-8192, 0), "1.0 raid1 [0 1000 linear IMAGE 0] []"},
		{"1.1", mdImage(0, 1), "1.1 raid1 [0 1000 linear IMAGE 64] []"},
		{"1.2", mdImage(4096, 2), "1.2 raid1 [0 1000 linear IMAGE 64] []"},
		{"checksum", flip(4096 + 20)(mdImage(4096, 2)), "1.2 raid1 [] [the checksum of the superblock does not match]"},
		{"too many devices", func() []byte {
			b := mdImage(0, 1)
			binary.LittleEndian.PutUint32(b[220:], 1<<31)
			return b
		}(), "1.1 raid1 [] [room for 2147483648 devices is not possible]"},
		{"cut off", func() []byte {
			b := mdImage(0, 1)
			binary.LittleEndian.PutUint64(b[136:], 1<<40)
			sealMD(b)
			return b
		}(), "1.1 raid1 [] [its data (1099511627776 sectors from sector 64) goes past the end: the image is cut off]"},
		{"0.90", md0Image(), "0.90 raid5 [] []"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := inspect(t, c.image)
			if got := fmt.Sprint(l.field("metadata_version"), " ", l.field("level"), " ", l.OpenWith, l.Problems); l.Kind != "md" || got != normal(c.want) {
				t.Errorf("%s %s, want %s", l.Kind, got, c.want)
			}
		})
	}
	copied := mdImage(0, 1)
	copy(copied[8192:], copied[:512])
	clear(copied[:512])
	if l := inspect(t, copied); l.Kind == "md" {
		t.Error("a superblock that names another place was believed")
	}
}

// normal is how fmt.Sprint joins a string and two lists.
func normal(s string) string {
	out := []byte(s)
	for i := 1; i+1 < len(out); i++ {
		if out[i] == ' ' && out[i-1] == ']' && out[i+1] == '[' {
			return string(append(append([]byte{}, out[:i]...), append([]byte(" "), out[i+1:]...)...))
		}
	}
	return s
}

func md0Image() []byte {
	image := make([]byte, mdTestSize)
	b := image[mdTestSize-64<<10:]
	for off, v := range map[int]uint32{0: mdMagic, 8: 90, 20: 0x01020304, 28: 5, 32: 900, 40: 3, 52: 5, 56: 6, 60: 7, 256: 2, 260: 65536} {
		binary.LittleEndian.PutUint32(b[off:], v)
	}
	return image
}

// TestMDInsidePartition leaves a superblock at the end of the disk to the last partition.
func TestMDInsidePartition(t *testing.T) {
	t.Parallel()
	image := mdImage(mdTestSize-8192, 0)
	image[510], image[511], image[450] = 0x55, 0xaa, 0xfd
	binary.LittleEndian.PutUint32(image[454:], 8)
	binary.LittleEndian.PutUint32(image[458:], mdTestSize/512-8)
	l := inspect(t, image)
	if l.Kind != "mbr" || len(l.Also) > 0 {
		t.Errorf("%s, also %v: want mbr alone", l.Kind, l.Also)
	}
}

// lvmImage builds a physical volume with one metadata area at 4096.
func lvmImage() []byte {
	image := make([]byte, 1<<20)
	b := image[512:]
	copy(b, "LABELONE")
	binary.LittleEndian.PutUint64(b[8:], 1)
	binary.LittleEndian.PutUint32(b[20:], 32)
	copy(b[24:], "LVM2 001")
	copy(b[32:], "abcdefghijklmnopqrstuvwxyz012345")
	binary.LittleEndian.PutUint64(b[64:], 1<<20)
	binary.LittleEndian.PutUint64(b[72:], 512<<10)
	binary.LittleEndian.PutUint64(b[104:], 4096)
	binary.LittleEndian.PutUint64(b[112:], 512<<10-4096)
	a := image[4096:]
	copy(a[4:], lvmAreaMagic)
	binary.LittleEndian.PutUint32(a[20:], 1)
	binary.LittleEndian.PutUint64(a[24:], 4096)
	binary.LittleEndian.PutUint64(a[40:], 512)
	copy(a[512:], "vg-name {\nid = \"x\"\n")
	sealLVM(image)
	return image
}

func sealLVM(image []byte) {
	binary.LittleEndian.PutUint32(image[512+16:], lvmSum(image[512+20:1024]))
	binary.LittleEndian.PutUint32(image[4096:], lvmSum(image[4096+4:4096+512]))
}

// TestLVM2 reads label, header and the name of the group, and says what is wrong.
func TestLVM2(t *testing.T) {
	t.Parallel()
	l := inspect(t, lvmImage())
	if l.Kind != "lvm2" || l.UUID != "abcdef-ghij-klmn-opqr-stuv-wxyz-012345" || l.Label != "vg-name" || len(l.Problems) > 0 ||
		l.field("data_offset_bytes") != uint64(512<<10) {
		t.Fatalf("%+v", l)
	}
	cases := []struct {
		name, problem string
		change        func(b []byte)
	}{
		{"label checksum", "checksum of the label", func(b []byte) { b[600] ^= 1 }},
		{"area checksum", "metadata area at byte 4096 is damaged", func(b []byte) { b[4130] ^= 1 }},
		{"area past the end", "is damaged", func(b []byte) { binary.LittleEndian.PutUint64(b[616:], 1<<50); sealLVM(b) }},
		{"other sector", "says it is in sector 3", func(b []byte) { binary.LittleEndian.PutUint64(b[520:], 3) }},
		{"header offset", "header offset 4096", func(b []byte) { binary.LittleEndian.PutUint32(b[532:], 4096); sealLVM(b) }},
		{"larger than the image", "cut off", func(b []byte) { binary.LittleEndian.PutUint64(b[576:], 1<<30); sealLVM(b) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := lvmImage()
			c.change(b)
			wantProblem(t, inspect(t, b), c.problem)
		})
	}
}

// mapperSuperblocks builds one superblock of each target that has one.
func mapperSuperblocks() map[string][]byte {
	le := binary.LittleEndian
	words := func(values ...uint32) []byte {
		b := make([]byte, 4096)
		for i, v := range values {
			le.PutUint32(b[4*i:], v)
		}
		return b
	}
	out := map[string][]byte{
		"snapshot-cow": words(0x70416e53, 1, 1, 16),
		"writecache":   words(0x23489321, 1, 4096, 0, 10, 0, 7),
		"mirror-log":   words(0x4d695272, 2, 64),
		"raid":         words(0x64526d44, 1, 3, 1, 9, 0, 0, 0, 0, 0, 0, 0, 5, 2, 128),
	}
	for _, f := range poolFormats {
		b := make([]byte, 4096)
		le.PutUint64(b[32:], f.magic)
		le.PutUint32(b[f.version:], f.versions[1])
		copy(b[16:], testDisk)
		if f.kind == "clone" {
			le.PutUint64(b[172:], 128)
		} else {
			le.PutUint32(b[f.block:], 128)
		}
		le.PutUint32(b, ^crc32.Checksum(b[4:], castagnoli)^f.crcXor)
		out[f.kind] = b
	}
	integrity := make([]byte, 4096)
	copy(integrity, "integrt\x00")
	integrity[8], integrity[9], integrity[10] = 5, 15, 4
	le.PutUint32(integrity[12:], 2)
	le.PutUint64(integrity[16:], 1000)
	le.PutUint32(integrity[24:], 8|16)
	integrity[28] = 3
	out["integrity"] = integrity
	return out
}

// TestMapper describes the superblock of each target, and says what is wrong with one that is damaged.
func TestMapper(t *testing.T) {
	t.Parallel()
	lines := map[string]string{
		"snapshot-cow": "0 SIZE snapshot ORIGIN IMAGE P 16",
		"writecache":   "0 SIZE writecache s ORIGIN IMAGE 4096 0",
		"thin-pool":    "0 SIZE thin-pool IMAGE DATA 128 0",
		"cache":        "0 SIZE cache IMAGE CACHE ORIGIN 128 0 default 0",
		"era":          "0 SIZE era IMAGE ORIGIN 128",
		"clone":        "0 SIZE clone IMAGE DESTINATION SOURCE 128",
		"integrity":    "0 1000 integrity IMAGE 0 4 J 4 block_size:4096 fix_padding fix_hmac internal_hash:HASH",
	}
	bad := map[string]struct {
		at      int
		value   byte
		problem string
	}{
		"snapshot-cow": {8, 9, "version 9"},
		"writecache":   {8, 1, "a block of 4097 bytes"},
		"mirror-log":   {4, 9, "version 9"},
		"raid":         {12, 3, "device 3 of 3"},
		"thin-pool":    {100, 1, "checksum"},
		"cache":        {100, 1, "checksum"},
		"era":          {100, 1, "checksum"},
		"clone":        {100, 1, "checksum"},
		"integrity":    {28, 9, "blocks of 2^9 sectors"},
	}
	for kind, b := range mapperSuperblocks() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			image := append(append([]byte{}, b...), make([]byte, 1<<20)...)
			l := inspect(t, image)
			if l.Kind != kind || len(l.Problems) > 0 {
				t.Fatalf("%s, problems %q", l.Kind, l.Problems)
			}
			if want := lines[kind]; want != "" && (len(l.OpenWith) != 1 || l.OpenWith[0] != want) {
				t.Errorf("open with %q, want %q", l.OpenWith, want)
			}
			image[bad[kind].at] = bad[kind].value
			l = inspect(t, image)
			wantProblem(t, l, bad[kind].problem)
			if len(l.OpenWith) > 0 && kind != "snapshot-cow" {
				t.Errorf("damaged, but open with %q", l.OpenWith)
			}
		})
	}
}

const avbTestOffset = 64 << 10

// avbImage builds data, a tree and metadata with a hash tree descriptor, found by a footer.
func avbImage() []byte {
	image := make([]byte, 128<<10)
	be := binary.BigEndian
	d := make([]byte, 16+avbHashtreeSize-16+6+4+32+6)
	be.PutUint64(d, avbHashtreeTag)
	be.PutUint64(d[8:], uint64(len(d)-16))
	be.PutUint32(d[16:], 1)
	be.PutUint64(d[20:], 32<<10)
	be.PutUint64(d[28:], 32<<10)
	be.PutUint64(d[36:], 4096)
	be.PutUint32(d[44:], 4096)
	be.PutUint32(d[48:], 4096)
	copy(d[72:], "sha256")
	be.PutUint32(d[104:], 6)
	be.PutUint32(d[108:], 4)
	be.PutUint32(d[112:], 32)
	copy(d[avbHashtreeSize:], "system\x01\x02\x03\x04")
	d[avbHashtreeSize+10] = 0xaa
	h := image[avbTestOffset:]
	copy(h, "AVB0")
	be.PutUint32(h[4:], 1)
	be.PutUint64(h[12:], 64)
	be.PutUint64(h[20:], 512)
	be.PutUint64(h[96:], 16)
	be.PutUint64(h[104:], uint64(len(d)))
	copy(h[128:], "avbtool 1.2.0")
	copy(h[256+64+16:], d)
	footer := image[len(image)-64:]
	copy(footer, "AVBf")
	be.PutUint64(footer[12:], 32<<10)
	be.PutUint64(footer[20:], avbTestOffset)
	return image
}

// TestVBMeta turns the descriptor of a hash tree into the table line of its device.
func TestVBMeta(t *testing.T) {
	t.Parallel()
	l := inspect(t, avbImage())
	want := "0 64 verity 1 IMAGE IMAGE 4096 4096 8 8 sha256 aa00000000000000000000000000000000000000000000000000000000000000 01020304"
	if l.Kind != "vbmeta" || len(l.Problems) > 0 || len(l.OpenWith) != 1 || l.OpenWith[0] != want {
		t.Errorf("%s, problems %q, open with %q, want %q", l.Kind, l.Problems, l.OpenWith, want)
	}
	cases := []struct {
		name, problem string
		change        func(b []byte)
	}{
		{"footer to nowhere", "where no metadata is", func(b []byte) { binary.BigEndian.PutUint64(b[len(b)-44:], 1<<62) }},
		{"block sizes", "block sizes", func(b []byte) { binary.BigEndian.PutUint64(b[avbTestOffset+12:], 1<<63) }},
		{"descriptor length", "longer than the area", func(b []byte) { binary.BigEndian.PutUint64(b[avbTestOffset+344:], 1<<40) }},
		{"salt length", "impossible lengths", func(b []byte) { binary.BigEndian.PutUint32(b[avbTestOffset+336+108:], 1<<31) }},
		{"block size", "impossible geometry", func(b []byte) { b[avbTestOffset+336+47] = 1 }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := avbImage()
			c.change(b)
			wantProblem(t, inspect(t, b), c.problem)
		})
	}
}

// TestUnknown tells zeros, randomness and neither apart.
func TestUnknown(t *testing.T) {
	t.Parallel()
	random := make([]byte, 64<<10)
	seed := uint64(1)
	for i := range random { // xorshift, so that every run sees the same
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		random[i] = byte(seed >> 24)
	}
	text := make([]byte, 64<<10)
	for i := range text {
		text[i] = "the quick brown fox "[i%20]
	}
	for _, c := range []struct {
		name, kind string
		image      []byte
		opens      int
	}{
		{"nothing", "empty", nil, 0},
		{"zeros", "empty", make([]byte, 1<<20), 0},
		{"random", "unknown", random, 1},
		{"text", "unknown", text, 0},
		{"one byte", "unknown", []byte{7}, 0},
	} {
		if l := inspect(t, c.image); l.Kind != c.kind || len(l.OpenWith) != c.opens {
			t.Errorf("%s: %s (%s), open with %q, want %s and %d lines", c.name, l.Kind, l.Description, l.OpenWith, c.kind, c.opens)
		}
	}
}
