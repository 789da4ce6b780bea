package multihash

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestRequiredImplementations turns the absence of an implementation into a
// failure on a machine that should have it: DMIMG_TEST_REQUIRE_IMPL=shani3,…
// Names of other packages' implementations are passed over.
func TestRequiredImplementations(t *testing.T) {
	t.Parallel()
	for name := range strings.SplitSeq(os.Getenv("DMIMG_TEST_REQUIRE_IMPL"), ",") {
		if slices.Contains(implNames[:], name) && !slices.Contains(Implementations(), name) {
			t.Errorf("implementation %q is required, here are %q", name, Implementations())
		}
	}
}

// TestVectors checks the examples of NIST's SHA-256 document (FIPS 180-2,
// appendix B) as prefix, block and suffix in every way they can be cut.
func TestVectors(t *testing.T) {
	t.Parallel()
	vectors := []struct{ message, digest string }{
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{
			"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
		},
		{strings.Repeat("a", 1000000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	}
	for _, v := range vectors {
		want, err := hex.DecodeString(v.digest)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range Implementations() {
			for _, cut := range [][2]int{{0, len(v.message)}, {1, len(v.message)}, {1, len(v.message) - 1}} {
				h, err := NewSHA256Impl([]byte(v.message[:cut[0]]), []byte(v.message[cut[1]:]), name)
				if err != nil {
					t.Fatal(err)
				}
				block := v.message[cut[0]:cut[1]]
				got := make([]byte, 5*Size)
				h.SumBlocks(got, []byte(strings.Repeat(block, 5)), len(block))
				if !bytes.Equal(got, bytes.Repeat(want, 5)) {
					t.Errorf("%s: %.10q… cut at %v: got %x, want 5 times %x", name, v.message, cut, got, want)
				}
			}
		}
	}
}

// compare hashes n blocks with an implementation and with crypto/sha256; the
// memory around what is read and written must stay as it is.
func compare(t *testing.T, name string, prefix, suffix, blocks []byte, blockSize int) {
	t.Helper()
	h, err := NewSHA256Impl(prefix, suffix, name)
	if err != nil {
		t.Fatal(err)
	}
	n := len(blocks) / blockSize
	before := bytes.Clone(blocks)
	const guard = 64
	out := bytes.Repeat([]byte{0xa5}, n*Size+2*guard)
	h.SumBlocks(out[guard:guard+n*Size], blocks, blockSize)
	for i := range n {
		message := slices.Concat(prefix, blocks[i*blockSize:(i+1)*blockSize], suffix)
		want := sha256.Sum256(message)
		if got := out[guard+i*Size:][:Size]; !bytes.Equal(got, want[:]) {
			t.Fatalf("%s: prefix %d, block %d of %d × %d, suffix %d: got %x, want %x",
				name, len(prefix), i, n, blockSize, len(suffix), got, want)
		}
	}
	if !bytes.Equal(blocks, before) {
		t.Fatalf("%s: the blocks changed", name)
	}
	edge := bytes.Repeat([]byte{0xa5}, guard)
	if !bytes.Equal(out[:guard], edge) || !bytes.Equal(out[guard+n*Size:], edge) {
		t.Fatalf("%s: wrote outside of the digests", name)
	}
}

// TestAllLengths compares every implementation with crypto/sha256 for all small
// block sizes, prefixes and suffixes, and all alignments.
func TestAllLengths(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	data := randomBytes(random, 1<<16)
	for _, name := range Implementations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for blockSize := 1; blockSize <= 300; blockSize++ {
				at, n := blockSize%64, 1+blockSize%7
				compare(t, name, data[:blockSize%67], data[:blockSize%41], data[at:at+n*blockSize], blockSize)
			}
			for salt := 0; salt <= 256; salt++ {
				at := salt % 17
				compare(t, name, data[:salt], nil, data[at:at+5*512], 512)
				compare(t, name, nil, data[:salt], data[at:at+5*512], 512)
			}
			for n := range 12 {
				compare(t, name, data[:32], nil, data[1:1+n*4096], 4096)
			}
			compare(t, name, nil, data[:300], data[:6*64], 64)
		})
	}
}

func randomBytes(r *rand.Rand, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

func FuzzSumBlocks(f *testing.F) {
	f.Add([]byte("salt"), []byte(""), bytes.Repeat([]byte("block"), 200), 100)
	f.Add(bytes.Repeat([]byte{7}, 64), bytes.Repeat([]byte{8}, 31), make([]byte, 3*512), 512)
	f.Add([]byte(nil), bytes.Repeat([]byte{9}, 256), make([]byte, 2*64), 64)
	f.Fuzz(func(t *testing.T, prefix, suffix, blocks []byte, blockSize int) {
		if blockSize <= 0 || blockSize > len(blocks) {
			return
		}
		blocks = blocks[:len(blocks)/blockSize*blockSize]
		for _, name := range Implementations() {
			compare(t, name, prefix, suffix, blocks, blockSize)
		}
	})
}

func TestSumBlocksAllocatesNothing(t *testing.T) {
	for _, name := range Implementations() {
		h, err := NewSHA256Impl(make([]byte, 32), nil, name)
		if err != nil {
			t.Fatal(err)
		}
		blocks, dst := make([]byte, 16*4096), make([]byte, 16*Size)
		h.SumBlocks(dst, blocks, 4096)
		if n := testing.AllocsPerRun(100, func() { h.SumBlocks(dst, blocks, 4096) }); n != 0 && !raceEnabled {
			t.Errorf("%s: %v allocations for 16 blocks, want none", name, n)
		}
	}
}

func TestWrongSizesPanic(t *testing.T) {
	t.Parallel()
	h := NewSHA256(nil, nil)
	for _, c := range []struct{ dst, blocks, blockSize int }{
		{Size, 100, 0}, {Size, 100, -1}, {Size, 100, 99}, {Size - 1, 100, 100}, {2 * Size, 300, 100},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("SumBlocks of %+v did not panic", c)
				}
			}()
			h.SumBlocks(make([]byte, c.dst), make([]byte, c.blocks), c.blockSize)
		}()
	}
}

func TestUnknownImplementation(t *testing.T) {
	t.Parallel()
	_, err := NewSHA256Impl(nil, nil, "abacus")
	if err == nil || !strings.Contains(err.Error(), `"abacus"`) || !strings.Contains(err.Error(), "generic") {
		t.Errorf("NewSHA256Impl(abacus): %v, want an error naming it and the choices", err)
	}
}

func ExampleSHA256_SumBlocks() {
	h := NewSHA256([]byte("salt"), nil)
	digests := make([]byte, 2*h.Size())
	h.SumBlocks(digests, make([]byte, 2*4096), 4096)
	fmt.Printf("%x\n", digests[:8])
	fmt.Println(bytes.Equal(digests[:Size], digests[Size:]))
	// Output:
	// 02c7d121869b5899
	// true
}
