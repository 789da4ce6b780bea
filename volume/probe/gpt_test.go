package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

const (
	testDisk  = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
	linuxType = "\xaf\x3d\xc6\x0f\x83\x84\x72\x47\x8e\x79\x3d\x69\xd8\x47\x7d\xe4"
)

type testPartition struct {
	first, last uint64
	name        string
}

// gptImage builds a disk with both headers; change sees a header before it is sealed.
func gptImage(block, blocks int, parts []testPartition, change func(header []byte, backup bool)) []byte {
	image := make([]byte, block*blocks)
	image[450], image[510], image[511] = 0xee, 0x55, 0xaa
	binary.LittleEndian.PutUint32(image[454:], 1)
	binary.LittleEndian.PutUint32(image[458:], uint32(blocks-1))
	array := make([]byte, 128*128)
	for i, p := range parts {
		e := array[128*i:]
		copy(e, linuxType)
		e[16] = byte(i + 1)
		binary.LittleEndian.PutUint64(e[32:], p.first)
		binary.LittleEndian.PutUint64(e[40:], p.last)
		binary.LittleEndian.PutUint64(e[48:], 1<<60|1<<2)
		for j, u := range utf16.Encode([]rune(p.name)) {
			binary.LittleEndian.PutUint16(e[56+2*j:], u)
		}
	}
	arrayBlocks := (len(array) + block - 1) / block
	for _, backup := range []bool{false, true} {
		own, other, entries := 1, blocks-1, 2
		if backup {
			own, other, entries = blocks-1, 1, blocks-1-arrayBlocks
		}
		copy(image[entries*block:], array)
		b := image[own*block:][:block]
		copy(b, gptMagic)
		binary.LittleEndian.PutUint32(b[8:], 0x10000)
		binary.LittleEndian.PutUint32(b[12:], 92)
		for i, n := range []int{own, other, 2 + arrayBlocks, blocks - 2 - arrayBlocks} {
			binary.LittleEndian.PutUint64(b[24+8*i:], uint64(n))
		}
		copy(b[56:], testDisk)
		binary.LittleEndian.PutUint64(b[72:], uint64(entries))
		binary.LittleEndian.PutUint32(b[80:], 128)
		binary.LittleEndian.PutUint32(b[84:], 128)
		binary.LittleEndian.PutUint32(b[88:], crc32.ChecksumIEEE(array))
		if change != nil {
			change(b, backup)
		}
		sealGPT(b)
	}
	return image
}

func sealGPT(b []byte) {
	n := binary.LittleEndian.Uint32(b[12:])
	if int64(n) > int64(len(b)) || n < 20 {
		n = 92
	}
	binary.LittleEndian.PutUint32(b[16:], 0)
	binary.LittleEndian.PutUint32(b[16:], crc32.ChecksumIEEE(b[:n]))
}

// TestGPT reads a sound table in both block sizes.
func TestGPT(t *testing.T) {
	t.Parallel()
	for _, block := range []int{512, 4096} {
		t.Run(fmt.Sprint(block), func(t *testing.T) {
			t.Parallel()
			l := inspect(t, gptImage(block, 200, []testPartition{{40, 49, "first"}, {50, 99, "zwölf \x1b["}}, nil))
			if l.Kind != "gpt" || len(l.Problems) > 0 || l.UUID != "04030201-0605-0807-090a-0b0c0d0e0f10" {
				t.Fatalf("%s %s, problems %q", l.Kind, l.UUID, l.Problems)
			}
			if l.field("block_size") != uint64(block) || len(l.Partitions) != 2 {
				t.Fatalf("block size %v, %d partitions", l.field("block_size"), len(l.Partitions))
			}
			p := l.Partitions[1]
			if p.Offset != int64(50*block) || p.Size != int64(50*block) || p.TypeName != "linux-generic" || p.Name != `zwölf \x1b[` ||
				strings.Join(p.Attributes, " ") != "legacy-boot read-only" {
				t.Errorf("partition %+v", p)
			}
			if want := fmt.Sprintf("p2: 0 %d linear IMAGE %d", 50*block/512, 50*block/512); l.OpenWith[1] != want {
				t.Errorf("open with %q, want %q", l.OpenWith[1], want)
			}
		})
	}
}

