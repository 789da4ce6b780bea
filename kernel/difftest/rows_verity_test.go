package difftest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/verity"
)

// tree is a verity tree: data on the first disk, hashes on the second, parity on the
// third if it has roots.
type tree struct {
	verity.Params
	roots   int
	options []string // words after the parameters
	// zeros are data blocks that hold zeros when the tree is made.
	zeros []int
	// damage is done at the end.
	damage []damage
}

// damage overwrites a part of a disk.
type damage struct {
	disk           int
	offset, length int64
	zero           bool // with zeros, otherwise with noise
}

// treeWords are the placeholders that a tree gives a value.
var treeWords = []string{"root", "blocks", "salt", "fec"}

// veritySize is the number of blocks of the rows that are about something else.
const veritySize = 40

// verityAlgorithms are those that both sides have.
var verityAlgorithms = strings.Fields("sha256 sha1 sha224 sha384 sha512 sha3-224 sha3-256 sha3-384 sha3-512 md5 rmd160 " +
	"wp256 wp384 wp512 blake2b-160 blake2b-256 blake2b-384 blake2b-512 streebog256 streebog512 md4 crc32 crc32c xxhash64")

func verityRows() []row {
	var list []row
	for _, name := range verityAlgorithms {
		r := tree{Params: verity.Params{HashType: 1, Algorithm: name, Salt: []byte("sixteen of salt.")}}.row("hash " + name)
		r.short = name == "sha512" || name == "sha1"
		list = append(list, r)
	}
	list = append(list, veritySizeRows()...)
	list = append(list, verityOptionRows()...)
	list = append(list, verityDamageRows()...)
	return append(list, verityParityRows()...)
}

// veritySizeRows vary block sizes, numbers of blocks, salts and the hash type.
func veritySizeRows() []row {
	var list []row
	for _, p := range []verity.Params{
		{DataBlockSize: 512, HashBlockSize: 512},
		{DataBlockSize: 512, HashBlockSize: 1024},
		{DataBlockSize: 512, HashBlockSize: 4096},
		{DataBlockSize: 1024, HashBlockSize: 512},
		{DataBlockSize: 1024, HashBlockSize: 1024},
		{DataBlockSize: 2048, HashBlockSize: 2048},
		{DataBlockSize: 4096, HashBlockSize: 512},
		{DataBlockSize: 4096, HashBlockSize: 1024},
	} {
		for _, p.HashType = range []int{0, 1} {
			r := tree{Params: p}.row(fmt.Sprintf("blocks of %d and %d type %d", p.DataBlockSize, p.HashBlockSize, p.HashType))
			r.short = p.DataBlockSize == 512 && p.HashBlockSize == 4096 && p.HashType == 0
			list = append(list, r)
		}
	}
	for _, blocks := range []uint64{1, 2, 127, 128, 129} {
		list = append(list, tree{Params: verity.Params{HashType: 1, DataBlocks: blocks, DataBlockSize: 1024}}.row(fmt.Sprintf("%d blocks", blocks)))
	}
	list = append(list, tree{Params: verity.Params{HashType: 1, DataBlocks: 300, DataBlockSize: 512, HashBlockSize: 512}}.row("300 blocks in 3 levels"))
	for _, salt := range []int{0, 1, 16, 32, 63, 64, 255, 256} {
		for _, kind := range []int{0, 1} {
			list = append(list, tree{Params: verity.Params{HashType: kind, Salt: []byte(key("salt", salt))[:salt]}}.row(
				fmt.Sprintf("salt of %d type %d", salt, kind)))
		}
	}
	for _, name := range []string{"sha1", "sha512"} {
		list = append(list, tree{Params: verity.Params{Algorithm: name, HashType: 0, HashBlockSize: 1024, DataBlockSize: 512}}.row(name+" type 0"))
	}
	list = append(list, tree{Params: verity.Params{HashType: 1, HashStartBlock: 3}}.row("tree further back"))
	return list
}

func verityOptionRows() []row {
	var list []row
	for _, options := range [][]string{
		{"ignore_corruption"},
		{"restart_on_corruption"},
		{"panic_on_corruption"},
		{"ignore_zero_blocks"},
		{"check_at_most_once"},
		{"ignore_corruption", "ignore_zero_blocks", "check_at_most_once"},
		{"try_verify_in_tasklet"},
	} {
		list = append(list, tree{Params: typeOne, options: options, zeros: []int{3, 4, 17}}.row(strings.Join(options, " ")))
	}
	return list
}

// typeOne is a tree with nothing special.
var typeOne = verity.Params{HashType: 1, Salt: []byte("salt")}

