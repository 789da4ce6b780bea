package probe

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"path/filepath"
	"strings"
	"testing"
)

// addHeads seeds a fuzz target with the real images of the given kinds.
func addHeads(f *testing.F, most int, names ...string) {
	for _, name := range names {
		b := unxz(f, filepath.Join("testdata", name+".head.xz"))
		f.Add(b[:min(len(b), most)])
	}
}

// soundLayer demands what holds for every answer, whatever the bytes were.
func soundLayer(t *testing.T, l *Layer, size int64, depth int) {
	t.Helper()
	if l.Kind == "" || l.Description == "" || kinds[l.Kind] == "" {
		t.Errorf("kind %q, description %q: want one of the list", l.Kind, l.Description)
	}
	if l.Offset < 0 || l.Size < 0 {
		t.Errorf("%s: offset %d, size %d", l.Kind, l.Offset, l.Size)
	}
	texts := []string{l.UUID, l.Label, l.Description}
	texts = append(append(texts, l.OpenWith...), l.Problems...)
	for _, f := range l.Fields {
		switch v := f.Value.(type) {
		case string:
			texts = append(texts, v)
		case []string:
			texts = append(texts, v...)
		case uint64, bool:
		default:
			t.Errorf("%s: field %s is a %T", l.Kind, f.Name, v)
		}
	}
	for _, p := range l.Partitions {
		texts = append(texts, p.Name, p.TypeName, p.UUID)
		if p.Size < 0 || p.Offset < 0 {
			t.Errorf("partition %+v", p)
		}
		if p.Content != nil {
			soundLayer(t, p.Content, size, depth+1)
		}
	}
	for _, s := range texts {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("%s: %q would disturb a terminal", l.Kind, s)
		}
	}
	for _, a := range l.Also {
		soundLayer(t, a, size, depth+1)
	}
}

func fuzzImage(t *testing.T, image []byte, size int64) {
	t.Helper()
	if size < int64(len(image)) {
		size = int64(len(image))
	}
	l, err := Inspect(&headOf{image, size}, 0, size)
	if err != nil {
		t.Fatalf("reading never fails here: %v", err)
	}
	soundLayer(t, l, size, 0)
}

// FuzzProbe mutates the superblocks of everything that stands near the start.
func FuzzProbe(f *testing.F) {
	addHeads(f, 6<<10, "ext4", "xfs", "erofs", "f2fs", "fat16", "fat32", "ntfs", "exfat", "minix3", "swap", "cramfs",
		"romfs", "squashfs", "bcache", "qcow2", "vmdk", "vdi", "vhd", "vhdx")
	f.Add(luks1Image()[:4096])
	f.Fuzz(func(t *testing.T, image []byte) { fuzzImage(t, image, 8<<20) })
}

// FuzzFar mutates the superblocks that stand further in: btrfs at 64 KiB, ISO 9660 at 32 KiB, swap with large
// pages, the uberblocks of ZFS at 128 KiB and RAID superblocks at the end.
func FuzzFar(f *testing.F) {
	for i, name := range []string{"btrfs", "iso9660", "swap"} {
		off := []int{64 << 10, 32 << 10, 0}[i]
		f.Add(uint32(off), unxz(f, filepath.Join("testdata", name+".head.xz"))[off:off+4096])
	}
	f.Add(uint32(mdTestSize-8192), mdImage(mdTestSize-8192, 0)[mdTestSize-8192:])
	f.Add(uint32(128<<10), []byte("\x0c\xb1\xba\x00\x00\x00\x00\x00\x88\x13\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, off uint32, b []byte) {
		if len(b) > 64<<10 || int64(off) > mdTestSize-int64(len(b)) {
			return
		}
		image := make([]byte, mdTestSize)
		copy(image[off:], b)
		fuzzImage(t, image, mdTestSize)
	})
}