// TestGPTDamage wants each damage named, and the copy that is whole to be used.
func TestGPTDamage(t *testing.T) {
	t.Parallel()
	sound := []testPartition{{40, 49, "a"}, {50, 99, "b"}}
	header := func(off int, v uint64, both bool) func([]byte, bool) {
		return func(b []byte, backup bool) {
			if both || !backup {
				binary.LittleEndian.PutUint64(b[off:], v)
			}
		}
	}
	cases := []struct {
		name       string
		parts      []testPartition
		change     func([]byte, bool)
		damage     func(image []byte) []byte
		problem    string // of the table
		partition  string // of a partition
		partitions int
	}{
		{name: "primary checksum", damage: flip(512 + 40), problem: "the primary header is damaged (its checksum", partitions: 2},
		{name: "primary gone", damage: zero(512, 512), problem: "the primary header is damaged (block 1 has no signature", partitions: 2},
		{name: "primary entries", damage: flip(1024), problem: "the checksum of the entries", partitions: 2},
		{name: "backup gone", damage: zero(199*512, 512), problem: "the backup header is damaged", partitions: 2},
		{name: "both", damage: func(b []byte) []byte { return flip(512 + 40)(flip(199*512 + 40)(b)) }, problem: "both headers are damaged"},
		{name: "cut off", damage: func(b []byte) []byte { return b[:150*512] }, problem: "the image is cut off", partitions: 2},
		{name: "enlarged", damage: func(b []byte) []byte { return append(b, make([]byte, 51200)...) }, problem: "the disk was made larger", partitions: 2},
		{name: "no protective MBR", damage: zero(510, 2), problem: "no protective MBR", partitions: 2},
		{name: "MBR of something else", damage: func(b []byte) []byte { b[450] = 0x83; return b }, problem: "no protective entry", partitions: 2},
		{name: "own place", change: header(24, 5, false), problem: "it says it is in block 5", partitions: 2},
		{name: "entry size", change: func(b []byte, _ bool) { b[84] = 1 }, problem: "entries of 1 bytes are not possible"},
		{name: "entry count", change: func(b []byte, _ bool) { binary.LittleEndian.PutUint32(b[80:], 1<<31) }, problem: "are not possible"},
		{name: "entries far away", change: header(72, 1<<62, true), problem: "the entries cannot be in block"},
		{name: "entries past the end", change: header(72, 1<<40, true), problem: "past the end of the image"},
		{name: "header length", change: func(b []byte, _ bool) { binary.LittleEndian.PutUint32(b[12:], 1<<20) }, problem: "a header of 1048576 bytes"},
		{name: "other disk in the backup", change: func(b []byte, backup bool) {
			if backup {
				b[56] = 99
			}
		}, problem: "describe different tables", partitions: 2},
		{name: "overlap", parts: []testPartition{{40, 60, ""}, {50, 99, ""}}, partition: "it overlaps partition 1", partitions: 2},
		{name: "outside", parts: []testPartition{{3, 60, ""}}, partition: "outside the usable blocks", partitions: 1},
		{name: "backwards", parts: []testPartition{{60, 40, ""}}, partition: "blocks 60 to 40 are not possible", partitions: 1},
		{name: "overflow", parts: []testPartition{{40, 1<<64 - 1, ""}}, partition: "are not possible", partitions: 1},
		{name: "past the end", parts: []testPartition{{40, 4000, ""}}, partition: "past the end of the image", partitions: 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.parts == nil {
				c.parts = sound
			}
			image := gptImage(512, 200, c.parts, c.change)
			if c.damage != nil {
				image = c.damage(image)
			}
			l := inspect(t, image)
			if l.Kind != "gpt" || len(l.Partitions) != c.partitions {
				t.Fatalf("%s with %d partitions, want gpt with %d; problems %q", l.Kind, len(l.Partitions), c.partitions, l.Problems)
			}
			if c.problem != "" {
				wantProblem(t, l, c.problem)
			}
			if c.partition != "" {
				all := &Layer{}
				for _, p := range l.Partitions {
					all.Problems = append(all.Problems, p.Problems...)
				}
				wantProblem(t, all, c.partition)
				if c.name != "past the end" && len(l.OpenWith) >= len(l.Partitions) {
					t.Errorf("the broken partition can be opened: %q", l.OpenWith)
				}
			}
		})
	}
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[at] ^= 1; return b }
}

func zero(at, n int) func([]byte) []byte {
	return func(b []byte) []byte { clear(b[at : at+n]); return b }
}

// TestPartitionTools compares with sfdisk's reading of tables that sfdisk and sgdisk have written.
func TestPartitionTools(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, script string }{
		{"gpt", "label: gpt\nsize=2M, type=U, name=esp\nsize=3M, type=8484680C-9521-48C6-9C11-B0720656F69E, attrs=\"RequiredPartition\"\nsize=1M, type=S\n"},
		{"gpt-long", "label: gpt\ntable-length: 256\nfirst-lba: 4096\nsize=1M\n"},
		{"dos", "label: dos\nsize=1M, type=83, bootable\nsize=1M, type=82\nsize=12M, type=5\nsize=1M, type=83\nsize=2M, type=8e\nsize=1M, type=83\n"},
		{"dos-primary", "label: dos\nsize=1M\nsize=1M\nsize=1M\ntype=da\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "disk")
			if err := os.WriteFile(path, make([]byte, 32<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			script := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(script, []byte(c.script), 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, "sh", "-c", fmt.Sprintf("%s -q %s < %s", tool(t, "sfdisk"), path, script))
			l := probeFile(t, path)
			matchesSfdisk(t, l, run(t, "sfdisk", "-d", path))
			if len(l.Problems) > 0 {
				t.Errorf("problems %q, want none", l.Problems)
			}
		})
	}
}