// verityDamageRows damage what was proven.
func verityDamageRows() []row {
	data := func(block int64) damage { return damage{offset: block*4096 + 100, length: 1} }
	list := []row{
		tree{Params: typeOne, damage: []damage{data(7)}}.row("damage in a block"),
		tree{Params: typeOne, damage: []damage{data(0), data(1), data(5), data(39)}}.row("damage in several blocks"),
		tree{Params: typeOne, damage: []damage{{disk: 1, offset: 5, length: 1}}}.row("damage in the root"),
		tree{Params: typeOne, damage: []damage{{disk: 1, offset: 32*9 + 1, length: 40}}}.row("damage of two digests"),
		tree{
			Params: verity.Params{HashType: 1, DataBlockSize: 512, HashBlockSize: 512, DataBlocks: 300},
			damage: []damage{{disk: 1, offset: 512*2 + 3, length: 1}, {disk: 1, offset: 512*5 + 3, length: 1}, {offset: 512 * 299, length: 9}},
		}.row("damage in every level"),
		tree{Params: typeOne, options: []string{"ignore_corruption"}, damage: []damage{data(7), data(8)}}.row("ignored damage"),
		tree{Params: typeOne, options: []string{"check_at_most_once"}, damage: []damage{data(7)}}.row("damage checked once"),
		tree{
			Params: typeOne, options: []string{"ignore_zero_blocks"}, zeros: []int{3, 4, 17},
			damage: []damage{data(3), data(6), {offset: 17 * 4096, length: 4096}},
		}.row("damage of zero blocks"),
		tree{Params: verity.Params{HashType: 0}, damage: []damage{data(2)}}.row("damage type 0"),
	}
	list[1].short, list[7].short, list[4].short = true, true, true
	return list
}

// verityParityRows have parity, and damage that it undoes or not.
func verityParityRows() []row {
	var list []row
	for _, roots := range []int{2, 3, 8, 16, 24} {
		list = append(list, tree{Params: typeOne, roots: roots}.row(fmt.Sprintf("parity %d roots", roots)))
		list = append(list, tree{
			Params: typeOne, roots: roots, damage: []damage{{offset: 4096 * 5, length: 4096}},
		}.row(fmt.Sprintf("parity %d roots a block lost", roots)))
	}
	small := verity.Params{HashType: 1, DataBlockSize: 1024, HashBlockSize: 1024, DataBlocks: 100}
	more := []row{
		tree{Params: typeOne, roots: 2, damage: []damage{{disk: 1, offset: 0, length: 4096}}}.row("parity tree lost"),
		tree{Params: typeOne, roots: 2, damage: []damage{{disk: 0, offset: 4096, length: 4 * 4096}}}.row("parity too much lost"),
		tree{Params: typeOne, roots: 8, damage: []damage{{disk: 0, offset: 4096, length: 4 * 4096}}}.row("parity four blocks lost"),
		tree{Params: typeOne, roots: 8, damage: []damage{{disk: 0, offset: 4096, length: 9 * 4096}}}.row("parity nine blocks lost"),
		tree{Params: typeOne, roots: 2, damage: []damage{{disk: 2, offset: 0, length: 64}, {offset: 9 * 4096, length: 3}}}.row("parity damaged too"),
		tree{Params: small, roots: 4, damage: []damage{{offset: 1024*3 + 7, length: 1024}, {offset: 1024 * 99, length: 1}}}.row("parity blocks of 1024"),
		tree{
			Params: typeOne, roots: 2, options: []string{"ignore_zero_blocks"}, zeros: []int{1, 2, 20},
			damage: []damage{{offset: 4096, length: 4096}, {offset: 4096 * 30, length: 4096}},
		}.row("parity and zero blocks"),
		tree{
			Params: typeOne, roots: 2, options: []string{"ignore_corruption"},
			damage: []damage{{offset: 4096, length: 4 * 4096}},
		}.row("parity too much lost ignored"),
		tree{
			Params: verity.Params{HashType: 1, DataBlocks: 300, DataBlockSize: 512, HashBlockSize: 512}, roots: 2,
			damage: []damage{{offset: 512 * 250, length: 512}, {disk: 1, offset: 512 * 4, length: 512}},
		}.row("parity over two rounds"),
	}
	more[2].short, more[1].short = true, true
	more[0].status = "the kernel counts the tries to prove neighbours of a hash block while it recovers that block"
	more[len(more)-1].better = "two lost blocks in the same codewords, one of them a hash block: only this engine knows where both are"
	return append(list, more...)
}

// row makes a row of the tree, with what is not set filled in.
func (t tree) row(name string) row {
	if t.Algorithm == "" {
		t.Algorithm = "sha256"
	}
	if t.DataBlockSize == 0 {
		t.DataBlockSize = 4096
	}
	if t.HashBlockSize == 0 {
		t.HashBlockSize = 4096
	}
	if t.DataBlocks == 0 {
		t.DataBlocks = veritySize
	}
	line := fmt.Sprintf("0 %d verity %d {0} {1} %d %d %d %d %s {root} {salt}", t.DataBlocks*uint64(t.DataBlockSize)/512,
		t.HashType, t.DataBlockSize, t.HashBlockSize, t.DataBlocks, t.HashStartBlock, t.Algorithm)
	words := t.options
	data := int64(t.DataBlocks) * int64(t.DataBlockSize)
	disks := noise(data, data+64*kib)
	if t.roots > 0 {
		words = append(slices.Clone(words), "use_fec_from_device", "{2}", "fec_blocks", "{fec}", "fec_start", "0", "fec_roots", fmt.Sprint(t.roots))
		disks = append(disks, disk{size: 256 * kib, zeros: true})
	}
	if len(words) > 0 {
		line += fmt.Sprintf(" %d %s", len(words), strings.Join(words, " "))
	}
	return row{name: "verity/" + name, disks: disks, tree: &t, readOnly: true, devices: lines(line)}
}