// FuzzLUKS2 mutates the JSON area of a header whose checksum is right.
func FuzzLUKS2(f *testing.F) {
	f.Add(luks2Doc, uint64(0), uint64(1))
	f.Add(`{"keyslots":{},"tokens":{},"segments":{},"digests":{},"config":{}}`, uint64(16384), uint64(2))
	f.Add("{}", uint64(0), uint64(1<<63))
	f.Fuzz(func(t *testing.T, doc string, offset, sequence uint64) {
		if len(doc) > luks2Size-luks2Binary {
			return
		}
		image := make([]byte, 64<<10)
		sealLUKS2(image[:luks2Size], luksMagic, 0, 7, doc)
		sealLUKS2(image[luks2Size:][:luks2Size], "SKUL\xba\xbe", offset, sequence, luks2Doc)
		fuzzImage(t, image, 1<<20)
	})
}

// FuzzGPT mutates headers and entries whose checksums are right.
func FuzzGPT(f *testing.F) {
	sound := gptImage(512, 200, []testPartition{{40, 49, "first"}, {50, 99, "b"}}, nil)
	f.Add(sound[512:604], sound[1024:1536])
	f.Fuzz(func(t *testing.T, header, entries []byte) {
		if len(header) != 92 || len(entries) > 16384 {
			return
		}
		image := gptImage(512, 200, nil, nil)
		copy(image[1024:], entries)
		copy(image[512:], header)
		binary.LittleEndian.PutUint32(image[512+88:], crc32.ChecksumIEEE(image[1024:1024+16384]))
		sealGPT(image[512:1024])
		fuzzImage(t, image, 200*512)
	})
}

// FuzzMBR mutates the boot record and the records of logical partitions.
func FuzzMBR(f *testing.F) {
	record := make([]byte, 64)
	record[4], record[8], record[12] = 0x83, 1, 9
	record[20], record[24], record[28] = 0x0f, 10, 200
	f.Add(record, record)
	f.Fuzz(func(t *testing.T, first, second []byte) {
		if len(first) != 64 || len(second) != 64 {
			return
		}
		image := make([]byte, 64<<10)
		for s := 0; s < 128; s++ {
			b := image[s*512:]
			copy(b[446:510], second)
			b[510], b[511] = 0x55, 0xaa
		}
		copy(image[446:510], first)
		fuzzImage(t, image, 64<<10)
	})
}

// FuzzMapper mutates the superblocks of device-mapper targets.
func FuzzMapper(f *testing.F) {
	for _, b := range mapperSuperblocks() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		image := make([]byte, 4096)
		copy(image, b)
		for _, format := range poolFormats { // also get past the checksum
			if binary.LittleEndian.Uint64(image[32:]) == format.magic {
				binary.LittleEndian.PutUint32(image, ^crc32.Checksum(image[4:], castagnoli)^format.crcXor)
			}
		}
		fuzzImage(t, image, 1<<20)
	})
}

// FuzzLVM2 mutates the header behind a label, and the metadata area.
func FuzzLVM2(f *testing.F) {
	sound := lvmImage()
	f.Add(sound[544:1024], sound[4096:4096+600])
	f.Fuzz(func(t *testing.T, header, area []byte) {
		if len(header) > 480 || len(area) > 4096 {
			return
		}
		image := lvmImage()
		copy(image[544:1024], header)
		copy(image[4096:], area)
		sealLVM(image)
		fuzzImage(t, image, 1<<20)
	})
}

// FuzzVBMeta mutates Android Verified Boot metadata behind a footer.
func FuzzVBMeta(f *testing.F) {
	image := avbImage()
	f.Add(image[avbTestOffset:][:1024])
	f.Fuzz(func(t *testing.T, meta []byte) {
		if len(meta) > 4096 {
			return
		}
		image := avbImage()
		copy(image[avbTestOffset:], meta)
		fuzzImage(t, image, int64(len(image)))
	})
}

// FuzzText demands that whatever is printed can be printed, and that table words stay single words.
func FuzzText(f *testing.F) {
	f.Add([]byte("plain"))
	f.Add([]byte("a\x1b[2J b\\\xff\xc2\x80 \u202e"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := printable(string(b))
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) }) {
			t.Errorf("printable(%q) = %q", b, s)
		}
		w := word(string(b))
		for i := 0; i < len(w); i++ {
			if w[i] == '\\' {
				i++
			} else if w[i] == ' ' {
				t.Fatalf("word(%q) = %q: two words", b, w)
			}
		}
		if clean := []byte("az09-:()"); bytes.Equal(b, clean) && s != string(b) {
			t.Errorf("printable(%q) = %q, want no change", b, s)
		}
	})
}
