package probe

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Sizes of Android Verified Boot structures (libavb: avb_footer.h, avb_vbmeta_image.h,
// avb_hashtree_descriptor.h); all big-endian.
const (
	avbFooterSize   = 64
	avbHeaderSize   = 256
	avbHashtreeSize = 180
	avbHashtreeTag  = 1
)

// avb recognises Android Verified Boot metadata: a vbmeta image at byte 0, or one that a footer in the last 64
// bytes points to, behind the data and the hash tree that it describes.
func avb(im *image) *Layer {
	if im.has(0, "AVB0") {
		return vbmeta(im, 0)
	}
	b := im.at(im.size-avbFooterSize, avbFooterSize)
	if b == nil || string(b[:4]) != "AVBf" {
		return nil
	}
	off := binary.BigEndian.Uint64(b[20:])
	if off > uint64(im.size)-avbFooterSize || !im.has(int64(off), "AVB0") {
		l := im.layer("vbmeta", im.size-avbFooterSize)
		l.problem("the footer points to byte %d, where no metadata is", off)
		return l
	}
	l := vbmeta(im, int64(off))
	l.add("original_size_bytes", binary.BigEndian.Uint64(b[12:]))
	return l
}

func vbmeta(im *image, off int64) *Layer {
	l := im.layer("vbmeta", off)
	b := im.at(off, avbHeaderSize)
	if b == nil {
		l.problem("its header is cut off")
		return l
	}
	auth, aux := binary.BigEndian.Uint64(b[12:]), binary.BigEndian.Uint64(b[20:])
	start, n := binary.BigEndian.Uint64(b[96:]), binary.BigEndian.Uint64(b[104:])
	if auth > maxRead || aux > maxRead || start > aux || n > aux-start {
		l.problem("its block sizes are not possible")
		return l
	}
	l.Size = avbHeaderSize + int64(auth+aux)
	l.add("version", fmt.Sprintf("%d.%d", binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])))
	l.add("signed", binary.BigEndian.Uint32(b[28:]) != 0)
	l.add("rollback_index", binary.BigEndian.Uint64(b[112:]))
	l.add("release", text(b[128:176]))
	if n == 0 {
		return l
	}
	descriptors := im.at(off+avbHeaderSize+int64(auth+start), int(n))
	if descriptors == nil {
		l.problem("its descriptors are cut off")
		return l
	}
	for len(descriptors) >= 16 {
		size := binary.BigEndian.Uint64(descriptors[8:])
		if size > uint64(len(descriptors)-16) {
			l.problem("a descriptor is longer than the area that holds it")
			return l
		}
		if binary.BigEndian.Uint64(descriptors) == avbHashtreeTag {
			hashtree(l, descriptors[:16+size], im.base == 0 && off > 0)
		}
		descriptors = descriptors[16+size:]
	}
	return l
}

// hashtree describes the dm-verity tree of one descriptor. Data and tree are in the same image when the
// metadata is (inside).
func hashtree(l *Layer, b []byte, inside bool) {
	if len(b) < avbHashtreeSize {
		l.problem("a hash tree descriptor is too short")
		return
	}
	nameLen, saltLen, rootLen := binary.BigEndian.Uint32(b[104:]), binary.BigEndian.Uint32(b[108:]), binary.BigEndian.Uint32(b[112:])
	rest := b[avbHashtreeSize:]
	if total := uint64(nameLen) + uint64(saltLen) + uint64(rootLen); total > uint64(len(rest)) || saltLen > 256 || rootLen > 64 {
		l.problem("a hash tree descriptor has impossible lengths")
		return
	}
	name := text(rest[:nameLen])
	salt, root := hex.EncodeToString(rest[nameLen:nameLen+saltLen]), hex.EncodeToString(rest[nameLen+saltLen:nameLen+saltLen+rootLen])
	dataBlock, hashBlock := uint64(binary.BigEndian.Uint32(b[44:])), uint64(binary.BigEndian.Uint32(b[48:]))
	size, tree := binary.BigEndian.Uint64(b[20:]), binary.BigEndian.Uint64(b[28:])
	if !powerOfTwo(dataBlock, sector, 1<<19) || !powerOfTwo(hashBlock, sector, 1<<19) || size%dataBlock != 0 || tree%hashBlock != 0 || size > 1<<62 {
		l.problem("the hash tree of partition %q has an impossible geometry", name)
		return
	}
	if salt == "" {
		salt = "-"
	}
	algorithm := text(b[72:104])
	l.add("partition", name)
	l.add("root_hash", root)
	l.add("salt", salt)
	l.add("hash_algorithm", algorithm)
	l.add("data_size_bytes", size)
	l.add("tree_offset_bytes", tree)
	l.add("tree_size_bytes", binary.BigEndian.Uint64(b[36:]))
	l.add("fec_roots", uint64(binary.BigEndian.Uint32(b[52:])))
	device := "DATA"
	if inside {
		device = "IMAGE"
	}
	l.openWith("0 %d verity %d %s %s %d %d %d %d %s %s %s", size/sector, binary.BigEndian.Uint32(b[16:]), device, device,
		dataBlock, hashBlock, size/dataBlock, tree/hashBlock, word(algorithm), root, salt)
}
