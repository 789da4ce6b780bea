package probe

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/dmimg/dmimg/verity"
)

const verityMagic = "verity\x00\x00"

// veritySuperblock recognises a veritysetup superblock at byte 0 of the image.
func veritySuperblock(im *image) *Layer {
	return verityAt(im, 0)
}

// appendedVerity recognises an image of data with its hash tree behind it: the superblock then stands where
// the file system ends, rounded up to whatever the tool that joined them aligned to.
func appendedVerity(im *image) *Layer {
	for _, look := range []func(*image) *Layer{ext, xfs, btrfs, squashfs, erofs, f2fs, fat} {
		fs := look(im)
		if fs == nil || fs.Size <= 0 || fs.Size >= im.size {
			continue
		}
		for _, align := range []int64{sector, 4096} {
			off := (fs.Size + align - 1) / align * align
			if l := verityAt(im, off); l != nil {
				return l
			}
		}
	}
	return nil
}

// verityTree is what a superblock says about the tree behind it, in blocks of the reader, not of the image.
type verityTree struct {
	sb     *verity.Superblock
	params verity.Params
	layout verity.Layout
	root   []byte // digest of the top block as it stands; nil when it cannot be computed
}

// verityAt describes the superblock at byte off of the image, if there is one.
func verityAt(im *image, off int64) *Layer {
	if !im.has(off, verityMagic) {
		return nil
	}
	l := im.layer("verity", off)
	sb, err := verity.ReadSuperblock(im.section(off), 0)
	if err != nil {
		l.problem("the superblock is not usable: %v", err)
		return l
	}
	l.UUID = uuid(sb.UUID[:])
	l.add("hash_type", uint64(sb.HashType))
	l.add("hash_algorithm", sb.Algorithm)
	l.add("data_block_size", uint64(sb.DataBlockSize))
	l.add("hash_block_size", uint64(sb.HashBlockSize))
	l.add("data_blocks", sb.DataBlocks)
	l.add("salt", saltText(sb.Salt))
	if err := describeTree(im, l, sb, off); err != nil {
		l.problem("the tree cannot be used: %v", err)
	}
	return l
}

func saltText(salt []byte) string {
	if len(salt) == 0 {
		return "-"
	}
	return hex.EncodeToString(salt)
}

// describeTree adds what follows from the superblock at byte off of the image: the tree's place and size, and
// what would open it.
func describeTree(im *image, l *Layer, sb *verity.Superblock, off int64) error {
	if im.base%int64(sb.HashBlockSize) != 0 {
		return errors.New("it does not start at a hash block of the device, so that no table line can name it")
	}
	params, err := sb.Params(im.base + off)
	if err != nil {
		return err
	}
	layout, err := verity.NewLayout(params)
	if err != nil {
		return err
	}
	t := &verityTree{sb: sb, params: params, layout: layout}
	l.tree = t
	l.add("data_size_bytes", uint64(layout.DataBytes()))
	l.add("hash_blocks", layout.HashBlocks())
	l.add("hash_start_block", layout.HashStart())
	l.Size = layout.HashEndOffset() - l.Offset
	if layout.HashEndOffset() > im.base+im.size {
		return fmt.Errorf("it ends at byte %d, but the image at %d: the image is cut off", layout.HashEndOffset(), im.base+im.size)
	}
	device := "DATA"
	if im.base == 0 && off >= layout.DataBytes() {
		device = "IMAGE"
	}
	t.topDigest(im, device == "IMAGE")
	if t.root != nil {
		l.add("stored_root_hash", hex.EncodeToString(t.root))
	}
	command := "dmimg verity verify " + device + " IMAGE"
	if l.Offset > 0 {
		command += fmt.Sprintf(" --hash-offset %d", l.Offset)
	}
	l.openWith("%s ROOT", command)
	l.openWith("%s", t.tableLine(device, "IMAGE", layout.HashStart(), "ROOT"))
	return nil
}

func (t *verityTree) tableLine(data, hash string, start uint64, root string) string {
	return fmt.Sprintf("0 %d verity %d %s %s %d %d %d %d %s %s %s", t.layout.DataBytes()/sector, t.sb.HashType, data, hash,
		t.sb.DataBlockSize, t.sb.HashBlockSize, t.sb.DataBlocks, start, word(t.sb.Algorithm), root, saltText(t.sb.Salt))
}

// topDigest computes the digest of the top block as it stands. It tells which tree this is; it proves nothing,
// because whoever changes the tree changes it too.
func (t *verityTree) topDigest(im *image, dataHere bool) {
	off, n := t.layout.HashOffset()-im.base, t.params.HashBlockSize
	if t.layout.Levels() == 0 {
		if !dataHere {
			return
		}
		off, n = 0, t.params.DataBlockSize
	}
	block := im.at(off, n)
	if block == nil {
		return
	}
	h, err := verity.NewHasher(t.params)
	if err != nil {
		return
	}
	root := make([]byte, h.Size())
	h.SumBlocks(root, block, n)
	t.root = root
}

// describeVerityPairs joins the data and hash partitions of a disk that belong together. The Discoverable
// Partitions Specification makes the first 128 bits of the root hash the UUID of the data partition, and the
// last 128 bits that of the hash partition.
func describeVerityPairs(disk *Layer) {
	for i := range disk.Partitions {
		hash := &disk.Partitions[i]
		if hash.Content == nil || hash.Content.tree == nil || len(hash.Problems) > 0 {
			continue
		}
		t := hash.Content.tree
		for j := range disk.Partitions {
			data := &disk.Partitions[j]
			if i == j || len(data.Problems) > 0 || !t.belongs(data, hash) {
				continue
			}
			start := t.layout.HashStart() - uint64(hash.Offset)/uint64(t.params.HashBlockSize)
			name := strings.TrimSuffix(hash.TypeName, "-verity")
			if name == "" {
				name = "verity"
			}
			disk.openWith("%s-%d: %s", name, data.Number, t.tableLine(fmt.Sprintf("/dev/mapper/p%d", data.Number),
				fmt.Sprintf("/dev/mapper/p%d", hash.Number), start, t.rootFor(data, hash)))
		}
	}
}

// belongs says whether the UUIDs of two partitions are those of this tree.
func (t *verityTree) belongs(data, hash *Partition) bool {
	if data.Size < t.layout.DataBytes() {
		return false
	}
	first, last := uuidBytes(data.UUID), uuidBytes(hash.UUID)
	if t.root == nil { // one data block, or a hash function that is not here: the types have to do
		return t.layout.DigestSize() == len(first)+len(last) && data.TypeName != "" && data.TypeName+"-verity" == hash.TypeName
	}
	return len(t.root) >= 16 && bytes.HasPrefix(t.root, first) && bytes.HasSuffix(t.root, last)
}

func (t *verityTree) rootFor(data, hash *Partition) string {
	if t.root != nil {
		return hex.EncodeToString(t.root)
	}
	return hex.EncodeToString(append(uuidBytes(data.UUID), uuidBytes(hash.UUID)...))
}

// uuidBytes are the 16 bytes of a UUID as text, or nil.
func uuidBytes(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != 16 {
		return nil
	}
	return b
}
