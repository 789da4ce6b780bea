package verity

import (
	"bytes"
	"crypto/sha3"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
)

// tool finds a program to compare with.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
			t.Fatalf("%s is required: %v", name, err)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// memory is a device in memory that grows as it is written.
type memory struct {
	mu sync.RWMutex
	b  []byte
}

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if off >= int64(len(m.b)) {
		return 0, io.EOF
	}
	n := copy(p, m.b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if need := off + int64(len(p)); need > int64(len(m.b)) {
		m.b = append(m.b, make([]byte, need-int64(len(m.b)))...)
	}
	return copy(m.b[off:], p), nil
}

// pattern is n reproducible bytes, some stretches of them zero.
func pattern(n int, seed uint64) []byte {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(n)})
	rng.Read(b)
	for i := 0; i < n; i += 512 {
		if rng.Uint64()%4 == 0 {
			clear(b[i:min(n, i+512)])
		}
	}
	return b
}

// described makes the data that the shared case files describe (kind shake,
// zero, holes or same; see detdata.py there).
func described(t testing.TB, kind, seed string, size, block int) []byte {
	t.Helper()
	shake := func(n int) []byte {
		h := sha3.NewSHAKE128()
		h.Write([]byte(seed))
		b := make([]byte, n)
		h.Read(b)
		return b
	}
	switch kind {
	case "zero":
		return make([]byte, size)
	case "same":
		return bytes.Repeat(shake(block), size/block+1)[:size]
	case "shake":
		return shake(size)
	case "holes":
		b := shake(size)
		for i := 0; i*block < size; i++ {
			if (i*7+3)%5 == 0 {
				clear(b[i*block : min(size, (i+1)*block)])
			}
		}
		return b
	}
	t.Fatalf("unknown kind of data %q", kind)
	return nil
}

// modelTree is the slow and obvious version of the whole: the tree, top level
// first, and the root hash.
func modelTree(t testing.TB, p Params, data []byte) (tree, root []byte) {
	t.Helper()
	a, err := hashes.Lookup(p.Algorithm)
	if err != nil {
		t.Fatal(err)
	}
	sum := func(block []byte) []byte {
		h := a.New()
		if p.HashType == 1 {
			h.Write(p.Salt)
		}
		h.Write(block)
		if p.HashType == 0 {
			h.Write(p.Salt)
		}
		return h.Sum(nil)
	}
	perBlock := 1
	for perBlock*2*a.Size <= p.HashBlockSize {
		perBlock *= 2
	}
	level, size := data[:p.DataBlocks*uint64(p.DataBlockSize)], p.DataBlockSize
	for len(level) > size {
		var above []byte
		for i := 0; len(level) > 0; i++ {
			if i%perBlock == 0 {
				above = append(above, make([]byte, p.HashBlockSize)...)
			}
			stride := a.Size
			if p.HashType == 1 {
				stride = p.HashBlockSize / perBlock
			}
			copy(above[i/perBlock*p.HashBlockSize+i%perBlock*stride:], sum(level[:size]))
			level = level[size:]
		}
		tree = append(bytes.Clone(above), tree...)
		level, size = above, p.HashBlockSize
	}
	return tree, sum(level)
}

// image is data with its tree.
type image struct {
	p          Params
	data, hash *memory
	root       []byte
}

// soundImages holds what newImage made, because the model is slow.
var soundImages sync.Map

// newImage makes an image with the model. The caller may damage it.
func newImage(t testing.TB, p Params) *image {
	t.Helper()
	key := fmt.Sprintf("%s %x", describe(p), p.Salt)
	made, ok := soundImages.Load(key)
	if !ok {
		data := pattern(int(p.DataBlocks)*p.DataBlockSize, p.DataBlocks)
		tree, root := modelTree(t, p, data)
		hash := append(make([]byte, int(p.HashStartBlock)*p.HashBlockSize), tree...)
		made, _ = soundImages.LoadOrStore(key, &image{p: p, data: &memory{b: data}, hash: &memory{b: hash}, root: root})
	}
	i := made.(*image)
	return &image{
		p: p, data: &memory{b: bytes.Clone(i.data.b)}, hash: &memory{b: bytes.Clone(i.hash.b)}, root: bytes.Clone(i.root),
	}
}

func (i *image) layout(t testing.TB) Layout {
	t.Helper()
	l, err := NewLayout(i.p)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// params is the usual kind of tree over so many blocks.
func params(blocks uint64) Params {
	return Params{
		HashType: 1, Algorithm: "sha256", DataBlockSize: 4096, HashBlockSize: 4096,
		DataBlocks: blocks, HashStartBlock: 1, Salt: []byte("salt of the tests"),
	}
}

// shapes are trees that differ in everything a tree can differ in.
func shapes() map[string]Params {
	all := map[string]Params{}
	for _, n := range []uint64{1, 2, 127, 128, 129, 300} {
		all[fmt.Sprintf("sha256-4096-%d", n)] = params(n)
	}
	small := func(name string, p Params) {
		p.Salt = pattern(len(p.Salt), 3)
		all[name] = p
	}
	small("sha256-512-deep", Params{HashType: 1, Algorithm: "sha256", DataBlockSize: 512, HashBlockSize: 512, DataBlocks: 16*16*16 + 1, Salt: make([]byte, 32)})
	small("sha512-512-deep", Params{HashType: 1, Algorithm: "sha512", DataBlockSize: 512, HashBlockSize: 512, DataBlocks: 700, HashStartBlock: 5, Salt: make([]byte, 256)})
	small("sha1-type0", Params{HashType: 0, Algorithm: "sha1", DataBlockSize: 512, HashBlockSize: 1024, DataBlocks: 1500, HashStartBlock: 3, Salt: make([]byte, 7)})
	small("sha1-type1", Params{HashType: 1, Algorithm: "sha1", DataBlockSize: 1024, HashBlockSize: 512, DataBlocks: 1500, HashStartBlock: 3})
	small("sha384-type0", Params{HashType: 0, Algorithm: "sha384", DataBlockSize: 4096, HashBlockSize: 1024, DataBlocks: 400})
	small("small-data-big-hash", Params{HashType: 1, Algorithm: "sha256", DataBlockSize: 512, HashBlockSize: 65536, DataBlocks: 5000, Salt: make([]byte, 1)})
	small("big-data-small-hash", Params{HashType: 1, Algorithm: "md5", DataBlockSize: 65536, HashBlockSize: 512, DataBlocks: 70, Salt: make([]byte, 16)})
	small("largest-blocks", Params{HashType: 1, Algorithm: "sha256", DataBlockSize: 524288, HashBlockSize: 524288, DataBlocks: 3, Salt: make([]byte, 16)})
	return all
}

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "-"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
