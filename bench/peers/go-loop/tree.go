package main

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
)

const (
	blockSize = 4096
	readSize  = 1 << 20
	maxSalt   = 256
)

// tree hashes blocks one after another, each as salt and block.
type tree struct {
	salt []byte
	hash hash.Hash
}

// build returns the levels of the tree from the leaves up, each filled with
// zeros to whole blocks, and the hash of the top block.
func (t *tree) build(data io.Reader, size int64) (levels [][]byte, root []byte, err error) {
	t.hash = sha256.New()
	level := make([]byte, 0, padded(size/blockSize*sha256.Size))
	buffer := make([]byte, readSize)
	for left := size; left > 0; {
		chunk := buffer[:min(left, readSize)]
		if _, err := io.ReadFull(data, chunk); err != nil {
			return nil, nil, err
		}
		level = t.sumBlocks(level, chunk)
		left -= int64(len(chunk))
	}
	for {
		level = level[:padded(int64(len(level)))]
		levels = append(levels, level)
		if len(level) == blockSize {
			return levels, t.sumBlocks(nil, level), nil
		}
		above := make([]byte, 0, padded(int64(len(level))/blockSize*sha256.Size))
		level = t.sumBlocks(above, level)
	}
}

// sumBlocks appends the digests of the blocks to digests.
func (t *tree) sumBlocks(digests, blocks []byte) []byte {
	for len(blocks) > 0 {
		t.hash.Reset()
		t.hash.Write(t.salt)
		t.hash.Write(blocks[:blockSize])
		digests = t.hash.Sum(digests)
		blocks = blocks[blockSize:]
	}
	return digests
}

func padded(n int64) int64 { return (n + blockSize - 1) / blockSize * blockSize }

// superblock returns the first block of the hash area, as the page "DM-Verity
// on-disk format" of cryptsetup's wiki gives it.
func superblock(salt, id []byte, dataBlocks uint64) []byte {
	b := make([]byte, blockSize)
	copy(b, "verity")
	binary.LittleEndian.PutUint32(b[8:], 1)  // version
	binary.LittleEndian.PutUint32(b[12:], 1) // hash type
	copy(b[16:], id)
	copy(b[32:], "sha256")
	binary.LittleEndian.PutUint32(b[64:], blockSize)
	binary.LittleEndian.PutUint32(b[68:], blockSize)
	binary.LittleEndian.PutUint64(b[72:], dataBlocks)
	binary.LittleEndian.PutUint16(b[80:], uint16(len(salt)))
	copy(b[88:], salt)
	return b
}