// TestMBR follows logical partitions and refuses to run in circles.
func TestMBR(t *testing.T) {
	t.Parallel()
	entry := func(b []byte, i int, kind byte, start, count uint32) {
		e := b[446+16*i:]
		e[4] = kind
		binary.LittleEndian.PutUint32(e[8:], start)
		binary.LittleEndian.PutUint32(e[12:], count)
	}
	disk := func() []byte {
		b := make([]byte, 1000*512)
		for _, s := range []int{0, 100, 200, 300} {
			b[s*512+510], b[s*512+511] = 0x55, 0xaa
		}
		binary.LittleEndian.PutUint32(b[440:], 0xcafe)
		entry(b, 0, 0x83, 10, 50)
		entry(b, 1, 0x0f, 100, 800)
		entry(b[100*512:], 0, 0x83, 5, 10)
		entry(b[100*512:], 1, 0x05, 100, 50)
		entry(b[200*512:], 0, 0x8e, 5, 20)
		return b
	}
	l := inspect(t, disk())
	var got []string
	for _, p := range l.Partitions {
		got = append(got, fmt.Sprintf("%d %s %d+%d %v", p.Number, p.UUID, p.Offset/512, p.Size/512, p.Container))
	}
	want := "[1 0000cafe-01 10+50 false 2 0000cafe-02 100+800 true 5 0000cafe-05 105+10 false 6 0000cafe-06 205+20 false]"
	if l.Kind != "mbr" || fmt.Sprint(got) != want || len(l.Problems) > 0 {
		t.Errorf("%s %v, problems %q, want %s", l.Kind, got, l.Problems, want)
	}
	cases := []struct {
		name, problem string
		change        func(b []byte)
	}{
		{"circle", "runs in a circle at sector 100", func(b []byte) { entry(b[200*512:], 1, 0x05, 0, 50) }},
		{"missing record", "in sector 700 is not there", func(b []byte) { entry(b[200*512:], 1, 0x05, 600, 50) }},
		{"record past the end", "is not there", func(b []byte) { entry(b[200*512:], 1, 0x05, 1<<32-1, 50) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := disk()
			c.change(b)
			l := inspect(t, b)
			if l.Kind != "mbr" || len(l.Partitions) != 4 {
				t.Errorf("%s with %d partitions, want mbr with 4", l.Kind, len(l.Partitions))
			}
			wantProblem(t, l, c.problem)
		})
	}
}

// TestProbeRange counts offsets from the start of the reader, also in table lines.
func TestProbeRange(t *testing.T) {
	t.Parallel()
	disk := gptImage(512, 200, []testPartition{{40, 49, "first"}}, nil)
	whole := append(append(make([]byte, 1<<20), disk...), make([]byte, 4096)...)
	l, err := Inspect(bytes.NewReader(whole), 1<<20, int64(len(disk)))
	if err != nil {
		t.Fatal(err)
	}
	if l.Offset != 1<<20 || len(l.Partitions) != 1 || l.Partitions[0].Offset != 1<<20+40*512 || len(l.Problems) > 0 {
		t.Errorf("offset %d, partitions %+v, problems %q", l.Offset, l.Partitions, l.Problems)
	}
	if want := "p1: 0 10 linear IMAGE 2088"; len(l.OpenWith) != 1 || l.OpenWith[0] != want {
		t.Errorf("open with %q, want %q", l.OpenWith, want)
	}
	for _, r := range [][2]int64{{-1, 10}, {0, -1}, {1 << 62, 1<<63 - 1}} {
		if _, err := Inspect(bytes.NewReader(whole), r[0], r[1]); err == nil {
			t.Errorf("range %v: no error", r)
		}
	}
}

// TestUnreadable wants a result as far as the medium can be read, and an error when nothing can.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	image := gptImage(512, 2000, []testPartition{{40, 49, "first"}}, nil)
	r := &damagedReader{bytes.NewReader(image), 30000, 30512}
	l, err := Probe(r, int64(len(image)))
	if err != nil || l.Kind != "gpt" || len(l.Partitions) != 1 {
		t.Fatalf("layer %+v, error %v: want the table in spite of the bad sector", l, err)
	}
	wantProblem(t, l, "medium error")
	if _, err := Probe(&damagedReader{bytes.NewReader(image), 0, 1 << 30}, int64(len(image))); err == nil {
		t.Error("an unreadable image gave no error")
	}
}
